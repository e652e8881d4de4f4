/*
 * An exchange: a return and a new sale, linked. What the customer owes or gets, how much of the
 * refund is used up by the new goods, and the tax difference, which is posted even when nothing is
 * due. Pure, any thread.
 */
#ifndef AGENT_RETURNS_EXCHANGE_H
#define AGENT_RETURNS_EXCHANGE_H

#include "agent/returns/decision.h"

struct exchange_tax {
    const struct sale_tax *at; /* type, class, jurisdiction and rate */
    int64_t charged_minor;     /* on the new sale */
    int64_t reversed_minor;    /* by the return */
};

struct exchange {
    int64_t due_minor;            /* the customer pays; negative: gets */
    int64_t applied_minor;        /* of the refund, used for the new goods instead of paid out */
    int64_t tax_difference_minor; /* charged less reversed */
    struct exchange_tax *taxes;   /* each type, class, jurisdiction and rate once */
    size_t tax_count;
};

/* ERR_INVALID unless both have the same currency; ERR_NO_MEMORY when the arena is exhausted. */
enum err exchange_settle(const struct decision *decision, const struct sale *sale,
                         struct arena *arena, struct exchange *exchange,
                         struct fault *fault) MUST_CHECK;

#endif
