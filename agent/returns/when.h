/* Whether a policy rule's `when` fits a line of a return. Pure, any thread. */
#ifndef AGENT_RETURNS_WHEN_H
#define AGENT_RETURNS_WHEN_H

#include "agent/returns/policy.h"

/* What a `when` looks at. */
struct when_facts {
    const char *category;
    int channel;      /* enum channel */
    int kind;         /* enum line_kind */
    size_t reason;    /* index in policy->reasons */
    size_t condition; /* index in policy->conditions */
    bool receipt;
    bool link;
    bool clock; /* the time is trusted */
    bool in_hand;
    bool other_store;
    const char *currency;
    int64_t value_minor; /* of one piece; of what comes back where the unit is a measure */
};

bool when_fits(const struct policy_when *when, const struct when_facts *facts);

#endif
