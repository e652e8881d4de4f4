/*
 * Appends the events of one return inside one command, numbering them, and what follows from an
 * acceptance: the goods on the counter are received, what the hub pays out is asked for. Used when
 * a return is created and when a manager approves it. The event log's writer thread.
 */
#ifndef AGENT_CAPTURE_RELEASE_H
#define AGENT_CAPTURE_RELEASE_H

#include "agent/capture/job.h"
#include "agent/capture/return_data.h"

struct release {
    struct capture_job *job;
    struct eventlog_txn *txn;
    struct id id; /* the return; or the exception itself, when it is of no return */
    bool of_no_return;
    int64_t sequence;     /* of its last event so far */
    struct id first;      /* the first event appended */
    struct slice created; /* the data of return.created, in the job's arena; empty before */
    bool any;
};

enum err release_append(struct release *release, enum event_type type, struct slice data,
                        struct fault *fault) MUST_CHECK;
/* Appends what follows from an accepted or pending decision; nothing for any other. */
enum err release_accepted(struct release *release, const struct return_data *data,
                          struct fault *fault) MUST_CHECK;

#endif
