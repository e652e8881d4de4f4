#include "agent/capture/poslog_order.h"
#include "agent/capture/question.h"
#include "agent/capture/scan_pattern.h"
#include "agent/returns/cardnumber.h"
#include "agent/returns/gtin.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "hal/base/rfc3339.h"
#include "hal/base/sha256.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX_BYTES = 256 * 1024, TENDERS_MAX = 50, DATE_DIGITS = 8, KEY_HEX = 40 };

struct tender {
    int type; /* enum tender_type */
    int64_t amount_minor;
    const char *reference;
};

struct maker {
    const struct poslog_transaction *from;
    const struct poslog_source *source;
    struct poslog_order *order;
    struct jsonw w;
    struct tender tenders[TENDERS_MAX];
    size_t tender_count;
    int64_t line_taxes_minor;
    bool failed;
};

__attribute__((format(printf, 4, 5))) static bool refuse(struct maker *m, const char *code,
                                                         const char *where, const char *format, ...)
{
    if (m->failed)
        return false;
    char text[FAULT_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (cardnumber_in(slice_of(text)))
        (void)snprintf(text, sizeof text,
                       "looks like a payment card number, which is not repeated");
    m->failed = true;
    m->order->kind = POSLOG_ORDER_REFUSED;
    m->order->code = code;
    fault_set(&m->order->why, ERR_REFUSED, where, "%s", text);
    return false;
}

static bool unmapped(struct maker *m, const char *table, const char *code)
{
    return refuse(m, "unmapped_code", table, "\"%s\" is not in the mapping of source \"%s\"", code,
                  m->source->name);
}

/* --- Numbers ---------------------------------------------------------------------------------- */

/* A decimal times `factor`, which must come out whole. */
static bool whole(const char *text, int64_t factor, int64_t *value)
{
    struct decimal decimal;
    return decimal_parse(slice_of(text), &decimal) == ERR_OK &&
           decimal_times_whole(decimal, factor, value);
}

static bool amount(struct maker *m, const char *where, const char *text, int64_t *minor)
{
    int64_t factor = 1;
    for (unsigned i = 0; i < m->order->currency->exponent; i++)
        factor *= 10;
    if (!whole(text, factor, minor))
        return refuse(m, "invalid", where, "\"%.40s\" is no amount of %s", text,
                      m->order->currency->code);
    return true;
}

static int64_t size_of(int64_t value)
{
    return value < 0 ? -value : value;
}

/* --- Names ------------------------------------------------------------------------------------ */

static bool write_receipt(struct maker *m, const char *store, const char *lane, const char *date,
                          const char *number, const char *where)
{
    char digits[DATE_DIGITS + 1] = "";
    size_t len = 0;
    for (; *date && len < DATE_DIGITS; date++)
        if (*date >= '0' && *date <= '9')
            digits[len++] = *date;
    struct pattern_match match = {.count = 0};
    (void)pattern_add(&match, "store", slice_of(store));
    (void)pattern_add(&match, "lane", slice_of(lane));
    (void)pattern_add(&match, "date", (struct slice){digits, len});
    (void)pattern_add(&match, "number", slice_of(number));
    struct buf text CLEANUP(buf_free);
    buf_init(&text, POSLOG_RECEIPT_MAX);
    bool told = *store && *lane && len == DATE_DIGITS && *number;
    if (!told || !pattern_expand(m->source->receipt, &match, &text) || text.len == 0)
        return refuse(m, "invalid", where,
                      "no receipt number can be made of store, workstation, date and number");
    memcpy(m->order->receipt, text.data, text.len + 1);
    return true;
}

static bool take_receipt(struct maker *m, const char *text, const char *where)
{
    if (strlen(text) > POSLOG_RECEIPT_MAX)
        return refuse(m, "invalid", where, "a receipt number has at most %d bytes",
                      POSLOG_RECEIPT_MAX);
    memcpy(m->order->receipt, text, strlen(text) + 1);
    return true;
}

static void write_key(struct poslog_order *order)
{
    struct sha256 hash = sha256_of(slice_of(order->name));
    char text[SHA256_TEXT + 1];
    sha256_format(&hash, text);
    (void)snprintf(order->key, sizeof order->key, "poslog-%.*s", KEY_HEX, text);
}

/* --- The whole transaction -------------------------------------------------------------------- */

static bool is_goods(const struct poslog_line *line)
{
    return !line->voided && (line->kind == POSLOG_SALE || line->kind == POSLOG_RETURN);
}

static bool is_returned(const struct poslog_line *line)
{
    return line->kind == POSLOG_RETURN || line->quantity[0] == '-';
}

static bool sold_at(struct maker *m, int64_t *ms)
{
    const char *text = *m->from->ended ? m->from->ended : m->from->begun;
    if (rfc3339_parse(slice_of(text), ms) == ERR_OK)
        return true;
    char utc[64];
    int len = snprintf(utc, sizeof utc, "%sZ", text);
    if (len < 0 || (size_t)len >= sizeof utc || rfc3339_parse(slice_of(utc), ms) != ERR_OK)
        return refuse(m, "invalid", "EndDateTime", "\"%.40s\" is no time", text);
    *ms -= (int64_t)utc_offset_minutes(*ms) * 60000;
    return true;
}

static bool choose_source(struct maker *m, const struct poslog_mapping *mapping)
{
    m->source = poslog_mapping_source(mapping, m->from->workstation);
    if (!m->source)
        return refuse(m, "unmapped_code", "WorkstationID", "no source takes workstation \"%.40s\"",
                      m->from->workstation);
    const char *code = *m->from->currency    ? m->from->currency
                       : m->source->currency ? m->source->currency
                                             : "";
    m->order->currency = currency_find(slice_of(code));
    if (!m->order->currency)
        return refuse(m, "invalid", "CurrencyCode", "\"%.10s\" is not a currency of ISO 4217",
                      code);
    return true;
}

/* --- Tenders ---------------------------------------------------------------------------------- */

/* Money given back in a sale is change: it goes off the tenders of its kind. */
static bool give_change(struct maker *m, int type, int64_t change)
{
    for (size_t i = 0; i < m->tender_count && change > 0; i++) {
        struct tender *tender = &m->tenders[i];
        if (tender->type != type || tender->amount_minor <= 0)
            continue;
        int64_t part = change < tender->amount_minor ? change : tender->amount_minor;
        tender->amount_minor -= part;
        change -= part;
    }
    return change == 0 ||
           refuse(m, "unsupported", "Tender", "more change than was paid with this tender");
}

static bool add_tender(struct maker *m, const struct poslog_line *line)
{
    int64_t value;
    int64_t change = 0;
    int type = poslog_word_find(m->source->tenders, m->source->tender_count, line->tender);
    if (type < 0)
        return unmapped(m, "tenders", line->tender);
    if (!amount(m, "Tender/Amount", line->amount, &value) ||
        (*line->change && !amount(m, "TenderChange", line->change, &change)))
        return false;
    bool back = strcmp(line->tender_code, "Refund") == 0 ||
                strcmp(line->tender_code, "Change") == 0 || (value < 0 && type != TENDER_ROUNDING);
    if (m->order->kind == POSLOG_ORDER_RETURN) {
        m->order->paid_minor[type] += back ? size_of(value) : -value;
        return true;
    }
    if (back)
        return give_change(m, type, size_of(value));
    if (m->tender_count == TENDERS_MAX)
        return refuse(m, "unsupported", "Tender", "more than %d tenders", TENDERS_MAX);
    m->tenders[m->tender_count++] = (struct tender){type, value - size_of(change), line->reference};
    return true;
}

static bool add_tenders(struct maker *m)
{
    for (size_t i = 0; i < m->from->line_count; i++) {
        const struct poslog_line *line = &m->from->lines[i];
        if (!line->voided && line->kind == POSLOG_TENDER && !add_tender(m, line))
            return false;
    }
    return true;
}

/* --- Sales ------------------------------------------------------------------------------------ */

static bool write_tax(struct maker *m, const struct poslog_tax *tax)
{
    int64_t value;
    const struct poslog_tax_code *code = poslog_tax_find(m->source, tax->type, tax->group);
    if (!code)
        return unmapped(m, "taxes", *tax->group ? tax->group : tax->type);
    const char *where = code->jurisdiction ? code->jurisdiction : tax->authority;
    if (!*where)
        return refuse(m, "unmapped_code", "TaxAuthority", "neither till nor mapping name one");
    if (!amount(m, "Tax/Amount", tax->amount, &value))
        return false;
    m->line_taxes_minor += value;
    jsonw_object(&m->w, NULL);
    jsonw_text(&m->w, "type", tax_words[code->type]);
    jsonw_text(&m->w, "class", tax_class_words[code->class]);
    jsonw_text(&m->w, "jurisdiction", where);
    jsonw_text(&m->w, "rate", *tax->percent ? tax->percent : "0");
    jsonw_int(&m->w, "amount", value);
    jsonw_end(&m->w);
    return true;
}

static bool write_taxes(struct maker *m, const struct poslog_line *line)
{
    if (line->taxes_seen > line->tax_count)
        return refuse(m, "unsupported", "Tax", "more than %d taxes on a line", POSLOG_TAXES_MAX);
    jsonw_array(&m->w, "tax");
    for (size_t i = 0; i < line->tax_count; i++)
        if (!write_tax(m, &line->taxes[i]))
            return false;
    jsonw_end(&m->w);
    return true;
}

static bool quantity_of(struct maker *m, const struct poslog_line *line,
                        const struct poslog_unit **unit, int64_t *quantity)
{
    *unit = poslog_unit_find(m->source, line->unit);
    if (!*unit)
        return unmapped(m, "units", line->unit);
    const char *text = *line->quantity ? line->quantity : "1";
    if (!whole(text, (*unit)->factor, quantity) || *quantity == 0)
        return refuse(m, "invalid", "Quantity", "\"%.40s\" is no whole number of %s", text,
                      unit_words[(*unit)->unit]);
    *quantity = size_of(*quantity);
    return true;
}

static int64_t number_of(const char *text)
{
    char *end = NULL;
    long long value = strtoll(text, &end, 10);
    return *text && !*end && value > 0 && value <= INT32_MAX ? value : 0;
}

static void write_item(struct maker *m, const struct poslog_line *line)
{
    const char *gtin = gtin_valid(slice_of(line->pos_item)) ? line->pos_item
                       : gtin_valid(slice_of(line->item))   ? line->item
                                                            : NULL;
    const char *sku = *line->item ? line->item : *line->pos_item ? line->pos_item : NULL;
    if (gtin)
        jsonw_text(&m->w, "gtin", gtin);
    if (sku)
        jsonw_text(&m->w, "sku", sku);
}

static void write_unless_empty(struct maker *m, const char *name, const char *text)
{
    if (*text)
        jsonw_text(&m->w, name, text);
}

static bool write_sale_line(struct maker *m, const struct poslog_line *line)
{
    int64_t value;
    int64_t cost;
    int64_t quantity = 0;
    const struct poslog_unit *unit;
    int64_t number = number_of(line->sequence);
    int kind = poslog_word_find(m->source->kinds, m->source->kind_count, line->item_type);
    if (kind < 0)
        return unmapped(m, "kinds", line->item_type);
    if (!number)
        return refuse(m, "invalid", "LineItem/SequenceNumber", "\"%.40s\" is no line number",
                      line->sequence);
    if (!quantity_of(m, line, &unit, &quantity) ||
        !amount(m, "ExtendedAmount", line->amount, &value))
        return false;
    jsonw_object(&m->w, NULL);
    jsonw_int(&m->w, "line", number);
    write_item(m, line);
    write_unless_empty(m, "description", line->description);
    write_unless_empty(m, "category", line->category);
    write_unless_empty(m, "serial", line->serial);
    jsonw_text(&m->w, "kind", kind_words[kind]);
    jsonw_int(&m->w, "quantity", quantity);
    jsonw_text(&m->w, "unit", unit_words[unit->unit]);
    jsonw_int(&m->w, "amount", value);
    if (*line->cost) {
        if (!amount(m, "ExtendedCostAmount", line->cost, &cost))
            return false;
        jsonw_int(&m->w, "cost", cost);
    }
    if (!write_taxes(m, line))
        return false;
    jsonw_end(&m->w);
    return true;
}

/* Taxes told for the whole transaction are fine as a summary; they can't be spread over lines. */
static bool check_summary(struct maker *m)
{
    int64_t sum = 0;
    bool any = false;
    for (size_t i = 0; i < m->from->line_count; i++) {
        const struct poslog_line *line = &m->from->lines[i];
        int64_t value;
        if (line->voided || line->kind != POSLOG_TAX || line->tax_count == 0)
            continue;
        if (!amount(m, "Tax/Amount", line->taxes[0].amount, &value))
            return false;
        any = true;
        sum += value;
    }
    return !any || sum == m->line_taxes_minor ||
           refuse(m, "unsupported", "LineItem/Tax",
                  "tax is given for the transaction and not for its lines");
}

static void write_tenders(struct maker *m)
{
    int64_t number = 0;
    jsonw_array(&m->w, "tenders");
    for (size_t i = 0; i < m->tender_count; i++) {
        const struct tender *tender = &m->tenders[i];
        if (tender->amount_minor == 0)
            continue;
        jsonw_object(&m->w, NULL);
        jsonw_int(&m->w, "tender", ++number);
        jsonw_text(&m->w, "type", tender_words[tender->type]);
        jsonw_int(&m->w, "amount", tender->amount_minor);
        write_unless_empty(m, "reference", tender->reference);
        jsonw_end(&m->w);
    }
    jsonw_end(&m->w);
}

static bool make_sale(struct maker *m)
{
    int64_t ms;
    const struct poslog_transaction *t = m->from;
    bool named = *t->receipt ? take_receipt(m, t->receipt, "ReceiptNumber")
                             : write_receipt(m, t->store, t->workstation, t->date, t->sequence,
                                             "Transaction");
    if (!named || !sold_at(m, &ms) || !add_tenders(m))
        return false;
    jsonw_object(&m->w, NULL);
    jsonw_text(&m->w, "receipt", m->order->receipt);
    jsonw_text(&m->w, "transaction", m->order->name);
    jsonw_text(&m->w, "channel", "store");
    jsonw_text(&m->w, "store", t->store);
    jsonw_text(&m->w, "lane", t->workstation);
    write_unless_empty(m, "associate", t->operator);
    jsonw_text(&m->w, "entry", "imported");
    jsonw_time(&m->w, "sold_at", ms);
    jsonw_text(&m->w, "currency", m->order->currency->code);
    jsonw_bool(&m->w, "prices_include_tax", m->source->prices_include_tax);
    jsonw_array(&m->w, "lines");
    for (size_t i = 0; i < t->line_count; i++)
        if (is_goods(&t->lines[i]) && !write_sale_line(m, &t->lines[i]))
            return false;
    jsonw_end(&m->w);
    write_tenders(m);
    jsonw_end(&m->w);
    return check_summary(m);
}

/* --- Returns ---------------------------------------------------------------------------------- */

static const struct poslog_link *link_of(const struct maker *m, const struct poslog_line *line)
{
    const struct poslog_link *link =
        *line->link.sequence || *line->link.receipt ? &line->link : &m->from->link;
    bool told = *link->sequence || *link->receipt;
    bool original = !*link->reason || strcmp(link->reason, "Return") == 0;
    return told && original ? link : NULL;
}

static bool take_original(struct maker *m, const struct poslog_line *line)
{
    const struct poslog_link *link = link_of(m, line);
    char before[POSLOG_RECEIPT_MAX + 1];
    if (!link)
        return refuse(m, "no_original", "TransactionLink",
                      "the transaction doesn't say which sale the goods come from");
    memcpy(before, m->order->receipt, sizeof before);
    const char *store = *link->store ? link->store : m->from->store;
    const char *lane = *link->workstation ? link->workstation : m->from->workstation;
    bool taken = *link->receipt
                     ? take_receipt(m, link->receipt, "TransactionLink")
                     : write_receipt(m, store, lane, link->date, link->sequence, "TransactionLink");
    if (taken && *before && strcmp(before, m->order->receipt) != 0)
        return refuse(m, "unsupported", "TransactionLink",
                      "goods of several sales come back in one transaction");
    return taken;
}

static bool write_return_line(struct maker *m, const struct poslog_line *line)
{
    int64_t quantity = 0;
    const struct poslog_unit *unit;
    const char *reason =
        poslog_code_find(m->source->reasons, m->source->reason_count, line->reason);
    const char *condition =
        poslog_code_find(m->source->conditions, m->source->condition_count, line->disposal);
    if (!reason)
        return unmapped(m, "reasons", line->reason);
    if (!condition)
        return unmapped(m, "conditions", line->disposal);
    if (!quantity_of(m, line, &unit, &quantity) || !take_original(m, line))
        return false;
    int64_t number = number_of(link_of(m, line)->line);
    jsonw_object(&m->w, NULL);
    if (number)
        jsonw_int(&m->w, "line", number);
    write_item(m, line);
    write_unless_empty(m, "serial", line->serial);
    jsonw_int(&m->w, "quantity", quantity);
    jsonw_text(&m->w, "reason", reason);
    jsonw_text(&m->w, "condition", condition);
    jsonw_text(&m->w, "entry", "imported");
    jsonw_end(&m->w);
    return true;
}

static bool sum_paid(struct maker *m)
{
    m->order->paid_total_minor = 0;
    for (int type = 0; type < TENDER_COUNT; type++) {
        if (m->order->paid_minor[type] < 0 && type != TENDER_ROUNDING)
            return refuse(m, "unsupported", "Tender", "a return took money in");
        if (type != TENDER_ROUNDING)
            m->order->paid_total_minor += m->order->paid_minor[type];
    }
    return true;
}

static bool make_return(struct maker *m)
{
    jsonw_object(&m->w, NULL);
    jsonw_array(&m->w, "lines");
    for (size_t i = 0; i < m->from->line_count; i++)
        if (is_goods(&m->from->lines[i]) && !write_return_line(m, &m->from->lines[i]))
            return false;
    jsonw_end(&m->w);
    jsonw_text(&m->w, "receipt", m->order->receipt);
    jsonw_text(&m->w, "currency", m->order->currency->code);
    jsonw_end(&m->w);
    return add_tenders(m) && sum_paid(m);
}

static bool skip(struct poslog_order *order, const char *why)
{
    order->kind = POSLOG_ORDER_SKIPPED;
    fault_set(&order->why, ERR_OK, "", "%s", why);
    return true;
}

/* True if there is nothing in it for a returns counter. */
static bool skipped(struct maker *m)
{
    const struct poslog_transaction *t = m->from;
    if (t->training)
        return skip(m->order, "made in training");
    if (t->cancelled)
        return skip(m->order, "cancelled");
    int status = poslog_word_find(m->source->statuses, m->source->status_count, t->status);
    if (status < 0)
        return unmapped(m, "statuses", t->status);
    return status == POSLOG_SKIP && skip(m->order, "not finished");
}

static void make(struct maker *m)
{
    size_t sold = 0;
    size_t returned = 0;
    for (size_t i = 0; i < m->from->line_count; i++) {
        if (!is_goods(&m->from->lines[i]))
            continue;
        if (is_returned(&m->from->lines[i]))
            returned++;
        else
            sold++;
    }
    if (sold && returned) {
        (void)refuse(m, "unsupported", "LineItem",
                     "goods are sold and taken back in one transaction; enter it as an exchange");
    } else if (sold) {
        m->order->kind = POSLOG_ORDER_SALE;
        (void)make_sale(m);
    } else if (returned) {
        m->order->kind = POSLOG_ORDER_RETURN;
        (void)make_return(m);
    } else {
        (void)skip(m->order, "no goods in it");
    }
}

void poslog_order_make(const struct poslog_transaction *transaction,
                       const struct poslog_mapping *mapping, struct poslog_order *order)
{
    *order = (struct poslog_order){.code = ""};
    buf_init(&order->body, BODY_MAX_BYTES);
    (void)snprintf(order->name, sizeof order->name, "%.24s/%.24s/%.10s/%.24s", transaction->store,
                   transaction->workstation, transaction->date, transaction->sequence);
    (void)snprintf(order->lane, sizeof order->lane, "%.24s", transaction->workstation);
    write_key(order);
    if (cardnumber_in(slice_of(order->name)))
        (void)snprintf(order->name, sizeof order->name, "%.10s/not repeated", transaction->date);
    struct maker maker = {.from = transaction, .order = order, .w = jsonw_to(&order->body)};
    if (!transaction->retail) {
        (void)skip(order, "no retail transaction");
        return;
    }
    if (!*transaction->store || !*transaction->sequence || !*transaction->date) {
        (void)refuse(&maker, "invalid", "Transaction",
                     "store, business day and sequence number name a transaction");
        return;
    }
    if (choose_source(&maker, mapping) && !skipped(&maker) && !maker.failed)
        make(&maker);
    if (order->body.failed)
        (void)refuse(&maker, "invalid", "Transaction", "it is too large");
}

void poslog_order_free(struct poslog_order *order)
{
    buf_free(&order->body);
}
