/*
 * One order on its way: what was read from it, the command that the event log decides, and the
 * answer. Made on the caller's thread, decided and ended on the writer thread, never both at once.
 * Only for the files of this folder.
 */
#ifndef AGENT_CAPTURE_JOB_H
#define AGENT_CAPTURE_JOB_H

#include "agent/capture/reservation.h"
#include "agent/views/views.h"

struct capture {
    struct capture_config config;
    struct eventlog_command sweep;
    bool sweeping; /* from submission to end; atomic */
    struct reservations reservations;
};

struct capture_job;

/* What one kind of order does. */
struct capture_work {
    /* Caller's thread: reads job->doc. */
    enum err (*read)(struct capture_job *job, struct fault *fault);
    /* Writer thread: decides, appends, writes the answer, unless `answer` does that. */
    enum err (*decide)(struct capture_job *job, struct eventlog_txn *txn, struct fault *fault);
    /* Writer thread: writes the answer that the command with this first event had. */
    enum err (*replay)(struct capture_job *job, struct eventlog_txn *txn,
                       const struct eventlog_record *first, struct fault *fault);
    /* The asker's thread, after the commit: writes the answer from job->decided. May be NULL. */
    enum err (*answer)(struct capture_job *job, struct fault *fault);
};

struct capture_job {
    struct eventlog_command command;
    struct capture *capture;
    const struct capture_work *work;
    enum capture_kind kind;
    struct id subject;
    struct capture_actor actor;
    struct slice traceparent;
    struct arena arena;
    struct cJSON *doc;
    void *input;         /* what `read` made of it, in the arena */
    const void *decided; /* what `decide` left for `answer`, in the arena */
    struct buf answer;
    enum err err;
    struct fault fault;
    bool replayed;
    bool contact_locked; /* a contact was given, and could not be sealed then */
    struct loop *loop;
    capture_done *done;
    void *context;
};

extern const struct capture_work capture_sale_work;
extern const struct capture_work capture_return_work;
extern const struct capture_work capture_change_work; /* approve to dispute */
extern const struct capture_work capture_exchange_work;
extern const struct capture_work capture_exception_work; /* assign and resolve */
extern const struct capture_work capture_raise_work;
extern const struct capture_work capture_parked_work; /* resubmit and discard */

/* The event of this job with that type and data, with the traceparent of its order. */
struct event job_event(const struct capture_job *job, enum event_type type,
                       const struct id *correlation, int64_t sequence, struct slice subject,
                       struct slice data);

#endif
