/*
 * The whole decision about a return, from what is known to what is to happen.
 *
 * Pure: no clock, no I/O, no randomness; the same input gives the same decision, so a decision can
 * be replayed from what was logged. Allocates only from the arena. Any thread.
 */
#ifndef AGENT_RETURNS_DECIDE_H
#define AGENT_RETURNS_DECIDE_H

#include "agent/returns/decision.h"
#include "agent/returns/facts.h"
#include "agent/returns/history.h"
#include "agent/returns/policy.h"
#include "agent/returns/request.h"
#include "agent/returns/sale.h"

struct decide_input {
    const struct sale *sale;       /* NULL: without a receipt, or not known here */
    const struct history *history; /* of that sale; NULL: nothing returned yet */
    const struct return_request *request;
    const struct policy *policy;
    const struct facts *facts;
    int64_t exchange_minor; /* gross of a new sale that the refund pays for first; 0: none */
};

/*
 * ERR_OK whatever the outcome is; a decline is an answer. ERR_INVALID, with the field's path, when
 * the request can't mean anything (a line number that the sale doesn't have, a reason that the
 * policy doesn't list); ERR_NO_MEMORY when the arena is exhausted.
 *
 * Approval by a manager: decide the same request again with facts.manager set, on the history of
 * that moment, and compare the amounts with those that the manager was shown. What needs a manager
 * is then accepted, its reasons marked as overridden; a decline stays a decline.
 */
enum err returns_decide(const struct decide_input *in, struct arena *arena,
                        struct decision *decision, struct fault *fault) MUST_CHECK;

#endif
