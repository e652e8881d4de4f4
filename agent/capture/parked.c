/* The centre is asked to decide about an event that it has parked: it alone can. */
#include "agent/capture/job.h"
#include "agent/returns/cardnumber.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"

#include <stddef.h>

enum { REASON_MIN = 3, REASON_MAX = 500, DATA_MAX = 4096 };

struct parked_input {
    const char *reason;
};

static const struct json_field fields[] = {
    {.name = "reason",
     .kind = JSON_TEXT,
     .offset = offsetof(struct parked_input, reason),
     .min = REASON_MIN,
     .max = REASON_MAX},
};
static const struct json_table table = {fields, sizeof fields / sizeof *fields,
                                        sizeof(struct parked_input), false};

static enum err read(struct capture_job *job, struct fault *fault)
{
    struct parked_input *input = arena_alloc(&job->arena, 1, sizeof *input);
    if (!input)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    job->input = input;
    enum err err = json_read(job->doc, &table, input, &job->arena, fault);
    return err ? err : cardnumber_refuse(input->reason, "reason", NULL, fault);
}

static const char *action_of(const struct capture_job *job)
{
    return job->kind == CAPTURE_DISCARD ? "discard" : "resubmit";
}

static void write_data(struct buf *out, const struct capture_job *job,
                       const struct eventlog_parked *parked)
{
    const struct parked_input *input = job->input;
    char event[ID_TEXT + 1];
    char log[ID_TEXT + 1];
    id_format(&job->subject, event);
    id_format(&parked->log, log);
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "event_id", event);
    jsonw_text(&w, "log_id", log);
    jsonw_int(&w, "seq", parked->item.seq);
    jsonw_text(&w, "action", action_of(job));
    jsonw_text(&w, "reason", input->reason);
    jsonw_text(&w, "lane", job->actor.lane);
    jsonw_text(&w, "person", job->actor.person);
    jsonw_end(&w);
}

static void answer(struct capture_job *job)
{
    char event[ID_TEXT + 1];
    id_format(&job->subject, event);
    struct jsonw w = jsonw_to(&job->answer);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "id", event);
    jsonw_text(&w, "asked", action_of(job));
    jsonw_bool(&w, "saved", true);
    jsonw_end(&w);
}

static enum err decide(struct capture_job *job, struct eventlog_txn *txn, struct fault *fault)
{
    struct eventlog_parked parked = {0};
    struct buf data CLEANUP(buf_free);
    char subject[sizeof "event/" + ID_TEXT] = "event/";
    int64_t seq;
    buf_init(&data, DATA_MAX);
    enum err err = eventlog_txn_parked(txn, &job->subject, &parked, fault);
    if (err)
        return err;
    write_data(&data, job, &parked);
    id_format(&job->subject, subject + sizeof "event/" - 1);
    struct event event =
        job_event(job, EVENT_PARKED_ASKED, &job->subject, 0, slice_of(subject), buf_slice(&data));
    err = buf_check(&data, fault, "data");
    if (!err)
        err = eventlog_append(txn, &event, &seq, fault);
    if (!err)
        answer(job);
    return err;
}

static enum err replay(struct capture_job *job, struct eventlog_txn *txn,
                       const struct eventlog_record *first, struct fault *fault)
{
    (void)txn;
    (void)first;
    (void)fault;
    answer(job);
    return ERR_OK;
}

const struct capture_work capture_parked_work = {.read = read, .decide = decide, .replay = replay};
