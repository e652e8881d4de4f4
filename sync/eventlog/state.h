/*
 * What the writer keeps in memory of the database: both logs with their heads, the ordinal, the
 * inbox's watermark. Copied before a command and a group, and copied back when that is rolled back.
 */
#ifndef SYNC_EVENTLOG_STATE_H
#define SYNC_EVENTLOG_STATE_H

#include "sync/eventlog/eventlog.h"
#include "sync/eventlog/head.h"
#include "sync/eventlog/logs.h"

struct state_log {
    struct log_row row;
    int64_t head;
    struct sha256 hash;
    int64_t parked;
};

struct state {
    struct state_log logs[STREAMS_OF_APPLIANCE];
    int64_t ordinal;
    int64_t inbox_epoch;
    int64_t inbox_through;
    int64_t lost[STREAMS_OF_APPLIANCE];
    int64_t lost_at_ms;
    int64_t changes; /* grows with each append and each watermark that moved */
};

/* Reads it all; makes the first log of a stream that has none, in a transaction of the caller. */
enum err state_load(struct state *state, struct database *db, struct id_source *ids, int64_t now_ms,
                    struct fault *fault) MUST_CHECK;
/* Reads again how many items of a stream are parked. */
enum err state_count_parked(struct state *state, struct database *db, enum stream stream,
                            struct fault *fault) MUST_CHECK;
/* The streams' part of the status. */
void state_tell(const struct state *state, struct eventlog_status *status);
struct head state_head(const struct state *state);

#endif
