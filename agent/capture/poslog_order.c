#include "agent/capture/poslog_maker.h"
#include "agent/returns/cardnumber.h"
#include "hal/base/sha256.h"

#include <stdio.h>

enum { BODY_MAX_BYTES = 256 * 1024, KEY_HEX = 40 };

/*
 * By its name; an exchange by what was exchanged, too: how its new goods were paid depends on what
 * was known when it was captured, so that it isn't told from another under its name by that.
 */
static void write_key(struct poslog_order *order)
{
    char text[SHA256_TEXT + 1];
    bool exchange = order->kind == POSLOG_ORDER_EXCHANGE;
    const struct slice parts[] = {slice_of(order->name), buf_slice(&order->sale),
                                  buf_slice(&order->body)};
    struct sha256 hash = sha256_of_all(parts, exchange ? 3 : 1);
    sha256_format(&hash, text);
    (void)snprintf(order->key, sizeof order->key, "poslog-%.*s", KEY_HEX, text);
}

static bool choose_source(struct poslog_maker *m, const struct poslog_mapping *mapping)
{
    m->source = poslog_mapping_source(mapping, m->from->workstation);
    if (!m->source)
        return poslog_refuse(m, "unmapped_code", "WorkstationID",
                             "no source takes workstation \"%.40s\"", m->from->workstation);
    const char *code = *m->from->currency    ? m->from->currency
                       : m->source->currency ? m->source->currency
                                             : "";
    m->order->currency = currency_find(slice_of(code));
    if (!m->order->currency)
        return poslog_refuse(m, "invalid", "CurrencyCode",
                             "\"%.10s\" is not a currency of ISO 4217", code);
    return true;
}

static bool skip(struct poslog_order *order, const char *why)
{
    order->kind = POSLOG_ORDER_SKIPPED;
    fault_set(&order->why, ERR_OK, "", "%s", why);
    return true;
}

/* True if there is nothing in it for a returns counter. */
static bool skipped(struct poslog_maker *m)
{
    const struct poslog_transaction *t = m->from;
    if (t->training)
        return skip(m->order, "made in training");
    if (t->cancelled)
        return skip(m->order, "cancelled");
    int status = poslog_word_find(m->source->statuses, m->source->status_count, t->status);
    if (status < 0)
        return poslog_unmapped(m, "statuses", t->status);
    return status == POSLOG_SKIP && skip(m->order, "not finished");
}

static void make(struct poslog_maker *m)
{
    size_t sold = 0;
    size_t returned = 0;
    for (size_t i = 0; i < m->from->line_count; i++) {
        if (!poslog_is_goods(&m->from->lines[i]))
            continue;
        if (poslog_is_returned(&m->from->lines[i]))
            returned++;
        else
            sold++;
    }
    if (sold && returned) {
        m->order->kind = POSLOG_ORDER_EXCHANGE;
        (void)poslog_make_exchange(m);
    } else if (sold) {
        m->order->kind = POSLOG_ORDER_SALE;
        (void)poslog_make_sale(m);
    } else if (returned) {
        m->order->kind = POSLOG_ORDER_RETURN;
        (void)poslog_make_return(m);
    } else {
        (void)skip(m->order, "no goods in it");
    }
}

void poslog_order_make(const struct poslog_transaction *transaction,
                       const struct poslog_mapping *mapping, struct poslog_order *order)
{
    *order = (struct poslog_order){.code = ""};
    buf_init(&order->body, BODY_MAX_BYTES);
    buf_init(&order->sale, BODY_MAX_BYTES);
    (void)snprintf(order->name, sizeof order->name, "%.24s/%.24s/%.10s/%.24s", transaction->store,
                   transaction->workstation, transaction->date, transaction->sequence);
    (void)snprintf(order->lane, sizeof order->lane, "%.24s", transaction->workstation);
    write_key(order);
    if (cardnumber_in(slice_of(order->name)))
        (void)snprintf(order->name, sizeof order->name, "%.10s/not repeated", transaction->date);
    struct poslog_maker maker = {.from = transaction, .order = order, .w = jsonw_to(&order->body)};
    if (!transaction->retail) {
        (void)skip(order, "no retail transaction");
        return;
    }
    if (!*transaction->store || !*transaction->sequence || !*transaction->date) {
        (void)poslog_refuse(&maker, "invalid", "Transaction",
                            "store, business day and sequence number name a transaction");
        return;
    }
    if (choose_source(&maker, mapping) && !skipped(&maker) && !maker.failed)
        make(&maker);
    if (order->kind == POSLOG_ORDER_EXCHANGE)
        write_key(order);
    if (order->body.failed || order->sale.failed)
        (void)poslog_refuse(&maker, "invalid", "Transaction", "it is too large");
}

void poslog_order_free(struct poslog_order *order)
{
    buf_free(&order->body);
    buf_free(&order->sale);
}
