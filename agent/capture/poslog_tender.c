/* poslog_order.h: what was paid, given as change, and paid back. */
#include "agent/capture/poslog_maker.h"

#include <string.h>

/* Money given back in a sale is change: it goes off the tenders of its kind. */
static bool give_change(struct poslog_maker *m, int type, int64_t change)
{
    for (size_t i = 0; i < m->tender_count && change > 0; i++) {
        struct poslog_tender *tender = &m->tenders[i];
        if (tender->type != type || tender->amount_minor <= 0)
            continue;
        int64_t part = change < tender->amount_minor ? change : tender->amount_minor;
        tender->amount_minor -= part;
        change -= part;
    }
    return change == 0 ||
           poslog_refuse(m, "unsupported", "Tender", "more change than was paid with this tender");
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
    bool back = strcmp(line->tender_code, "Refund") == 0 ||
                strcmp(line->tender_code, "Change") == 0 || (value < 0 && type != TENDER_ROUNDING);
    if (m->order->kind == POSLOG_ORDER_RETURN) {
        m->order->paid_minor[type] += back ? poslog_size_of(value) : -value;
        return true;
    }
    if (back)
        return give_change(m, type, poslog_size_of(value));
    if (m->tender_count == POSLOG_TENDERS_MAX)
        return poslog_refuse(m, "unsupported", "Tender", "more than %d tenders",
                             POSLOG_TENDERS_MAX);
    m->tenders[m->tender_count++] =
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

void poslog_write_tenders(struct poslog_maker *m)
{
    int64_t number = 0;
    jsonw_array(&m->w, "tenders");
    for (size_t i = 0; i < m->tender_count; i++) {
        const struct poslog_tender *tender = &m->tenders[i];
        if (tender->amount_minor == 0)
            continue;
        jsonw_object(&m->w, NULL);
        jsonw_int(&m->w, "tender", ++number);
        jsonw_text(&m->w, "type", tender_words[tender->type]);
        jsonw_int(&m->w, "amount", tender->amount_minor);
        poslog_write_unless_empty(m, "reference", tender->reference);
        jsonw_end(&m->w);
    }
    jsonw_end(&m->w);
}
