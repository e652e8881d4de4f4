#include "sync/uplink/restore.h"
#include "hal/base/cleanup.h"
#include "sync/contract/restore.h"
#include "sync/uplink/errand.h"
#include "sync/uplink/unpack.h"

#include <stdlib.h>

struct restore {
    struct uplink *uplink;
    struct loop *loop;
    const struct uplink_config *config;
    struct eventlog_reader *reader;
    struct errands *errands;
    struct restore_logs logs; /* as the hub said last */
    size_t expecting;         /* notes that the log is still making */
    void (*done)(struct uplink *uplink);
    bool busy;
    int64_t moved_ms; /* when something was asked or came last */
};

static void publish(struct restore *restore, const struct restore_ask *ask)
{
    struct fault fault;
    struct buf body CLEANUP(buf_free);
    buf_init(&body, RESTORE_BYTES_MAX);
    restore_ask_write(&body, ask);
    restore->busy = true;
    restore->moved_ms = loop_now_ms(restore->loop);
    struct mqtt_message message = {
        .payload = buf_slice(&body), .qos = 1, .content_type = "application/json"};
    if (uplink_publish(restore->uplink, "restore", &message, &fault) != ERR_OK)
        diag_fault(restore->config->diag, DIAG_INFO, "uplink.restore", &fault);
}

void restore_begin(struct restore *restore)
{
    const struct restore_ask ask = {.has_log = false};
    publish(restore, &ask);
}

/* --- Asking for what is missing -------------------------------------------------------------- */

struct search {
    const struct restore_logs *logs;
    struct restore_ask ask; /* for a note that the hub can make good */
};

static enum err look_at_note(void *context, const struct eventlog_lost *lost, struct fault *fault)
{
    (void)fault;
    struct search *search = context;
    for (size_t i = 0; i < search->logs->count; i++) {
        const struct restore_log *log = &search->logs->list[i];
        if (id_equal(&log->id, &lost->log) && lost->first <= log->through)
            search->ask = (struct restore_ask){
                .has_log = true, .log = lost->log, .first = lost->first, .reads_compressed = true};
    }
    return ERR_OK;
}

static void finish(struct restore *restore)
{
    if (!restore->busy)
        return;
    restore->busy = false;
    restore->done(restore->uplink);
}

bool restore_is_busy(const struct restore *restore)
{
    int64_t patience_ms = restore->config->limits.ack_timeout_ms;
    return restore->busy && loop_now_ms(restore->loop) - restore->moved_ms < patience_ms;
}

static void ask_next(struct restore *restore)
{
    struct fault fault;
    struct search search = {.logs = &restore->logs};
    if (restore->expecting)
        return;
    if (eventlog_lost(restore->reader, look_at_note, &search, &fault) != ERR_OK)
        diag_fault(restore->config->diag, DIAG_WARN, "uplink.restore", &fault);
    else if (search.ask.has_log)
        publish(restore, &search.ask);
    else
        finish(restore);
}

/* --- What came ------------------------------------------------------------------------------- */

static void expected(struct errand *errand)
{
    struct restore *restore = errand->owner;
    restore->expecting--;
    if (errand->err)
        diag_fault(restore->config->diag, DIAG_WARN, "uplink.restore", &errand->fault);
    ask_next(restore);
}

void restore_listed(struct restore *restore, const struct mqtt_message *message)
{
    struct fault fault;
    if (restore_logs_read(message->payload, &restore->logs, &fault) != ERR_OK) {
        diag_fault(restore->config->diag, DIAG_WARN, "uplink.restore_unreadable", &fault);
        return;
    }
    for (size_t i = 0; i < restore->logs.count; i++) {
        const struct restore_log *log = &restore->logs.list[i];
        struct errand *errand = errand_new(restore->errands, expected);
        if (!errand)
            return;
        restore->expecting++;
        eventlog_expect(restore->config->log, &log->id, log->stream, log->through, errand_done,
                        errand);
    }
    ask_next(restore); /* unless the log is making notes */
}

static void taken(struct errand *errand)
{
    struct restore *restore = errand->owner;
    if (errand->err)
        diag_fault(restore->config->diag, DIAG_WARN, "uplink.restore", &errand->fault);
    else
        ask_next(restore);
}

static const char *get_property(void *context, const char *name)
{
    return mqtt_property_of(context, name);
}

void restore_came(struct restore *restore, const struct mqtt_message *message)
{
    struct fault fault;
    struct batch_header header;
    struct mqtt_message read = *message;
    struct slice bodies[BATCH_EVENTS_MAX];
    size_t count;
    struct buf unpacked CLEANUP(buf_free);
    struct slice text = {NULL, 0};
    buf_init(&unpacked, BATCH_BYTES_MAX);
    enum err err = batch_header_read(&header, get_property, &read, &fault);
    if (!err)
        err = unpack(message, &unpacked, &text, &fault);
    if (!err)
        err = batch_cut(text, bodies, BATCH_EVENTS_MAX, &count, &fault);
    if (!err)
        err = batch_verify(&header, bodies, count, NULL, &fault);
    if (err) {
        diag_fault(restore->config->diag, DIAG_WARN, "uplink.restore_unreadable", &fault);
        return;
    }
    struct errand *errand = errand_new(restore->errands, taken);
    if (errand)
        eventlog_restore(restore->config->log, &header, bodies, count, errand_done, errand);
}

/* --- Open and close -------------------------------------------------------------------------- */

enum err restore_open(struct restore **out, struct uplink *uplink, struct loop *loop,
                      const struct uplink_config *config, struct eventlog_reader *reader,
                      void (*done)(struct uplink *uplink), struct fault *fault)
{
    struct restore *restore = calloc(1, sizeof *restore);
    if (!restore)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    restore->uplink = uplink;
    restore->loop = loop;
    restore->done = done;
    restore->config = config;
    restore->reader = reader;
    restore->errands = errands_open(loop, restore);
    if (!restore->errands) {
        free(restore);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    *out = restore;
    return ERR_OK;
}

void restore_close(struct restore *restore)
{
    if (!restore)
        return;
    errands_close(restore->errands);
    free(restore);
}
