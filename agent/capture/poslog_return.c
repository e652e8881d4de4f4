/* poslog_order.h: a transaction in which goods came back. */
#include "agent/capture/poslog_maker.h"

#include <string.h>

static const struct poslog_link *link_of(const struct poslog_maker *m,
                                         const struct poslog_line *line)
{
    const struct poslog_link *link =
        *line->link.sequence || *line->link.receipt ? &line->link : &m->from->link;
    bool told = *link->sequence || *link->receipt;
    bool original = !*link->reason || strcmp(link->reason, "Return") == 0;
    return told && original ? link : NULL;
}

static bool take_original(struct poslog_maker *m, const struct poslog_line *line)
{
    const struct poslog_link *link = link_of(m, line);
    char before[POSLOG_RECEIPT_MAX + 1];
    if (!link)
        return poslog_refuse(m, "no_original", "TransactionLink",
                             "the transaction doesn't say which sale the goods come from");
    memcpy(before, m->order->receipt, sizeof before);
    const char *store = *link->store ? link->store : m->from->store;
    const char *lane = *link->workstation ? link->workstation : m->from->workstation;
    bool taken = *link->receipt ? poslog_take_receipt(m, link->receipt, "TransactionLink")
                                : poslog_make_receipt(m, store, lane, link->date, link->sequence,
                                                      "TransactionLink");
    if (taken && *before && strcmp(before, m->order->receipt) != 0)
        return poslog_refuse(m, "unsupported", "TransactionLink",
                             "goods of several sales come back in one transaction; enter a return "
                             "for each");
    return taken;
}

static bool write_return_line(struct poslog_maker *m, const struct poslog_line *line)
{
    int64_t quantity = 0;
    const struct poslog_unit *unit;
    const char *reason =
        poslog_code_find(m->source->reasons, m->source->reason_count, line->reason);
    const char *condition =
        poslog_code_find(m->source->conditions, m->source->condition_count, line->disposal);
    if (!reason)
        return poslog_unmapped(m, "reasons", line->reason);
    if (!condition)
        return poslog_unmapped(m, "conditions", line->disposal);
    if (!poslog_quantity(m, line, &unit, &quantity) || !take_original(m, line))
        return false;
    int64_t number = poslog_line_number(link_of(m, line)->line);
    jsonw_object(&m->w, NULL);
    if (number)
        jsonw_int(&m->w, "line", number);
    poslog_write_item(m, line);
    poslog_write_unless_empty(m, "serial", line->serial);
    jsonw_int(&m->w, "quantity", quantity);
    jsonw_text(&m->w, "reason", reason);
    jsonw_text(&m->w, "condition", condition);
    jsonw_text(&m->w, "entry", "imported");
    jsonw_end(&m->w);
    return true;
}

static bool check_paid(struct poslog_maker *m)
{
    for (int type = 0; type < TENDER_COUNT; type++)
        if (m->order->paid_minor[type] < 0 && type != TENDER_ROUNDING)
            return poslog_refuse(m, "unsupported", "Tender", "a return took money in");
    return true;
}

bool poslog_write_return(struct poslog_maker *m)
{
    m->order->receipt[0] = '\0';
    jsonw_object(&m->w, NULL);
    jsonw_array(&m->w, "lines");
    for (size_t i = 0; i < m->from->line_count; i++) {
        const struct poslog_line *line = &m->from->lines[i];
        if (poslog_is_goods(line) && poslog_is_returned(line) && !write_return_line(m, line))
            return false;
    }
    jsonw_end(&m->w);
    jsonw_text(&m->w, "receipt", m->order->receipt);
    jsonw_text(&m->w, "currency", m->order->currency->code);
    jsonw_end(&m->w);
    return true;
}

bool poslog_make_return(struct poslog_maker *m)
{
    return poslog_write_return(m) && poslog_take_tenders(m) && check_paid(m);
}
