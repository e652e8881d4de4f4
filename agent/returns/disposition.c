#include "agent/returns/disposition.h"

int disposition_choose(const struct policy *policy, const struct when_facts *facts,
                       const char **rule)
{
    for (size_t i = 0; i < policy->disposition_count; i++) {
        if (when_fits(&policy->dispositions[i].when, facts)) {
            *rule = policy->dispositions[i].rule;
            return policy->dispositions[i].disposition;
        }
    }
    *rule = "";
    return DISPOSITION_UNDECIDED;
}

int64_t disposition_value(const struct sale_line *sold, int64_t quantity)
{
    return money_share(sold->gross_minor, sold->unit == UNIT_EACH ? 1 : quantity, sold->quantity);
}

static enum err look_up(const struct policy *policy, const char *reason, const char *condition,
                        struct when_facts *facts, struct fault *fault)
{
    facts->reason = policy_reason(policy, reason);
    facts->condition = policy_condition(policy, condition);
    if (facts->reason == policy->reason_count)
        return fault_set(fault, ERR_INVALID, "reason", "is not in the policy's list");
    if (facts->condition == policy->condition_count)
        return fault_set(fault, ERR_INVALID, "condition", "is not in the policy's list");
    return ERR_OK;
}

enum err disposition_inspected(const struct policy *policy, const struct sale *sale,
                               size_t sale_index, int64_t quantity, const char *reason,
                               const char *condition, int *disposition, const char **rule,
                               struct fault *fault)
{
    const struct sale_line *sold = &sale->lines[sale_index];
    struct when_facts facts = {
        .category = sold->category,
        .channel = sale->channel,
        .kind = sold->kind,
        .receipt = true,
        .in_hand = true,
        .currency = sale->currency->code,
        .value_minor = disposition_value(sold, quantity),
    };
    enum err err = look_up(policy, reason, condition, &facts, fault);
    if (!err)
        *disposition = disposition_choose(policy, &facts, rule);
    return err;
}

enum err disposition_without_sale(const struct policy *policy, const char *reason,
                                  const char *condition, int *disposition, const char **rule,
                                  struct fault *fault)
{
    struct when_facts facts = {.category = "", .in_hand = true, .currency = ""};
    enum err err = look_up(policy, reason, condition, &facts, fault);
    if (!err)
        *disposition = disposition_choose(policy, &facts, rule);
    return err;
}
