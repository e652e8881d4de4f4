/* poslog_order.h: a transaction in which goods were sold. */
#include "agent/capture/poslog_maker.h"
#include "agent/capture/question.h"
#include "hal/base/rfc3339.h"

#include <stdio.h>

static bool sold_at(struct poslog_maker *m, int64_t *ms)
{
    const char *text = *m->from->ended ? m->from->ended : m->from->begun;
    if (rfc3339_parse(slice_of(text), ms) == ERR_OK)
        return true;
    char utc[64];
    int len = snprintf(utc, sizeof utc, "%sZ", text);
    if (len < 0 || (size_t)len >= sizeof utc || rfc3339_parse(slice_of(utc), ms) != ERR_OK)
        return poslog_refuse(m, "invalid", "EndDateTime", "\"%.40s\" is no time", text);
    *ms -= (int64_t)utc_offset_minutes(*ms) * 60000;
    return true;
}

static bool unmapped_tax(struct poslog_maker *m, const struct poslog_tax *tax)
{
    char code[FAULT_WHERE_MAX];
    (void)snprintf(code, sizeof code, "%.60s%s%.60s", tax->type, *tax->group ? ":" : "",
                   tax->group);
    return poslog_unmapped(m, "taxes", code);
}

static bool write_tax(struct poslog_maker *m, const struct poslog_tax *tax)
{
    int64_t value;
    const struct poslog_tax_code *code = poslog_tax_find(m->source, tax->type, tax->group);
    if (!code)
        return unmapped_tax(m, tax);
    const char *where = code->jurisdiction ? code->jurisdiction : tax->authority;
    if (!*where)
        return poslog_refuse(m, "unmapped_code", "TaxAuthority",
                             "neither till nor mapping name one");
    if (!poslog_amount(m, "Tax/Amount", tax->amount, &value) ||
        !poslog_add(m, "Tax/Amount", &m->line_taxes_minor, value))
        return false;
    jsonw_object(&m->w, NULL);
    jsonw_text(&m->w, "type", tax_words[code->type]);
    jsonw_text(&m->w, "class", tax_class_words[code->class]);
    jsonw_text(&m->w, "jurisdiction", where);
    jsonw_text(&m->w, "rate", *tax->percent ? tax->percent : "0");
    jsonw_int(&m->w, "amount", value);
    jsonw_end(&m->w);
    return true;
}

static bool write_taxes(struct poslog_maker *m, const struct poslog_line *line)
{
    if (line->taxes_seen > line->tax_count)
        return poslog_refuse(m, "unsupported", "Tax", "more than %d taxes on a line",
                             POSLOG_TAXES_MAX);
    jsonw_array(&m->w, "tax");
    for (size_t i = 0; i < line->tax_count; i++)
        if (!write_tax(m, &line->taxes[i]))
            return false;
    jsonw_end(&m->w);
    return true;
}

static bool write_sale_line(struct poslog_maker *m, const struct poslog_line *line)
{
    int64_t value;
    int64_t cost;
    int64_t quantity = 0;
    const struct poslog_unit *unit;
    int64_t number = poslog_line_number(line->sequence);
    int kind = poslog_word_find(m->source->kinds, m->source->kind_count, line->item_type);
    if (kind < 0)
        return poslog_unmapped(m, "kinds", line->item_type);
    if (!number)
        return poslog_refuse(m, "invalid", "LineItem/SequenceNumber", "\"%.40s\" is no line number",
                             line->sequence);
    if (!poslog_quantity(m, line, &unit, &quantity) ||
        !poslog_amount(m, "ExtendedAmount", line->amount, &value) ||
        !poslog_add(m, "ExtendedAmount", &m->line_amounts_minor, value))
        return false;
    jsonw_object(&m->w, NULL);
    jsonw_int(&m->w, "line", number);
    poslog_write_item(m, line);
    poslog_write_unless_empty(m, "description", line->description);
    poslog_write_unless_empty(m, "category", line->category);
    poslog_write_unless_empty(m, "serial", line->serial);
    jsonw_text(&m->w, "kind", kind_words[kind]);
    jsonw_int(&m->w, "quantity", quantity);
    jsonw_text(&m->w, "unit", unit_words[unit->unit]);
    jsonw_int(&m->w, "amount", value);
    if (*line->cost) {
        if (!poslog_amount(m, "ExtendedCostAmount", line->cost, &cost))
            return false;
        jsonw_int(&m->w, "cost", cost);
    }
    if (!write_taxes(m, line))
        return false;
    jsonw_end(&m->w);
    return true;
}

/*
 * Taxes told for the whole transaction are fine as a summary; they can't be spread over lines. Of
 * an exchange they are less what came back.
 */
static bool check_summary(struct poslog_maker *m)
{
    int64_t sum = 0;
    bool any = false;
    for (size_t i = 0; i < m->from->line_count; i++) {
        const struct poslog_line *line = &m->from->lines[i];
        int64_t value;
        if (line->voided || line->kind != POSLOG_TAX || line->tax_count == 0)
            continue;
        if (!poslog_amount(m, "Tax/Amount", line->taxes[0].amount, &value) ||
            !poslog_add(m, "Tax/Amount", &sum, value))
            return false;
        any = true;
    }
    bool same = m->order->kind == POSLOG_ORDER_EXCHANGE ? sum == 0 || m->line_taxes_minor != 0
                                                        : sum == m->line_taxes_minor;
    return !any || same ||
           poslog_refuse(m, "unsupported", "LineItem/Tax",
                         "tax is given for the transaction and not for its lines");
}

bool poslog_write_sale(struct poslog_maker *m)
{
    int64_t ms;
    const struct poslog_transaction *t = m->from;
    bool named = *t->receipt ? poslog_take_receipt(m, t->receipt, "ReceiptNumber")
                             : poslog_make_receipt(m, t->store, t->workstation, t->date,
                                                   t->sequence, "Transaction");
    if (!named || !sold_at(m, &ms))
        return false;
    jsonw_object(&m->w, NULL);
    jsonw_text(&m->w, "receipt", m->order->receipt);
    jsonw_text(&m->w, "transaction", m->order->name);
    jsonw_text(&m->w, "channel", "store");
    jsonw_text(&m->w, "store", t->store);
    jsonw_text(&m->w, "lane", t->workstation);
    poslog_write_unless_empty(m, "associate", t->operator);
    jsonw_text(&m->w, "entry", "imported");
    jsonw_time(&m->w, "sold_at", ms);
    jsonw_text(&m->w, "currency", m->order->currency->code);
    jsonw_bool(&m->w, "prices_include_tax", m->source->prices_include_tax);
    jsonw_array(&m->w, "lines");
    for (size_t i = 0; i < t->line_count; i++) {
        const struct poslog_line *line = &t->lines[i];
        if (poslog_is_goods(line) && !poslog_is_returned(line) && !write_sale_line(m, line))
            return false;
    }
    jsonw_end(&m->w);
    return check_summary(m);
}

bool poslog_make_sale(struct poslog_maker *m)
{
    if (!poslog_take_tenders(m) || !poslog_write_sale(m))
        return false;
    poslog_write_tenders(&m->w, m->order->tenders, m->order->tender_count);
    jsonw_end(&m->w);
    return true;
}
