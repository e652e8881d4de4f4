/*
 * Products of two 64-bit numbers, exactly: what money is reckoned with on processors and compilers
 * that have no integer of 128 bits. Never rounds, never wraps. Pure, any thread.
 */
#ifndef SYNC_CONTRACT_WIDE_H
#define SYNC_CONTRACT_WIDE_H

#include <stdbool.h>
#include <stdint.h>

/* high * 2^64 + low */
struct wide {
    uint64_t high;
    uint64_t low;
};

struct wide wide_times(uint64_t a, uint64_t b);

/* Below, at or above zero as `a` is less than, equal to or more than `b`. */
int wide_compare(struct wide a, struct wide b);

/* value / by and what is left over; by > 0. False when the quotient has more than 64 bits. */
bool wide_divide(struct wide value, uint64_t by, uint64_t *quotient, uint64_t *rest);

#endif
