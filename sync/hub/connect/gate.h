/*
 * When a system outside may be asked again: at most so often a minute, and after a failure only
 * after a pause that doubles from try to try, with one try until it succeeds (a circuit breaker).
 * Pure but for the dice that keep two hubs from trying in step; times are monotonic.
 */
#ifndef SYNC_HUB_CONNECT_GATE_H
#define SYNC_HUB_CONNECT_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gate_config {
    int64_t retry_least_ms; /* 1000 when 0 */
    int64_t retry_most_ms;  /* 300000 when 0 */
    int64_t most_a_minute;  /* 0: no limit */
};

struct gate {
    struct gate_config config;
    unsigned failures;   /* one after the other */
    int64_t closed_till; /* after a failure */
    int64_t minute_ms;   /* when the minute that is counted began */
    int64_t in_minute;
};

void gate_init(struct gate *gate, const struct gate_config *config);
/* How many of `wanted` may be tried now. */
size_t gate_let(const struct gate *gate, size_t wanted, int64_t now_ms);
/* How many of those were tried, the last of them in vain or not. */
void gate_tried(struct gate *gate, size_t count, bool failed, int64_t now_ms);
/* The other side asked to be left alone for so long. */
void gate_hold(struct gate *gate, int64_t pause_ms, int64_t now_ms);
/* How long until gate_let lets one through. */
int64_t gate_wait_ms(const struct gate *gate, int64_t now_ms);

#endif
