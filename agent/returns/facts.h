/*
 * What the store knows besides the sale and the request. Filled by the caller from its views, its
 * clock and its link; the decision reads nothing else.
 */
#ifndef AGENT_RETURNS_FACTS_H
#define AGENT_RETURNS_FACTS_H

#include "agent/returns/sale.h"

/* Live returns within the window that policy_velocity_days says, this one not counted. */
struct fact_velocity {
    int64_t returns;
    int64_t amount_minor;
};

/*
 * An item asked for without a receipt: the sale line at the lowest unit price known for it within
 * the policy's no_receipt.price_days, checked (sale_check); NULL if the item is not on file.
 */
struct fact_item {
    const struct sale_line *cheapest;
};

/* Pieces of a line of the sale that may come back under an authorisation still. */
struct fact_authorised_line {
    int64_t line;
    int64_t left;
};

/* What the centre allowed under the number that the customer shows. */
struct fact_authorisation {
    bool known; /* here, and of this receipt */
    bool expires;
    int64_t valid_until_ms;
    const struct fact_authorised_line *lines;
    size_t line_count;
};

/* What one unit of the sale's currency is in the pay-out currency. */
struct fact_fx {
    const char *to; /* currency; NULL: no rates known */
    struct decimal at_sale;
    struct decimal today;
};

struct facts {
    int64_t now_ms;
    int32_t utc_offset_minutes; /* of the store's civil time, for counting days */
    bool clock_trusted;
    bool link_up;
    bool confirmed;         /* the hub has said, just now, what was returned of this receipt */
    bool history_uncertain; /* salvaged or swapped, or goods of the receipt came back while its sale
                               was unknown: what was returned of it may be incomplete */
    bool manager;           /* a manager stands behind this very request */
    const char *store;
    const char *country;  /* ISO 3166-1, for cash rounding; "" if unknown */
    const char *currency; /* of the store, for what has no sale */
    struct fact_velocity velocity[VELOCITY_COUNT];
    const struct fact_item *items; /* by request line; only without a sale; may be NULL */
    size_t item_count;
    const struct fact_authorisation *authorisation; /* NULL: none was shown */
    struct fact_fx fx;
};

/* The civil day at the store of that moment, counted from 1970. */
int64_t facts_day(const struct facts *facts, int64_t ms);

#endif
