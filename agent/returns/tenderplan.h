/*
 * Which way the money goes back: over the tenders that paid, by priority with caps or in proportion
 * to what is left on each; never more on a tender than was paid on it. Pure, any thread.
 */
#ifndef AGENT_RETURNS_TENDERPLAN_H
#define AGENT_RETURNS_TENDERPLAN_H

#include "agent/returns/decision.h"
#include "agent/returns/facts.h"
#include "agent/returns/history.h"

struct tenderplan {
    const struct policy *policy;
    const struct facts *facts;
    const struct sale *sale;       /* NULL: without a receipt, all to a new tender */
    const struct history *history; /* before this return */
    int64_t total_minor;           /* the entitlement */
    int refund_to;                 /* enum tender_type wished for, if has_refund_to */
    bool has_refund_to;
    bool credits_market;
    const struct currency *currency;
    const struct currency *paid_currency;
};

/* What stands against the plan; both may be NULL. */
struct tenderplan_doubts {
    const char *refusal;       /* code of what can't be: refund_exceeds_paid, tender_not_allowed */
    const char *needs_manager; /* code of what only a manager may allow */
};

/*
 * Writes the plan: paid tenders first, a rounding tender last; their amounts sum to the total
 * unless there is a refusal. `tenders` has room for one more than the sale's tenders.
 */
void tenderplan_make(const struct tenderplan *plan, struct decided_tender *tenders, size_t *count,
                     struct tenderplan_doubts *doubts);

#endif
