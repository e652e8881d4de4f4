#include "agent/returns/decision.h"

enum { DECIMAL_TEXT = 32 };

static void write_decimal(struct jsonw *w, const char *key, struct decimal value)
{
    struct buf text;
    buf_init(&text, DECIMAL_TEXT);
    decimal_write(&text, value);
    jsonw_slice(w, key, buf_slice(&text));
    buf_free(&text);
}

static void write_reasons(const struct decision *decision, const struct policy *policy,
                          enum policy_language language, struct jsonw *w)
{
    jsonw_array(w, "reasons");
    for (size_t i = 0; i < decision->reason_count; i++) {
        const struct decided_reason *reason = &decision->reasons[i];
        jsonw_object(w, NULL);
        jsonw_text(w, "code", reason->code);
        jsonw_text(w, "rule", reason->rule);
        jsonw_text(w, "outcome", outcome_words[reason->outcome]);
        if (reason->request_index != DECISION_NO_INDEX)
            jsonw_int(w, "item", (int64_t)reason->request_index);
        if (reason->overridden)
            jsonw_bool(w, "overridden", true);
        jsonw_text(w, "text", policy_text(policy, language, reason->code));
        jsonw_end(w);
    }
    jsonw_end(w);
}

static void write_taxes(const struct decided_line *line, struct jsonw *w)
{
    jsonw_array(w, "tax");
    for (size_t i = 0; i < line->tax_count; i++) {
        const struct sale_tax *charged = line->taxes[i].charged;
        jsonw_object(w, NULL);
        if (charged) {
            jsonw_text(w, "type", tax_words[charged->type]);
            jsonw_text(w, "class", tax_class_words[charged->class]);
            jsonw_text(w, "jurisdiction", charged->jurisdiction);
            jsonw_text(w, "rate", charged->rate);
        }
        jsonw_int(w, "amount", line->taxes[i].amount_minor);
        jsonw_end(w);
    }
    jsonw_end(w);
}

static void write_fee(const struct decided_fee *fee, struct jsonw *w)
{
    jsonw_object(w, "fee");
    jsonw_int(w, "amount", fee->amount_minor);
    jsonw_int(w, "tax", fee->tax_minor);
    if (*fee->rule) {
        jsonw_text(w, "rule", fee->rule);
        write_decimal(w, "rate", fee->rate);
        jsonw_bool(w, "taxed", fee->taxed);
        jsonw_int(w, "base", fee->base_minor);
    }
    jsonw_end(w);
}

static void write_commission(const struct decided_commission *commission, struct jsonw *w)
{
    if (commission->fee_minor == 0 && commission->reversed_minor == 0)
        return;
    jsonw_object(w, "commission");
    jsonw_int(w, "fee", commission->fee_minor);
    jsonw_int(w, "kept", commission->kept_minor);
    jsonw_int(w, "reversed", commission->reversed_minor);
    jsonw_end(w);
}

static void write_line(const struct decided_line *line, struct jsonw *w)
{
    jsonw_object(w, NULL);
    jsonw_int(w, "line", line->line);
    jsonw_int(w, "item", (int64_t)line->request_index);
    jsonw_int(w, "quantity", line->quantity);
    jsonw_text(w, "reason", line->reason);
    jsonw_text(w, "condition", line->condition);
    if (line->serial)
        jsonw_text(w, "serial", line->serial);
    if (line->adjustment)
        jsonw_bool(w, "adjustment", true);
    jsonw_int(w, "net", line->net_minor);
    write_taxes(line, w);
    jsonw_int(w, "gross", line->gross_minor);
    write_fee(&line->fee, w);
    if (line->has_cost)
        jsonw_int(w, "cost", line->cost_minor);
    write_commission(&line->commission, w);
    jsonw_text(w, "goods", goods_words[line->goods]);
    jsonw_text(w, "disposition", disposition_words[line->disposition]);
    if (*line->disposition_rule)
        jsonw_text(w, "disposition_rule", line->disposition_rule);
    if (line->returnless_rule)
        jsonw_text(w, "returnless_rule", line->returnless_rule);
    jsonw_end(w);
}

/* The rounding tender is never paid out: reversing it is done with the decision. */
static const char *tender_state(const struct decision *decision, size_t index)
{
    const struct tracks *tracks = &decision->tracks;
    if (decision->tenders[index].type == TENDER_ROUNDING)
        return tender_state_words[TENDER_STATE_SETTLED];
    return tender_state_words[index < tracks->tender_count ? tracks->tenders[index]
                                                           : TENDER_STATE_PENDING];
}

static void write_tender(const struct decision *decision, size_t index, struct jsonw *w)
{
    const struct decided_tender *tender = &decision->tenders[index];
    bool exchanged = decision->currency != decision->paid_currency;
    jsonw_object(w, NULL);
    jsonw_int(w, "tender", tender->tender);
    jsonw_text(w, "type", tender_words[tender->type]);
    jsonw_int(w, "amount", tender->amount_minor);
    if (exchanged || tender->cash_rounding_minor)
        jsonw_int(w, "paid_out", tender->paid_out_minor);
    if (tender->cash_rounding_minor)
        jsonw_int(w, "cash_rounding", tender->cash_rounding_minor);
    if (exchanged)
        jsonw_int(w, "fx", tender->fx_minor);
    if (tender->reissued)
        jsonw_bool(w, "reissued", true);
    if (tender->reference)
        jsonw_text(w, "reference", tender->reference);
    jsonw_text(w, "executor", executor_words[tender->executor]);
    jsonw_text(w, "state", tender_state(decision, index));
    jsonw_end(w);
}

static void write_refund(const struct decision *decision, struct jsonw *w)
{
    jsonw_object(w, "refund");
    jsonw_text(w, "currency", decision->currency->code);
    jsonw_int(w, "total", decision->total_minor);
    if (decision->applied_minor)
        jsonw_int(w, "applied", decision->applied_minor);
    jsonw_int(w, "payout", decision->payout_minor);
    jsonw_int(w, "tax", decision->tax_minor);
    jsonw_int(w, "fee", decision->fee_minor);
    if (decision->currency != decision->paid_currency) {
        jsonw_text(w, "paid_currency", decision->paid_currency->code);
        write_decimal(w, "rate", decision->fx_rate);
    }
    if (decision->credits_market)
        jsonw_bool(w, "credits_marketplace", true);
    jsonw_array(w, "tenders");
    for (size_t i = 0; i < decision->tender_count; i++)
        write_tender(decision, i, w);
    jsonw_end(w);
    jsonw_end(w);
}

void decision_write(const struct decision *decision, const struct policy *policy,
                    enum policy_language language, struct jsonw *w)
{
    jsonw_text(w, "decision", outcome_words[decision->outcome]);
    jsonw_text(w, "policy", decision->policy_version);
    jsonw_text(w, "rule", decision->rule);
    write_reasons(decision, policy, language, w);
    jsonw_array(w, "lines");
    for (size_t i = 0; i < decision->line_count; i++)
        write_line(&decision->lines[i], w);
    jsonw_end(w);
    write_refund(decision, w);
    jsonw_text(w, "goods", goods_words[decision->tracks.goods]);
    jsonw_text(w, "money", money_words[decision->tracks.money]);
    jsonw_text(w, "posting", posting_words[decision->tracks.posting]);
}
