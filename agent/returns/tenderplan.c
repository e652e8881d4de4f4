#include "agent/returns/tenderplan.h"
#include "agent/returns/fx.h"

#include <string.h>

static int64_t left_on(const struct tenderplan *plan, size_t index)
{
    const struct sale_tender *paid = &plan->sale->tenders[index];
    if (paid->type == TENDER_ROUNDING)
        return 0;
    int64_t left = paid->amount_minor - plan->history->tenders[index].refunded_minor;
    return left > 0 ? left : 0;
}

/* The part of the sale's rounding that falls on this refund, cumulative. */
static int64_t rounding_due(const struct tenderplan *plan, size_t index)
{
    const struct sale *sale = plan->sale;
    int64_t so_far = plan->history->tenders[index].refunded_minor;
    if (sale->gross_minor == 0)
        return 0;
    int64_t after = plan->history->refunded_minor + plan->total_minor;
    int64_t due = money_share(sale->rounding_minor, after, sale->gross_minor) - so_far;
    if (sale->rounding_minor > 0)
        due = due < 0 ? 0 : due;
    else
        due = due > 0 ? 0 : due;
    return due > plan->total_minor ? plan->total_minor : due;
}

static size_t rounding_index(const struct sale *sale)
{
    size_t i = 0;
    while (i < sale->tender_count && sale->tenders[i].type != TENDER_ROUNDING)
        i++;
    return i;
}

static bool refunded_before(const struct tenderplan *plan, size_t a, size_t b)
{
    const uint8_t *rank = plan->policy->tenders.rank;
    int rank_a = rank[plan->sale->tenders[a].type];
    int rank_b = rank[plan->sale->tenders[b].type];
    return rank_a != rank_b ? rank_a < rank_b : a < b;
}

/* Takes from the tenders in their order until nothing is due. */
static void split_by_priority(const struct tenderplan *plan, int64_t due, int64_t *amounts)
{
    size_t order[SALE_TENDERS_MAX];
    size_t count = plan->sale->tender_count;
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        for (; at > 0 && refunded_before(plan, i, order[at - 1]); at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (size_t i = 0; i < count; i++) {
        int64_t left = left_on(plan, order[i]);
        amounts[order[i]] = due < left ? due : left;
        due -= amounts[order[i]];
    }
}

static bool split_in_proportion(const struct tenderplan *plan, int64_t due, int64_t *amounts)
{
    int64_t left[SALE_TENDERS_MAX];
    for (size_t i = 0; i < plan->sale->tender_count; i++)
        left[i] = left_on(plan, i);
    return money_spread(due, left, plan->sale->tender_count, amounts) == ERR_OK;
}

static const struct policy_allowed *allowed_for(const struct policy *policy, int paid)
{
    for (size_t i = 0; i < policy->tenders.allowed_count; i++)
        if (policy->tenders.allowed[i].paid == paid)
            return &policy->tenders.allowed[i];
    return NULL;
}

/* The type that a paid tender is refunded to: as wished if that is allowed. */
static int refund_type(const struct tenderplan *plan, int paid, struct tenderplan_doubts *doubts)
{
    const struct policy_allowed *allowed = allowed_for(plan->policy, paid);
    int usual = allowed ? allowed->usual : paid;
    if (!plan->has_refund_to || plan->refund_to == usual)
        return usual;
    uint64_t wished = UINT64_C(1) << plan->refund_to;
    if (allowed && (allowed->refund & wished))
        return plan->refund_to;
    if (allowed && (allowed->with_manager & wished)) {
        doubts->needs_manager = "tender_not_allowed";
        return plan->refund_to;
    }
    doubts->refusal = "tender_not_allowed";
    return usual;
}

static const struct policy_rounding *cash_rounding(const struct tenderplan *plan)
{
    const struct policy_tenders *tenders = &plan->policy->tenders;
    const char *country = plan->facts->country ? plan->facts->country : "";
    for (size_t i = 0; i < tenders->rounding_count; i++) {
        const struct policy_rounding *rounding = &tenders->roundings[i];
        if (strcmp(rounding->currency, plan->paid_currency->code) == 0 &&
            (!*rounding->country || strcmp(rounding->country, country) == 0))
            return rounding;
    }
    return NULL;
}

static int64_t round_by(const struct policy_rounding *rounding, int64_t amount_minor)
{
    int64_t step = rounding->step_minor;
    int64_t down = amount_minor / step * step;
    switch ((enum policy_rounding_method)rounding->method) {
    case POLICY_ROUND_UP:
        return down < amount_minor ? down + step : down;
    case POLICY_ROUND_DOWN:
        return down;
    case POLICY_ROUND_NEAREST:
        break;
    }
    return money_round_to(amount_minor, step);
}

/*
 * What is handed over in cash. Rounding must not hand over more cash than was paid, so the last
 * pieces are rounded down, to what is left.
 */
static int64_t round_cash(const struct tenderplan *plan, const struct decided_tender *tender,
                          int64_t amount_minor)
{
    const struct policy_rounding *rounding = cash_rounding(plan);
    if (!rounding)
        return amount_minor;
    int64_t handed = round_by(rounding, amount_minor);
    if (!plan->sale || tender->sale_index == DECISION_NO_INDEX ||
        plan->currency != plan->paid_currency ||
        plan->sale->tenders[tender->sale_index].type != TENDER_CASH)
        return handed;
    int64_t left = plan->sale->tenders[tender->sale_index].amount_minor -
                   plan->history->tenders[tender->sale_index].handed_over_minor;
    if (handed > left)
        handed = left / rounding->step_minor * rounding->step_minor;
    return handed > 0 ? handed : 0;
}

static struct decimal payout_rate(const struct tenderplan *plan)
{
    const struct fact_fx *fx = &plan->facts->fx;
    return plan->policy->fx == POLICY_FX_TODAY ? fx->today : fx->at_sale;
}

/* `before_minor`: of the tenders planned before, so that the parts sum to the whole converted. */
static void pay_out(const struct tenderplan *plan, int64_t before_minor,
                    struct decided_tender *tender)
{
    int64_t out = tender->amount_minor;
    if (plan->currency != plan->paid_currency) {
        const struct currency *from = plan->currency;
        const struct currency *to = plan->paid_currency;
        int64_t through = before_minor + tender->amount_minor;
        struct decimal at_sale = plan->facts->fx.at_sale;
        out = fx_convert(through, from, to, payout_rate(plan)) -
              fx_convert(before_minor, from, to, payout_rate(plan));
        tender->fx_minor = out - (fx_convert(through, from, to, at_sale) -
                                  fx_convert(before_minor, from, to, at_sale));
    }
    tender->paid_out_minor = tender->type == TENDER_CASH ? round_cash(plan, tender, out) : out;
    tender->cash_rounding_minor = tender->paid_out_minor - out;
}

static struct decided_tender tender_of(const struct tenderplan *plan, size_t index, int type,
                                       int64_t amount_minor)
{
    const struct sale_tender *paid = &plan->sale->tenders[index];
    const struct policy_tenders *policy = &plan->policy->tenders;
    return (struct decided_tender){
        .tender = paid->tender,
        .sale_index = index,
        .type = type,
        .amount_minor = amount_minor,
        .reissued = policy->reissued >> type & 1,
        .executor =
            plan->credits_market && type != TENDER_ROUNDING ? EXECUTOR_HUB : policy->executor[type],
        .reference = type == paid->type ? paid->reference : NULL,
    };
}

static void plan_new(const struct tenderplan *plan, struct decided_tender *tenders, size_t *count,
                     struct tenderplan_doubts *doubts)
{
    const struct policy *policy = plan->policy;
    int type = policy->no_receipt.refund;
    if (plan->has_refund_to && plan->refund_to != type)
        doubts->refusal = "tender_not_allowed";
    if (plan->total_minor == 0)
        return;
    tenders[0] = (struct decided_tender){
        .sale_index = DECISION_NO_INDEX,
        .type = type,
        .amount_minor = plan->total_minor,
        .reissued = true,
        .executor = policy->tenders.executor[type],
    };
    pay_out(plan, 0, &tenders[0]);
    *count = 1;
}

static bool split(const struct tenderplan *plan, int64_t due, int64_t *amounts)
{
    int64_t left = 0;
    for (size_t i = 0; i < plan->sale->tender_count; i++)
        left += left_on(plan, i);
    if (due > left)
        return false;
    if (due > 0 && plan->policy->tenders.split == POLICY_SPLIT_PROPORTIONAL)
        return split_in_proportion(plan, due, amounts);
    split_by_priority(plan, due, amounts);
    return true;
}

void tenderplan_make(const struct tenderplan *plan, struct decided_tender *tenders, size_t *count,
                     struct tenderplan_doubts *doubts)
{
    *count = 0;
    *doubts = (struct tenderplan_doubts){0};
    if (!plan->sale) {
        plan_new(plan, tenders, count, doubts);
        return;
    }
    size_t rounded = rounding_index(plan->sale);
    int64_t rounding = rounded < plan->sale->tender_count ? rounding_due(plan, rounded) : 0;
    int64_t amounts[SALE_TENDERS_MAX] = {0};
    if (!split(plan, plan->total_minor - rounding, amounts)) {
        doubts->refusal = "refund_exceeds_paid";
        return;
    }
    int64_t before = 0;
    for (size_t i = 0; i < plan->sale->tender_count; i++) {
        if (amounts[i] == 0)
            continue;
        int type = refund_type(plan, plan->sale->tenders[i].type, doubts);
        struct decided_tender *tender = &tenders[(*count)++];
        *tender = tender_of(plan, i, type, amounts[i]);
        pay_out(plan, before, tender);
        before += amounts[i];
    }
    if (rounding != 0)
        tenders[(*count)++] = tender_of(plan, rounded, TENDER_ROUNDING, rounding);
}
