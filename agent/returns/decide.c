#include "agent/returns/decide.h"
#include "agent/returns/eligibility.h"
#include "agent/returns/fx.h"
#include "agent/returns/resolve.h"
#include "agent/returns/tenderplan.h"

#include <string.h>

static enum err choose_currencies(const struct decide_input *in, struct decision *d,
                                  struct fault *fault)
{
    const char *store = in->facts->currency ? in->facts->currency : "";
    d->currency = in->sale ? in->sale->currency : currency_find(slice_of(store));
    if (!d->currency)
        return fault_set(fault, ERR_INVALID, "currency", "the store's currency is not set");
    d->paid_currency = d->currency;
    d->fx_rate = (struct decimal){.digits = 1};
    const char *wanted = in->request->currency;
    if (!wanted || strcmp(wanted, d->currency->code) == 0)
        return ERR_OK;
    d->paid_currency = currency_find(slice_of(wanted));
    if (!d->paid_currency)
        return fault_set(fault, ERR_INVALID, "currency", "is not a currency of ISO 4217");
    const struct fact_fx *fx = &in->facts->fx;
    d->fx_rate = in->policy->fx == POLICY_FX_TODAY ? fx->today : fx->at_sale;
    return ERR_OK;
}

static void check_rate(const struct decide_input *in, const struct decision *d,
                       struct reasons *reasons)
{
    if (d->paid_currency == d->currency)
        return;
    const char *known = in->facts->fx.to;
    bool fits = known && currency_find(slice_of(known)) == d->paid_currency;
    /* Both: the difference to the sale's rate is a gain or loss. */
    if (!fits || d->fx_rate.digits <= 0 || in->facts->fx.at_sale.digits <= 0)
        reasons_add(reasons, "no_exchange_rate", "", OUTCOME_NEEDS_LINK, DECISION_NO_INDEX);
}

static enum err sum_lines(struct decision *d, struct fault *fault)
{
    for (size_t i = 0; i < d->line_count; i++) {
        const struct decided_line *line = &d->lines[i];
        d->total_minor += line->gross_minor - line->fee.amount_minor;
        d->tax_minor += line->gross_minor - line->net_minor;
        d->fee_minor += line->fee.amount_minor;
        if (d->total_minor > MONEY_MAX_MINOR)
            return fault_set(fault, ERR_INVALID, "lines", "the total is larger than 2^53 - 1");
    }
    return ERR_OK;
}

static enum err check_converted(const struct decide_input *in, const struct decision *d,
                                struct fault *fault)
{
    if (d->paid_currency == d->currency ||
        (fx_fits(d->total_minor, d->currency, d->paid_currency, d->fx_rate) &&
         fx_fits(d->total_minor, d->currency, d->paid_currency, in->facts->fx.at_sale)))
        return ERR_OK;
    return fault_set(fault, ERR_INVALID, "currency", "the total is larger than 2^53 - 1 in it");
}

static enum err plan_tenders(const struct decide_input *in, const struct history *before,
                             struct arena *arena, struct decision *d, struct reasons *reasons,
                             struct fault *fault)
{
    struct tenderplan plan = {
        .policy = in->policy,
        .facts = in->facts,
        .sale = in->sale,
        .history = before,
        .total_minor = d->total_minor,
        .refund_to = in->request->refund_to,
        .has_refund_to = in->request->has_refund_to,
        .credits_market = d->credits_market,
        .currency = d->currency,
        .paid_currency = d->paid_currency,
    };
    size_t room = in->sale ? in->sale->tender_count + 1 : 1;
    d->tenders = arena_alloc(arena, room, sizeof *d->tenders);
    if (!d->tenders)
        return fault_set(fault, ERR_NO_MEMORY, "tenders", "no memory for the decision");
    /* What goes into new goods must have been paid as well, so the whole is planned first. */
    struct tenderplan_doubts doubts;
    tenderplan_make(&plan, d->tenders, &d->tender_count, &doubts);
    if (d->applied_minor && !doubts.refusal) {
        plan.total_minor = d->total_minor - d->applied_minor;
        d->tender_count = 0;
        if (plan.total_minor)
            tenderplan_make(&plan, d->tenders, &d->tender_count, &doubts);
    }
    if (doubts.refusal)
        reasons_add(reasons, doubts.refusal, "", OUTCOME_DECLINED, DECISION_NO_INDEX);
    if (doubts.needs_manager)
        reasons_add(reasons, doubts.needs_manager, "", OUTCOME_NEEDS_MANAGER, DECISION_NO_INDEX);
    return ERR_OK;
}

static int64_t cash_of(const struct decision *d)
{
    int64_t cash = 0;
    for (size_t i = 0; i < d->tender_count; i++)
        if (d->tenders[i].type == TENDER_CASH)
            cash += d->tenders[i].amount_minor;
    return cash;
}

/* The worst of all reasons, and the first that was so bad. */
static void judge(const struct decide_input *in, const struct reasons *reasons, struct decision *d)
{
    d->outcome = OUTCOME_ACCEPTED;
    d->rule = "";
    d->reasons = reasons->list;
    d->reason_count = reasons->count;
    for (size_t i = 0; i < reasons->count; i++) {
        struct decided_reason *reason = &reasons->list[i];
        reason->overridden = in->facts->manager && reason->outcome == OUTCOME_NEEDS_MANAGER;
        if (!reason->overridden && reason->outcome > d->outcome) {
            d->outcome = reason->outcome;
            d->rule = reason->rule;
        }
    }
}

/* A decision that promises nothing shows no money. */
static void clear_money(struct decision *d)
{
    for (size_t i = 0; i < d->line_count; i++) {
        struct decided_line *line = &d->lines[i];
        line->amount_minor = line->net_minor = line->gross_minor = line->cost_minor = 0;
        line->fee = (struct decided_fee){.rule = ""};
        line->commission = (struct decided_commission){0};
        line->has_cost = false;
        line->goods = GOODS_NONE;
        line->disposition = DISPOSITION_UNDECIDED;
        line->disposition_rule = "";
        line->returnless_rule = NULL;
        for (size_t k = 0; k < line->tax_count; k++)
            line->taxes[k].amount_minor = 0;
    }
    d->total_minor = d->applied_minor = d->tax_minor = d->fee_minor = 0;
    d->tender_count = 0;
}

static uint8_t goods_at_start(const struct decision *d)
{
    uint8_t goods = GOODS_NONE;
    for (size_t i = 0; i < d->line_count; i++) {
        if (d->lines[i].goods == GOODS_EXPECTED)
            return GOODS_EXPECTED;
        if (d->lines[i].goods == GOODS_RECEIVED)
            goods = GOODS_RECEIVED;
    }
    return goods;
}

/* Goods and money start only when the return is accepted. */
static void start_tracks(struct decision *d)
{
    struct tracks *tracks = &d->tracks;
    *tracks = (struct tracks){.verdict = (uint8_t)d->outcome};
    if (d->outcome != OUTCOME_ACCEPTED && d->outcome != OUTCOME_PENDING_CHECK)
        return;
    tracks->goods = goods_at_start(d);
    for (size_t i = 0; i < d->tender_count; i++) {
        const struct decided_tender *tender = &d->tenders[i];
        if (tender->type == TENDER_ROUNDING)
            continue;
        if (tender->type != TENDER_CASH)
            tracks->settles |= UINT64_C(1) << tracks->tender_count;
        tracks->tenders[tracks->tender_count++] = TENDER_STATE_PENDING;
        tracks->money = MONEY_PENDING;
    }
}

static void finish(const struct decide_input *in, struct decision *d)
{
    d->policy_version = in->policy->version;
    if (d->outcome == OUTCOME_DECLINED || d->outcome == OUTCOME_NEEDS_LINK)
        clear_money(d);
    d->payout_minor = 0;
    for (size_t i = 0; i < d->tender_count; i++)
        if (d->tenders[i].type != TENDER_ROUNDING)
            d->payout_minor += d->tenders[i].amount_minor;
    start_tracks(d);
}

static enum err decide(const struct decide_input *in, struct resolve *r, struct decision *d,
                       struct fault *fault)
{
    enum err err = resolve_lines(r, fault);
    if (err)
        return err;
    d->lines = r->lines;
    d->line_count = r->line_count;
    err = sum_lines(d, fault);
    d->applied_minor = in->exchange_minor < d->total_minor ? in->exchange_minor : d->total_minor;
    if (d->applied_minor < 0)
        d->applied_minor = 0;
    if (err)
        return err;
    struct history none;
    const struct history *before = in->history;
    err = check_converted(in, d, fault);
    if (!err && in->sale && !before) {
        err = history_init(in->sale, r->arena, &none, fault);
        before = &none;
    }
    if (!err)
        err = plan_tenders(in, before, r->arena, d, r->reasons, fault);
    if (err)
        return err;
    struct eligibility e = {
        .in = in,
        .lines = r->lines,
        .whens = r->whens,
        .line_count = r->line_count,
        .after = in->sale ? &r->after : NULL,
        .currency = d->currency->code,
        .total_minor = d->total_minor,
        .cash_minor = cash_of(d),
    };
    eligibility_check(&e, r->reasons);
    return ERR_OK;
}

enum err returns_decide(const struct decide_input *in, struct arena *arena,
                        struct decision *decision, struct fault *fault)
{
    struct decision d = {0};
    enum err err = choose_currencies(in, &d, fault);
    if (err)
        return err;
    struct reasons reasons = {.arena = arena};
    struct resolve r = {
        .in = in, .arena = arena, .currency = d.currency->code, .reasons = &reasons};
    d.credits_market = in->sale && in->sale->has_market &&
                       in->sale->market.tax_collected_by == COLLECTOR_MARKETPLACE;
    check_rate(in, &d, &reasons);
    err = decide(in, &r, &d, fault);
    if (err)
        return err;
    if (reasons.failed)
        return fault_set(fault, ERR_NO_MEMORY, "reasons", "no memory for the decision");
    judge(in, &reasons, &d);
    finish(in, &d);
    *decision = d;
    return ERR_OK;
}
