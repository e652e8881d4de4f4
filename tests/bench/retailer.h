/*
 * Days of a chain of stores, as its appliances and its payment provider tell of it: one piece of
 * each return comes back and is refunded by card, and two days later the provider reports it. A few
 * it never reports, and a few with another amount. Everything follows from a return's number.
 */
#ifndef TESTS_BENCH_RETAILER_H
#define TESTS_BENCH_RETAILER_H

#include "hal/base/buf.h"
#include "hal/base/id.h"

#include <stdint.h>

enum {
    RETAILER_STEPS = 3,         /* events of a return at its store */
    RETAILER_FORGOTTEN = 500,   /* one in so many is in no report */
    RETAILER_DIFFERING = 1000,  /* one in so many has another amount there; some are forgotten */
    RETAILER_SETTLED_AFTER = 2, /* days */
};

struct retailer {
    int part; /* of several that run side by side: their returns and devices differ */
    int64_t returns;
    int64_t days; /* over which they are spread */
};

/* A kind of thing and its number. */
struct id retailer_id(const struct retailer *retailer, int64_t number, uint8_t kind);
void retailer_device(const struct retailer *retailer, int store, char name[static 64]);
/* When the return was taken in. */
int64_t retailer_time_ms(const struct retailer *retailer, int64_t number);
/* Appends the CloudEvent of one step, 0 to RETAILER_STEPS - 1. */
void retailer_event(const struct retailer *retailer, int store, int64_t number, int step,
                    struct buf *body);
/* Appends an Adyen settlement report of the returns from `first` to before `end`. */
void retailer_settlement(const struct retailer *retailer, int64_t first, int64_t end,
                         struct buf *text);

#endif
