/* poslog_order.h: what was paid, given as change, and paid back. */
#include "agent/capture/poslog_maker.h"

#include <string.h>

static bool pay_back(struct poslog_maker *m, int type, int64_t value_minor)
{
    struct poslog_order *order = m->order;
    return poslog_add(m, "Tender/Amount", &order->paid_minor[type], value_minor) &&
           (type == TENDER_ROUNDING ||
            poslog_add(m, "Tender/Amount", &order->paid_total_minor, value_minor));
}

/* Money given back in a sale is change: it goes off the tenders of its kind. What is left of it. */
static int64_t take_off(struct poslog_order *order, int type, int64_t change)
{
    for (size_t i = 0; i < order->tender_count && change > 0; i++) {
        struct poslog_tender *tender = &order->tenders[i];
        if (tender->type != type || tender->amount_minor <= 0)
            continue;
        int64_t part = change < tender->amount_minor ? change : tender->amount_minor;
        tender->amount_minor -= part;
        change -= part;
    }
    return change;
}

static bool give_back(struct poslog_maker *m, int type, int64_t value_minor)
{
    int64_t left = take_off(m->order, type, value_minor);
    if (left && m->order->kind != POSLOG_ORDER_EXCHANGE)
        return poslog_refuse(m, "unsupported", "Tender",
                             "more change than was paid with this tender");
    return pay_back(m, type, left);
}

static bool add_tender(struct poslog_maker *m, const struct poslog_line *line)
{
    int64_t value;
    int64_t change = 0;
    int type = poslog_word_find(m->source->tenders, m->source->tender_count, line->tender);
    if (type < 0)
        return poslog_unmapped(m, "tenders", line->tender);
    if (!poslog_amount(m, "Tender/Amount", line->amount, &value) ||
        (*line->change && !poslog_amount(m, "TenderChange", line->change, &change)))
        return false;
    struct poslog_order *order = m->order;
    bool back = strcmp(line->tender_code, "Refund") == 0 ||
                strcmp(line->tender_code, "Change") == 0 || (value < 0 && type != TENDER_ROUNDING);
    if (order->kind == POSLOG_ORDER_RETURN)
        return pay_back(m, type, back ? poslog_size_of(value) : -value);
    if (back)
        return give_back(m, type, poslog_size_of(value));
    if (order->tender_count == POSLOG_TENDERS_MAX)
        return poslog_refuse(m, "unsupported", "Tender", "more than %d tenders",
                             POSLOG_TENDERS_MAX);
    order->tenders[order->tender_count++] =
        (struct poslog_tender){type, value - poslog_size_of(change), line->reference};
    return true;
}

bool poslog_take_tenders(struct poslog_maker *m)
{
    for (size_t i = 0; i < m->from->line_count; i++) {
        const struct poslog_line *line = &m->from->lines[i];
        if (!line->voided && line->kind == POSLOG_TENDER && !add_tender(m, line))
            return false;
    }
    return true;
}

void poslog_write_tenders(struct jsonw *w, const struct poslog_tender *list, size_t count)
{
    int64_t number = 0;
    jsonw_array(w, "tenders");
    for (size_t i = 0; i < count; i++) {
        if (list[i].amount_minor == 0)
            continue;
        jsonw_object(w, NULL);
        jsonw_int(w, "tender", ++number);
        jsonw_text(w, "type", tender_words[list[i].type]);
        jsonw_int(w, "amount", list[i].amount_minor);
        if (list[i].reference[0])
            jsonw_text(w, "reference", list[i].reference);
        jsonw_end(w);
    }
    jsonw_end(w);
}
