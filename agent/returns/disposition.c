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

static struct when_facts facts_of(const struct disposition_goods *goods)
{
    if (!goods->sale)
        return (struct when_facts){.category = "", .in_hand = true, .currency = ""};
    const struct sale_line *sold = &goods->sale->lines[goods->sale_index];
    return (struct when_facts){
        .category = sold->category,
        .channel = goods->sale->channel,
        .kind = sold->kind,
        .receipt = true,
        .in_hand = true,
        .currency = goods->sale->currency->code,
        .value_minor = disposition_value(sold, goods->quantity),
    };
}

enum err disposition_inspected(const struct policy *policy, const struct disposition_goods *goods,
                               int *disposition, const char **rule, struct fault *fault)
{
    struct when_facts facts = facts_of(goods);
    facts.reason = policy_reason(policy, goods->reason);
    facts.condition = policy_condition(policy, goods->condition);
    if (facts.reason == policy->reason_count)
        return fault_set(fault, ERR_INVALID, "reason", "is not in the policy's list");
    if (facts.condition == policy->condition_count)
        return fault_set(fault, ERR_INVALID, "condition", "is not in the policy's list");
    *disposition = disposition_choose(policy, &facts, rule);
    return ERR_OK;
}
