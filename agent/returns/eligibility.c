#include "agent/returns/eligibility.h"

#include <string.h>

static const int64_t day_ms = 86400000;

static const struct sale_line *sold_line(const struct eligibility *e, size_t line)
{
    size_t index = e->lines[line].sale_index;
    return index == DECISION_NO_INDEX ? NULL : &e->in->sale->lines[index];
}

static bool no_receipt(const struct eligibility *e, size_t line, const struct policy_rule *rule)
{
    (void)line;
    (void)rule;
    return !e->in->request->receipt;
}

static bool not_known(const struct eligibility *e, size_t line, const struct policy_rule *rule)
{
    (void)line;
    (void)rule;
    return e->in->request->receipt && !e->in->sale;
}

static bool not_confirmed(const struct eligibility *e, size_t line, const struct policy_rule *rule)
{
    (void)line;
    (void)rule;
    return e->in->sale && !e->in->facts->confirmed;
}

/* What was lost here, or named no sale, the hub can't confirm either. */
static bool history_uncertain(const struct eligibility *e, size_t line,
                              const struct policy_rule *rule)
{
    (void)line;
    (void)rule;
    return e->in->request->receipt && e->in->facts->history_uncertain;
}

static bool clock_untrusted(const struct eligibility *e, size_t line,
                            const struct policy_rule *rule)
{
    (void)line;
    (void)rule;
    const struct facts *facts = e->in->facts;
    return !facts->clock_trusted ||
           (e->in->sale && facts->now_ms < e->in->sale->sold_at_ms - day_ms);
}

static bool days_passed(const struct eligibility *e, const struct policy_rule *rule,
                        bool with_holidays)
{
    if (!e->in->sale)
        return false;
    int64_t sold = facts_day(e->in->facts, e->in->sale->sold_at_ms);
    int64_t last = sold + rule->days;
    const struct policy *policy = e->in->policy;
    for (size_t i = 0; with_holidays && i < policy->holiday_count; i++) {
        const struct policy_holiday *holiday = &policy->holidays[i];
        if (sold >= holiday->sold_from_day && sold <= holiday->sold_to_day &&
            holiday->until_day > last)
            last = holiday->until_day;
    }
    return facts_day(e->in->facts, e->in->facts->now_ms) > last;
}

static bool window_expired(const struct eligibility *e, size_t line, const struct policy_rule *rule)
{
    (void)line;
    return days_passed(e, rule, true);
}

static bool too_old(const struct eligibility *e, size_t line, const struct policy_rule *rule)
{
    (void)line;
    return days_passed(e, rule, false);
}

static bool always(const struct eligibility *e, size_t line, const struct policy_rule *rule)
{
    (void)e;
    (void)line;
    (void)rule;
    return true;
}

static bool serial_differs(const struct eligibility *e, size_t line, const struct policy_rule *rule)
{
    (void)rule;
    const struct sale_line *sold = sold_line(e, line);
    const char *serial = e->lines[line].serial;
    return sold && sold->serial && (!serial || strcmp(serial, sold->serial) != 0);
}

static bool above(const struct policy_amounts *limits, const char *currency, int64_t amount_minor)
{
    const struct policy_amount *limit = policy_limit(limits, currency);
    return limit && amount_minor > limit->amount_minor;
}

static bool amount_above(const struct eligibility *e, size_t line, const struct policy_rule *rule)
{
    (void)line;
    return above(&rule->limits, e->currency, e->total_minor);
}

static bool cash_above(const struct eligibility *e, size_t line, const struct policy_rule *rule)
{
    (void)line;
    return above(&rule->limits, e->currency, e->cash_minor);
}

static bool too_many(const struct eligibility *e, size_t line, const struct policy_rule *rule)
{
    (void)line;
    const struct fact_velocity *so_far = &e->in->facts->velocity[rule->per];
    if (rule->has_returns && so_far->returns + 1 > rule->returns)
        return true;
    return above(&rule->limits, e->currency, so_far->amount_minor + e->total_minor);
}

static bool goods_stay(const struct eligibility *e, const char *group)
{
    const struct sale *sale = e->in->sale;
    for (size_t i = 0; i < sale->line_count; i++) {
        const struct sale_line *sold = &sale->lines[i];
        bool counts =
            group ? sold->group && strcmp(sold->group, group) == 0 : sold->kind == KIND_ITEM;
        if (counts && e->after->lines[i].units < sold->quantity)
            return true;
    }
    return false;
}

static bool order_incomplete(const struct eligibility *e, size_t line,
                             const struct policy_rule *rule)
{
    (void)rule;
    return sold_line(e, line) && goods_stay(e, NULL);
}

static bool group_incomplete(const struct eligibility *e, size_t line,
                             const struct policy_rule *rule)
{
    (void)rule;
    const struct sale_line *sold = sold_line(e, line);
    return sold && sold->group && !e->lines[line].adjustment && goods_stay(e, sold->group);
}

bool jurisdiction_is_of(const char *jurisdiction, const char *country)
{
    size_t len = strcspn(jurisdiction, "-");
    return len != 2 || strncmp(jurisdiction, country, 2) == 0;
}

static bool taxed_abroad(const struct eligibility *e, size_t line, const struct policy_rule *rule)
{
    (void)rule;
    const char *country = e->in->facts->country;
    const struct sale_line *sold = sold_line(e, line);
    for (size_t i = 0; sold && country && *country && i < sold->tax_count; i++)
        if (!jurisdiction_is_of(sold->taxes[i].jurisdiction, country))
            return true;
    return false;
}

static bool not_authorised(const struct eligibility *e, size_t line, const struct policy_rule *rule)
{
    (void)line;
    (void)rule;
    const struct fact_authorisation *shown = e->in->facts->authorisation;
    return shown && !shown->known;
}

static bool authorised_before(const struct eligibility *e, size_t line,
                              const struct policy_rule *rule)
{
    (void)line;
    (void)rule;
    const struct fact_authorisation *shown = e->in->facts->authorisation;
    return shown && shown->expires && e->in->facts->now_ms > shown->valid_until_ms;
}

/* The same line of the sale may be asked for several times. */
static bool authorised_fewer(const struct eligibility *e, size_t line,
                             const struct policy_rule *rule)
{
    (void)rule;
    const struct fact_authorisation *shown = e->in->facts->authorisation;
    int64_t asked = 0;
    int64_t left = 0;
    if (!shown || !shown->known || !sold_line(e, line))
        return false;
    for (size_t i = 0; i < e->line_count; i++)
        if (e->lines[i].sale_index == e->lines[line].sale_index && !e->lines[i].adjustment)
            asked += e->lines[i].quantity;
    for (size_t i = 0; i < shown->line_count; i++)
        if (shown->lines[i].line == e->lines[line].line)
            left += shown->lines[i].left;
    return asked > left;
}

static const struct sale_line *cheapest(const struct eligibility *e, size_t line)
{
    size_t index = e->lines[line].request_index;
    const struct facts *facts = e->in->facts;
    return facts->items && index < facts->item_count ? facts->items[index].cheapest : NULL;
}

static bool not_on_file(const struct eligibility *e, size_t line, const struct policy_rule *rule)
{
    (void)rule;
    return !e->in->sale && !cheapest(e, line);
}

static bool claims_more(const struct eligibility *e, size_t line, const struct policy_rule *rule)
{
    (void)rule;
    const struct sale_line *known = cheapest(e, line);
    const struct request_line *asked = &e->in->request->lines[e->lines[line].request_index];
    return !e->in->sale && known && asked->has_claimed_price &&
           asked->claimed_price_minor > money_share(known->gross_minor, 1, known->quantity);
}

/* `whole`: it concerns the whole return, and is told once. */
static const struct check {
    bool (*broken)(const struct eligibility *e, size_t line, const struct policy_rule *rule);
    const char *code;
    bool whole;
} checks[POLICY_CHECK_COUNT] = {
    [POLICY_RECEIPT] = {no_receipt, "no_original", true},
    [POLICY_KNOWN] = {not_known, "receipt_unknown", true},
    [POLICY_CONFIRMED] = {not_confirmed, "not_confirmed", true},
    [POLICY_HISTORY] = {history_uncertain, "history_uncertain", true},
    [POLICY_CLOCK] = {clock_untrusted, "clock_untrusted", true},
    [POLICY_WINDOW] = {window_expired, "window_expired", false},
    [POLICY_AGE] = {too_old, "too_old", false},
    [POLICY_REFUSE] = {always, "refused", false},
    [POLICY_SERIAL] = {serial_differs, "serial_mismatch", false},
    [POLICY_AMOUNT] = {amount_above, "amount_limit", true},
    [POLICY_VELOCITY] = {too_many, "too_many_returns", true},
    [POLICY_WHOLE_ORDER] = {order_incomplete, "order_incomplete", false},
    [POLICY_WHOLE_GROUP] = {group_incomplete, "group_incomplete", false},
    [POLICY_ITEM_ON_FILE] = {not_on_file, "item_not_on_file", false},
    [POLICY_CLAIMED_PRICE] = {claims_more, "price_above_lowest", false},
    [POLICY_AUTHORISATION] = {not_authorised, "authorisation_unknown", true},
    [POLICY_AUTHORISED_UNTIL] = {authorised_before, "authorisation_expired", true},
    [POLICY_AUTHORISED_QUANTITY] = {authorised_fewer, "authorisation_exceeded", false},
    [POLICY_CASH] = {cash_above, "cash_limit", true},
    [POLICY_JURISDICTION] = {taxed_abroad, "tax_jurisdiction_mismatch", true},
};

/* The first rule that fits decides for its check; limits per receipt, associate, ... stand alone.
 */
static uint64_t slot_of(const struct policy_rule *rule)
{
    int slot = rule->check == POLICY_VELOCITY ? POLICY_CHECK_COUNT + rule->per : rule->check;
    return UINT64_C(1) << slot;
}

static void check_line(const struct eligibility *e, size_t line, struct reasons *reasons)
{
    const struct policy *policy = e->in->policy;
    uint64_t decided = 0;
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        if ((decided & slot_of(rule)) || !when_fits(&rule->when, &e->whens[line]))
            continue;
        decided |= slot_of(rule);
        const struct check *check = &checks[rule->check];
        if (check->broken(e, line, rule))
            reasons_add(reasons, rule->code ? rule->code : check->code, rule->rule, rule->outcome,
                        check->whole ? DECISION_NO_INDEX : e->lines[line].request_index);
    }
}

void eligibility_check(const struct eligibility *e, struct reasons *reasons)
{
    for (size_t line = 0; line < e->line_count; line++)
        check_line(e, line, reasons);
}
