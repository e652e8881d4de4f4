/* Where returned goods go, by the policy's table of condition, category and value. Pure. */
#ifndef AGENT_RETURNS_DISPOSITION_H
#define AGENT_RETURNS_DISPOSITION_H

#include "agent/returns/sale.h"
#include "agent/returns/when.h"

/* The first rule that fits; `undecided` and rule "" if none does. */
int disposition_choose(const struct policy *policy, const struct when_facts *facts,
                       const char **rule);

/* Goods that are looked at later. */
struct disposition_goods {
    const struct sale *sale; /* NULL: not known, so that they have no category and no value */
    size_t sale_index;       /* of its lines */
    int64_t quantity;
    const char *reason;
    const char *condition; /* as it was found */
};
/* The same for those: ERR_INVALID when the policy doesn't list the reason or the condition. */
enum err disposition_inspected(const struct policy *policy, const struct disposition_goods *goods,
                               int *disposition, const char **rule, struct fault *fault) MUST_CHECK;

/* The value that a `when` compares: of one piece, or of `quantity` where the unit is a measure. */
int64_t disposition_value(const struct sale_line *sold, int64_t quantity);

#endif
