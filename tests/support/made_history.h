/*
 * A made-up return for tests of the ledger: by a seed, all that may happen to it at its store, at
 * the centre and at the payment provider, as events in the order they were made; and what it adds
 * up to.
 */
#ifndef TESTS_SUPPORT_MADE_HISTORY_H
#define TESTS_SUPPORT_MADE_HISTORY_H

#include "hal/base/buf.h"
#include "sync/contract/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MADE_EVENTS_MAX = 64, MADE_LINES_MAX = 4, MADE_TENDERS = 2 };

enum made_market { MADE_NO_MARKET, MADE_MARKET, MADE_MARKET_WITH_TAX /* that it collected */ };

struct made_event {
    enum event_type type;
    bool of_centre;
    int64_t sequence; /* within its source */
    int64_t after;    /* of the centre: the store's events that it had seen */
    uint8_t id;
    struct buf data;
};

struct made_line {
    int64_t quantity;
    int64_t gross;
    int64_t tax;
    int64_t fee;
    int64_t cost;
    bool kept; /* by the customer */
};

/* A refund that stands. */
struct made_refund {
    const char *type;
    int64_t amount;
};

struct made_history {
    uint64_t seed;
    struct made_event events[MADE_EVENTS_MAX];
    size_t count;
    int64_t store_events;
    int64_t centre_events;
    struct made_line lines[MADE_LINES_MAX];
    size_t line_count;
    int64_t total;
    int64_t tax;
    int64_t commission; /* that a marketplace owes us */
    struct made_refund refunds[MADE_TENDERS];
    size_t refund_count;
    int market; /* enum made_market */
    bool in_yen;
    bool voided; /* or refused by the check: in any case closed */
};

/* `h` is to be freed. */
void made_history_make(struct made_history *h, uint64_t seed);
void made_history_free(struct made_history *h);
/* The next number of its seed, from `least` to `most`. */
int64_t made_history_pick(struct made_history *h, int64_t least, int64_t most);

#endif
