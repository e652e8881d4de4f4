/*
 * Finds the returns whose receipts are due, by following the event log from where the queue stands.
 * It prints nothing and saves nothing. One thread; blocks on the disk while it reads.
 */
#ifndef AGENT_PRINT_FOLLOW_H
#define AGENT_PRINT_FOLLOW_H

#include "agent/print/queue.h"
#include "sync/eventlog/eventlog.h"

struct print_follow {
    struct eventlog *log;
    struct eventlog_reader *reader;
    struct print_queue *queue;
    /* A return was made, approved or taken back. ERR_BUSY: there is no room for its print now. */
    enum err (*due)(void *context, const struct id *return_id, struct fault *fault);
    void *context;
};

/*
 * Goes on through at most a few hundred events, and moves the queue's `through`; `more` tells that
 * there are others, and `moved` that the queue began to follow another log: of that nothing is due,
 * for it came with a salvage, or was printed before. An event that could not be dealt with comes
 * again at the next call.
 */
enum err print_follow(struct print_follow *follow, bool *moved, bool *more,
                      struct fault *fault) MUST_CHECK;

#endif
