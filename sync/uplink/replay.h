/*
 * What is to be sent once more although the hub said that it holds it: ranges, one batch of them on
 * the road at a time, behind everything that the hub doesn't hold. The hub takes each event once,
 * so that a replay can't do harm. Kept in memory only: it is asked for by people, who ask again.
 * Pure: no clock, no I/O.
 */
#ifndef SYNC_UPLINK_REPLAY_H
#define SYNC_UPLINK_REPLAY_H

#include "sync/contract/batch.h"

enum { REPLAY_RANGES_MAX = 256 };

struct replay_range {
    enum stream stream;
    struct id log;
    int64_t first;
    int64_t last;
};

struct replay {
    struct replay_range ranges[REPLAY_RANGES_MAX]; /* in the order they were asked for */
    size_t count;
    int64_t sent_to; /* of the first range: on the road up to here; 0: nothing is */
};

/* ERR_BUSY when there are too many. */
enum err replay_add(struct replay *replay, const struct replay_range *range) MUST_CHECK;
/* What to send next; false when nothing is to be sent, or something is on the road. */
bool replay_next(const struct replay *replay, struct replay_range *next);
void replay_sent(struct replay *replay, int64_t last);
/* The hub has answered: what was on the road is done. */
void replay_answered(struct replay *replay);
/* What was on the road is lost: it is to be sent again. */
void replay_restart(struct replay *replay);
/* The first range can't be sent. */
void replay_drop(struct replay *replay);
/* Events still to be sent. */
int64_t replay_left(const struct replay *replay);

#endif
