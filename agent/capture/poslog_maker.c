#include "agent/capture/poslog_maker.h"
#include "agent/capture/scan_pattern.h"
#include "agent/returns/cardnumber.h"
#include "agent/returns/gtin.h"
#include "hal/base/cleanup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATE_DIGITS = 8 };

bool poslog_refuse(struct poslog_maker *m, const char *code, const char *where, const char *format,
                   ...)
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

bool poslog_unmapped(struct poslog_maker *m, const char *table, const char *code)
{
    return poslog_refuse(m, "unmapped_code", table, "\"%s\" is not in the mapping of source \"%s\"",
                         code, m->source->name);
}

/* --- Numbers ---------------------------------------------------------------------------------- */

/* A decimal times `factor`, which must come out whole. */
static bool whole(const char *text, int64_t factor, int64_t *value)
{
    struct decimal decimal;
    return decimal_parse(slice_of(text), &decimal) == ERR_OK &&
           decimal_times_whole(decimal, factor, value);
}

bool poslog_amount(struct poslog_maker *m, const char *where, const char *text, int64_t *minor)
{
    int64_t factor = 1;
    for (unsigned i = 0; i < m->order->currency->exponent; i++)
        factor *= 10;
    if (!whole(text, factor, minor))
        return poslog_refuse(m, "invalid", where, "\"%.40s\" is no amount of %s", text,
                             m->order->currency->code);
    return true;
}

bool poslog_add(struct poslog_maker *m, const char *where, int64_t *sum_minor, int64_t minor)
{
    *sum_minor += minor;
    return (*sum_minor <= MONEY_MAX_MINOR && *sum_minor >= -MONEY_MAX_MINOR) ||
           poslog_refuse(m, "invalid", where, "they sum to too much");
}

int64_t poslog_size_of(int64_t value)
{
    return value < 0 ? -value : value;
}

/* --- Names ------------------------------------------------------------------------------------ */

bool poslog_make_receipt(struct poslog_maker *m, const char *store, const char *lane,
                         const char *date, const char *number, const char *where)
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
        return poslog_refuse(
            m, "invalid", where,
            "no receipt number can be made of store, workstation, date and number");
    memcpy(m->order->receipt, text.data, text.len + 1);
    return true;
}

bool poslog_take_receipt(struct poslog_maker *m, const char *text, const char *where)
{
    if (strlen(text) > POSLOG_RECEIPT_MAX)
        return poslog_refuse(m, "invalid", where, "a receipt number has at most %d bytes",
                             POSLOG_RECEIPT_MAX);
    memcpy(m->order->receipt, text, strlen(text) + 1);
    return true;
}

/* --- Lines ----------------------------------------------------------------------------------- */

bool poslog_is_goods(const struct poslog_line *line)
{
    return !line->voided && (line->kind == POSLOG_SALE || line->kind == POSLOG_RETURN);
}

bool poslog_is_returned(const struct poslog_line *line)
{
    return line->kind == POSLOG_RETURN || line->quantity[0] == '-';
}

bool poslog_quantity(struct poslog_maker *m, const struct poslog_line *line,
                     const struct poslog_unit **unit, int64_t *quantity)
{
    *unit = poslog_unit_find(m->source, line->unit);
    if (!*unit)
        return poslog_unmapped(m, "units", line->unit);
    const char *text = *line->quantity ? line->quantity : "1";
    if (!whole(text, (*unit)->factor, quantity) || *quantity == 0)
        return poslog_refuse(m, "invalid", "Quantity", "\"%.40s\" is no whole number of %s", text,
                             unit_words[(*unit)->unit]);
    *quantity = poslog_size_of(*quantity);
    return true;
}

int64_t poslog_line_number(const char *text)
{
    char *end = NULL;
    long long value = strtoll(text, &end, 10);
    return *text && !*end && value > 0 && value <= INT32_MAX ? value : 0;
}

void poslog_write_item(struct poslog_maker *m, const struct poslog_line *line)
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

void poslog_write_unless_empty(struct poslog_maker *m, const char *name, const char *text)
{
    if (*text)
        jsonw_text(&m->w, name, text);
}
