/*
 * What a return sale must say in Tryton's terms: products, units and taxes found by their names,
 * and prices that give the entry's amounts. Inside of tryton_sale only; blocks, one thread.
 */
#ifndef SYNC_HUB_CONNECT_TRYTON_SALE_PLAN_H
#define SYNC_HUB_CONNECT_TRYTON_SALE_PLAN_H

#include "sync/hub/connect/tryton_way.h"

struct sale_plan_line {
    int64_t product; /* 0: only described */
    int64_t unit;    /* 0: none */
    int64_t taxes[MILESTONE_TAXES_MAX];
    int64_t fee_taxes[MILESTONE_TAXES_MAX];
};

struct sale_plan {
    const struct document *document;
    struct sale_plan_line *lines; /* as the document's */
    int64_t address;
    int64_t origin; /* 0: Tryton doesn't know the sale */
};

/* ERR_REFUSED names what Tryton or the connector's file doesn't have. */
enum err sale_plan_make(struct tryton_way *way, struct sale_plan *plan) MUST_CHECK;
void sale_plan_free(struct sale_plan *plan); /* also zeroed */

/* The values of the new sale, as an item of a list. */
void sale_plan_write(const struct tryton_way *way, const struct sale_plan *plan, struct jsonw *w);

enum { SALE_PRICE_PLACES = 4 };

/*
 * `quantity` pieces that come to `amount_minor` when each line is rounded to the currency, as one
 * price in units of 10^-SALE_PRICE_PLACES; where no such price does, *rest is the price of the last
 * piece, and *price that of the others; else 0.
 */
void sale_price(int64_t amount_minor, int64_t quantity, int exponent, int64_t *price,
                int64_t *rest);

#endif
