#include "agent/service/probe.h"
#include "hal/base/cleanup.h"
#include "hal/base/id.h"
#include "hal/base/jsonw.h"

#include <stdio.h>
#include <stdlib.h>

enum { DATA_MAX = 256 };

/* Outlives its close while the log has it. */
struct probe {
    struct eventlog_command command;
    struct loop *loop;
    struct eventlog *log;
    char person[PROBE_PERSON_MAX + 1];
    probe_done *done; /* NULL: nobody waits any more */
    void *context;
    bool saved;
    int64_t seq;
    enum err err;
    struct fault fault;
};

/* Writer thread. */
static enum err decide(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct probe *probe = context;
    struct id_source ids;
    struct buf data CLEANUP(buf_free);
    buf_init(&data, DATA_MAX);
    id_source_init(&ids, NULL, NULL);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "by", probe->person);
    jsonw_end(&w);
    struct event draft = {.type = EVENT_SELFTEST_RUN,
                          .subject = SLICE_LITERAL("selftest"),
                          .correlation = id_next(&ids, eventlog_txn_now(txn).wall_ms),
                          .data = buf_slice(&data)};
    enum err err = buf_check(&data, fault, "selftest");
    return err ? err : eventlog_append(txn, &draft, &probe->seq, fault);
}

static void on_saved(void *context)
{
    struct probe *probe = context;
    if (!probe->done) {
        free(probe);
        return;
    }
    probe->saved = true;
    if (probe->err)
        probe->done(probe->context, FINDING_FAIL, probe->fault.text);
    else
        probe_committed(probe);
}

/* Writer thread. */
static void saved(void *context, enum err err, const struct fault *fault)
{
    struct probe *probe = context;
    probe->err = err;
    if (err)
        probe->fault = *fault;
    if (loop_post(probe->loop, on_saved, probe) != ERR_OK)
        abort(); /* nothing can be allocated any more */
}

enum err probe_open(struct probe **out, struct loop *loop, struct eventlog *log, const char *person,
                    probe_done *done, void *context, struct fault *fault)
{
    struct probe *probe = calloc(1, sizeof *probe);
    if (!probe)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    *probe = (struct probe){.loop = loop, .log = log, .done = done, .context = context};
    (void)snprintf(probe->person, sizeof probe->person, "%.*s", PROBE_PERSON_MAX, person);
    probe->command = (struct eventlog_command){.decide = decide, .done = saved, .context = probe};
    *out = probe;
    eventlog_submit(log, &probe->command);
    return ERR_OK;
}

void probe_committed(struct probe *probe)
{
    struct eventlog_status status;
    if (!probe->saved)
        return;
    eventlog_status(probe->log, &status);
    if (status.streams[STREAM_RETURNS].through >= probe->seq)
        probe->done(probe->context, FINDING_OK,
                    "an event went to the hub, and its watermark came back");
}

void probe_close(struct probe *probe)
{
    if (!probe)
        return;
    if (probe->saved)
        free(probe);
    else
        probe->done = NULL;
}
