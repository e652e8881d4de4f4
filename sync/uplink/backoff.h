/*
 * How long to wait before trying again: exponential with full jitter, so that a chain of stores
 * doesn't come back all at once. Pure; randomness is passed in.
 */
#ifndef SYNC_UPLINK_BACKOFF_H
#define SYNC_UPLINK_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t base_ms;
    int64_t cap_ms; /* jitter included */
    unsigned failures;
};

/* The wait after one more failure: evenly within the ceiling, but at least a tenth of it. */
int64_t backoff_next(struct backoff *backoff, uint32_t random);
void backoff_reset(struct backoff *backoff);

#endif
