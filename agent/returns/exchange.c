#include "agent/returns/exchange.h"

#include <string.h>

static bool same_tax(const struct sale_tax *a, const struct sale_tax *b)
{
    return a->type == b->type && a->class == b->class &&
           strcmp(a->jurisdiction, b->jurisdiction) == 0 && strcmp(a->rate, b->rate) == 0;
}

static struct exchange_tax *tax_at(struct exchange *exchange, const struct sale_tax *at)
{
    for (size_t i = 0; i < exchange->tax_count; i++)
        if (same_tax(exchange->taxes[i].at, at))
            return &exchange->taxes[i];
    exchange->taxes[exchange->tax_count].at = at;
    return &exchange->taxes[exchange->tax_count++];
}

static size_t count_taxes(const struct decision *decision, const struct sale *sale)
{
    size_t count = 0;
    for (size_t i = 0; i < decision->line_count; i++)
        count += decision->lines[i].tax_count;
    for (size_t i = 0; i < sale->line_count; i++)
        count += sale->lines[i].tax_count;
    return count;
}

enum err exchange_settle(const struct decision *decision, const struct sale *sale,
                         struct arena *arena, struct exchange *exchange, struct fault *fault)
{
    if (decision->currency != sale->currency)
        return fault_set(fault, ERR_INVALID, "currency", "return and sale must have the same");
    struct exchange made = {.due_minor = sale->gross_minor - decision->total_minor};
    made.applied_minor = made.due_minor < 0 ? sale->gross_minor : decision->total_minor;
    made.taxes = arena_alloc(arena, count_taxes(decision, sale) + 1, sizeof *made.taxes);
    if (!made.taxes)
        return fault_set(fault, ERR_NO_MEMORY, "tax", "no memory for the exchange");
    for (size_t i = 0; i < decision->line_count; i++) {
        const struct decided_line *line = &decision->lines[i];
        for (size_t k = 0; k < line->tax_count; k++) {
            tax_at(&made, line->taxes[k].charged)->reversed_minor += line->taxes[k].amount_minor;
            made.tax_difference_minor -= line->taxes[k].amount_minor;
        }
    }
    for (size_t i = 0; i < sale->line_count; i++) {
        const struct sale_line *line = &sale->lines[i];
        for (size_t k = 0; k < line->tax_count; k++)
            tax_at(&made, &line->taxes[k])->charged_minor += line->taxes[k].amount_minor;
        made.tax_difference_minor += line->tax_minor;
    }
    *exchange = made;
    return ERR_OK;
}
