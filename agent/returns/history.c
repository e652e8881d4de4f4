#include "agent/returns/history.h"
#include "agent/returns/decision.h"

#include <string.h>

enum err history_init(const struct sale *sale, struct arena *arena, struct history *history,
                      struct fault *fault)
{
    size_t taxes = 0;
    for (size_t i = 0; i < sale->line_count; i++)
        taxes += sale->lines[i].tax_count;
    struct history made = {.line_count = sale->line_count, .tender_count = sale->tender_count};
    made.lines = arena_alloc(arena, made.line_count, sizeof *made.lines);
    made.tenders = arena_alloc(arena, made.tender_count + 1, sizeof *made.tenders);
    int64_t *room = arena_alloc(arena, 2 * taxes + 1, sizeof *room);
    if (!made.lines || !made.tenders || !room)
        return fault_set(fault, ERR_NO_MEMORY, "history", "no memory for what was returned");
    for (size_t i = 0; i < made.line_count; i++) {
        made.lines[i].taxes_minor = room;
        made.lines[i].adjusted_taxes_minor = room + sale->lines[i].tax_count;
        room += 2 * sale->lines[i].tax_count;
    }
    *history = made;
    return ERR_OK;
}

enum err history_copy(const struct history *from, const struct sale *sale, struct arena *arena,
                      struct history *to, struct fault *fault)
{
    struct history made = {0};
    if (from->line_count != sale->line_count || from->tender_count != sale->tender_count)
        return fault_set(fault, ERR_INVALID, "history", "is of another sale");
    enum err err = history_init(sale, arena, &made, fault);
    if (err)
        return err;
    for (size_t i = 0; i < made.line_count; i++) {
        int64_t *taxes = made.lines[i].taxes_minor;
        int64_t *adjusted = made.lines[i].adjusted_taxes_minor;
        size_t bytes = sale->lines[i].tax_count * sizeof *taxes;
        made.lines[i] = from->lines[i];
        made.lines[i].taxes_minor = taxes;
        made.lines[i].adjusted_taxes_minor = adjusted;
        memcpy(taxes, from->lines[i].taxes_minor, bytes);
        memcpy(adjusted, from->lines[i].adjusted_taxes_minor, bytes);
    }
    for (size_t i = 0; i < made.tender_count; i++)
        made.tenders[i] = from->tenders[i];
    made.refunded_minor = from->refunded_minor;
    *to = made;
    return ERR_OK;
}

static void add_fee(struct history_line *live, const struct decided_fee *fee)
{
    size_t i = 0;
    while (i < live->fee_count &&
           (live->fees[i].rate.digits != fee->rate.digits ||
            live->fees[i].rate.places != fee->rate.places || live->fees[i].taxed != fee->taxed))
        i++;
    if (i == HISTORY_FEE_RATES_MAX)
        return; /* a further rate starts from nothing for each return */
    if (i == live->fee_count)
        live->fees[live->fee_count++] =
            (struct history_fee){.rate = fee->rate, .taxed = fee->taxed};
    live->fees[i].base_minor += fee->base_minor;
    live->fees[i].fee_minor += fee->amount_minor;
    live->fees[i].tax_minor += fee->tax_minor;
}

void history_add_line(struct history_line *live, const struct decided_line *line)
{
    int64_t *taxes = line->adjustment ? live->adjusted_taxes_minor : live->taxes_minor;
    for (size_t i = 0; i < line->tax_count; i++)
        taxes[i] += line->taxes[i].amount_minor;
    if (line->adjustment) {
        live->adjusted_minor += line->amount_minor;
    } else {
        live->units += line->quantity;
        live->amount_minor += line->amount_minor;
    }
    if (line->has_cost) {
        live->cost_units += line->quantity;
        live->cost_minor += line->cost_minor;
    }
    live->commission_fee_minor += line->commission.fee_minor;
    live->commission_minor += line->commission.reversed_minor;
    if (line->fee.rule && *line->fee.rule)
        add_fee(live, &line->fee);
}

enum err history_add(struct history *history, const struct sale *sale,
                     const struct decision *decision, struct fault *fault)
{
    for (size_t i = 0; i < decision->line_count; i++) {
        const struct decided_line *line = &decision->lines[i];
        if (line->sale_index >= history->line_count ||
            line->tax_count > sale->lines[line->sale_index].tax_count)
            return fault_set(fault, ERR_INVALID, "lines", "the return is not of this sale");
    }
    for (size_t i = 0; i < decision->tender_count; i++)
        if (decision->tenders[i].sale_index != DECISION_NO_INDEX &&
            decision->tenders[i].sale_index >= history->tender_count)
            return fault_set(fault, ERR_INVALID, "refund.tenders",
                             "the return is not of this sale");
    for (size_t i = 0; i < decision->line_count; i++)
        history_add_line(&history->lines[decision->lines[i].sale_index], &decision->lines[i]);
    for (size_t i = 0; i < decision->tender_count; i++) {
        const struct decided_tender *tender = &decision->tenders[i];
        if (tender->sale_index == DECISION_NO_INDEX)
            continue;
        history->tenders[tender->sale_index].refunded_minor += tender->amount_minor;
        if (tender->type == TENDER_CASH && decision->currency == decision->paid_currency)
            history->tenders[tender->sale_index].handed_over_minor += tender->paid_out_minor;
    }
    history->refunded_minor += decision->total_minor;
    return ERR_OK;
}
