/*
 * Walks a log's events along its hash chain and reports what doesn't fit. Reads only, on whatever
 * database handle it is given, on its thread.
 */
#ifndef SYNC_EVENTLOG_CHAIN_WALK_H
#define SYNC_EVENTLOG_CHAIN_WALK_H

#include "sync/eventlog/eventlog.h"
#include "sync/eventlog/logs.h"

struct chain_walk {
    int64_t next;       /* the seq to come */
    struct sha256 hash; /* the chain before it */
    int64_t events;     /* walked so far */
};

/* At the log's first kept event. */
struct chain_walk chain_walk_begin(const struct log_row *row);
/* What is looked at beside the chain, and who hears of damage. */
struct chain_look {
    bool bodies; /* each is read, too */
    eventlog_report *report;
    void *context;
};
/*
 * Goes on over at most `max` events; *ended tells that there are no more. Damage is reported
 * and walked past: the next event is then held against the stored hash.
 */
enum err chain_walk_on(struct chain_walk *walk, struct database *db, const struct log_row *row,
                       const struct chain_look *look, int64_t max, bool *ended,
                       struct fault *fault) MUST_CHECK;
/* Checks the last `count` events up to `head`: ERR_CORRUPT names the first that doesn't fit. */
enum err chain_walk_tail(struct database *db, const struct log_row *row, int64_t head,
                         int64_t count, struct fault *fault) MUST_CHECK;

#endif
