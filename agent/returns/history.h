/*
 * What of a sale is already returned and live: the running totals that the next decision adds to.
 *
 * A return is live from the moment it is accepted (also pending a check) until it is voided,
 * declined after a check, or its refund given up. Build one with history_init, then add every live
 * return of the sale; the order doesn't matter. Pure, one owner.
 */
#ifndef AGENT_RETURNS_HISTORY_H
#define AGENT_RETURNS_HISTORY_H

#include "agent/returns/sale.h"

struct decided_line;
struct decision;

enum { HISTORY_FEE_RATES_MAX = 4 };

/* Restocking fees taken at one rate. */
struct history_fee {
    struct decimal rate; /* per cent */
    bool taxed;
    int64_t base_minor; /* net of the live returns that bore it */
    int64_t fee_minor;  /* with its tax */
    int64_t tax_minor;
};

struct history_line {
    int64_t units;          /* returned and live */
    int64_t amount_minor;   /* refunded for those units, in the line's stored basis */
    int64_t *taxes_minor;   /* refunded, for each of the line's tax components */
    int64_t adjusted_minor; /* refunded without goods (price adjustments), stored basis */
    int64_t *adjusted_taxes_minor;
    int64_t cost_units; /* of the units, those whose goods were ours */
    int64_t cost_minor;
    int64_t commission_fee_minor; /* commission that fell on what was refunded */
    int64_t commission_minor;     /* of it, given back to us by the marketplace */
    struct history_fee fees[HISTORY_FEE_RATES_MAX];
    size_t fee_count;
};

struct history_tender {
    int64_t refunded_minor;    /* planned or paid and not failed; of rounding: reversed */
    int64_t handed_over_minor; /* in cash, after cash rounding */
};

struct history {
    struct history_line *lines; /* by index in sale->lines */
    size_t line_count;
    struct history_tender *tenders; /* by index in sale->tenders */
    size_t tender_count;
    int64_t refunded_minor; /* entitlement of all live returns, after fees, with rounding */
};

/* All zero, sized for the sale. ERR_NO_MEMORY when the arena is exhausted. */
enum err history_init(const struct sale *sale, struct arena *arena, struct history *history,
                      struct fault *fault) MUST_CHECK;

/* Adds one line of a live decision to its running totals. */
void history_add_line(struct history_line *live, const struct decided_line *line);

/* A deep copy. */
enum err history_copy(const struct history *from, const struct sale *sale, struct arena *arena,
                      struct history *to, struct fault *fault) MUST_CHECK;

/* Adds a live decision. ERR_INVALID if it isn't of this sale. */
enum err history_add(struct history *history, const struct sale *sale,
                     const struct decision *decision, struct fault *fault) MUST_CHECK;

/*
 * The same from the members "lines" and "refund" that decision_write wrote (the body of a
 * return.created event, or the answer of POST /v1/returns). Other members are ignored.
 */
enum err history_add_json(struct history *history, const struct sale *sale,
                          const struct cJSON *json, struct arena *arena,
                          struct fault *fault) MUST_CHECK;

#endif
