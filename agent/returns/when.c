#include "agent/returns/when.h"

#include <string.h>

static bool category_fits(const struct policy_names *names, const char *category)
{
    if (names->count == 0)
        return true;
    for (size_t i = 0; i < names->count; i++) {
        size_t len = strlen(names->list[i]);
        if (strncmp(category, names->list[i], len) == 0 &&
            (category[len] == '\0' || category[len] == '/'))
            return true;
    }
    return false;
}

static bool bit_fits(uint64_t mask, size_t index)
{
    return mask == 0 || (mask >> index & 1);
}

static bool flag_fits(int wanted, bool is)
{
    return wanted == POLICY_EITHER || (wanted == POLICY_YES) == is;
}

static bool value_fits(const struct policy_when *when, const struct when_facts *facts)
{
    if (when->value_below.count > 0) {
        const struct policy_amount *limit = policy_limit(&when->value_below, facts->currency);
        if (!limit || facts->value_minor >= limit->amount_minor)
            return false;
    }
    if (when->value_from.count > 0) {
        const struct policy_amount *limit = policy_limit(&when->value_from, facts->currency);
        if (!limit || facts->value_minor < limit->amount_minor)
            return false;
    }
    return true;
}

bool when_fits(const struct policy_when *when, const struct when_facts *facts)
{
    return bit_fits(when->channels, (size_t)facts->channel) &&
           bit_fits(when->kinds, (size_t)facts->kind) && bit_fits(when->reasons, facts->reason) &&
           bit_fits(when->conditions, facts->condition) &&
           flag_fits(when->receipt, facts->receipt) && flag_fits(when->link, facts->link) &&
           flag_fits(when->clock, facts->clock) && flag_fits(when->in_hand, facts->in_hand) &&
           flag_fits(when->other_store, facts->other_store) && value_fits(when, facts) &&
           category_fits(&when->categories, facts->category);
}
