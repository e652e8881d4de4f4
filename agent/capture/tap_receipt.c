/* tap_template.h: one printed receipt, read by its template. */
#include "agent/capture/question.h"
#include "agent/capture/scan_pattern.h"
#include "agent/capture/tap_template_inside.h"
#include "agent/returns/fields.h"
#include "agent/returns/words.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "hal/base/rfc3339.h"

#include <stdlib.h>
#include <string.h>

struct printed_line {
    struct slice what;
    struct slice sku;
    char code;
    int64_t quantity;
    int64_t amount_minor;
    int64_t tax_minor;
    struct slice rate;
};

struct printed {
    const struct tap_template *by;
    struct fault *fault;
    struct pattern_match names; /* for the receipt's number */
    bool has_number;
    bool has_time;
    bool has_total;
    int64_t total_minor;
    struct printed_line lines[TAP_LINES_MAX];
    size_t line_count;
    int64_t paid_minor[TENDER_COUNT];
    bool paid[TENDER_COUNT];
};

static struct slice field(const struct pattern_match *match, const char *name)
{
    const struct slice *found = pattern_field(match, name);
    return found ? *found : (struct slice){"", 0};
}

/* "1.234,56" with the decimal point ','; exactly as many decimals as the currency has, or none. */
static bool read_amount(const struct printed *p, struct slice text, int64_t *minor)
{
    char point = p->by->look.decimal_point[0];
    int64_t value = 0;
    unsigned digits = 0;
    unsigned decimals = 0;
    bool fraction = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == point && !fraction) {
            fraction = true;
        } else if (c >= '0' && c <= '9' && digits < 15) {
            value = value * 10 + (c - '0');
            digits++;
            decimals += fraction ? 1 : 0;
        } else if (fraction || !strchr(".,'", c)) {
            return false; /* also a sign: what was taken back is no sale */
        }
    }
    unsigned wanted = p->by->currency->exponent;
    if (digits == 0 || (fraction && decimals != wanted))
        return false;
    for (unsigned i = decimals; i < wanted; i++)
        value *= 10;
    *minor = value;
    return true;
}

static enum err unreadable(struct printed *p, const char *where)
{
    return fault_set(p->fault, ERR_INVALID, where, "an amount can't be read");
}

static enum err take_line(struct printed *p, const struct pattern_match *match)
{
    if (p->line_count == TAP_LINES_MAX)
        return fault_set(p->fault, ERR_TOO_LARGE, "lines", "more than %d", TAP_LINES_MAX);
    struct printed_line *line = &p->lines[p->line_count];
    struct slice code = field(match, "code");
    struct slice quantity = field(match, "quantity");
    *line = (struct printed_line){.what = field(match, "what"),
                                  .sku = field(match, "sku"),
                                  .code = code.len ? code.data[0] : '\0',
                                  .quantity = 1};
    if (quantity.len) {
        line->quantity = 0;
        for (size_t i = 0; i < quantity.len && i < 6; i++)
            line->quantity = line->quantity * 10 + (quantity.data[i] - '0');
        if (line->quantity < 1)
            return fault_set(p->fault, ERR_INVALID, "lines", "a quantity can't be read");
    }
    if (!read_amount(p, field(match, "amount"), &line->amount_minor))
        return unreadable(p, "lines");
    p->line_count++;
    return ERR_OK;
}

/* Spreads a printed tax over the lines of its code, or without a code over all lines. */
static enum err take_tax(struct printed *p, const struct pattern_match *match)
{
    int64_t amount;
    int64_t weights[TAP_LINES_MAX] = {0};
    int64_t shares[TAP_LINES_MAX];
    struct slice code = field(match, "code");
    int64_t sum = 0;
    if (!read_amount(p, field(match, "amount"), &amount))
        return unreadable(p, "tax");
    for (size_t i = 0; i < p->line_count; i++) {
        if (code.len && p->lines[i].code != code.data[0])
            continue;
        weights[i] = p->lines[i].amount_minor;
        sum += weights[i];
    }
    if (amount == 0)
        return ERR_OK;
    if (sum == 0 || money_spread(amount, weights, p->line_count, shares) != ERR_OK)
        return fault_set(p->fault, ERR_INVALID, "tax", "belongs to no line");
    for (size_t i = 0; i < p->line_count; i++) {
        if (!weights[i])
            continue;
        if (p->lines[i].rate.len)
            return fault_set(p->fault, ERR_INVALID, "tax", "a line has two taxes");
        p->lines[i].tax_minor = shares[i];
        p->lines[i].rate = field(match, "rate");
    }
    return ERR_OK;
}

static enum err take_paid(struct printed *p, const struct row *row,
                          const struct pattern_match *match)
{
    int64_t amount;
    if (!read_amount(p, field(match, "amount"), &amount))
        return unreadable(p, "tenders");
    p->paid_minor[row->tender] += row->kind == IS_CHANGE ? -amount : amount;
    p->paid[row->tender] = true;
    return ERR_OK;
}

static enum err keep_names(struct printed *p, const struct pattern_match *match)
{
    for (size_t i = 0; i < match->count; i++)
        if (!pattern_field(&p->names, match->fields[i].name) &&
            !pattern_add(&p->names, match->fields[i].name, match->fields[i].text))
            return fault_set(p->fault, ERR_TOO_LARGE, "patterns", "too many fields");
    return ERR_OK;
}

static enum err take_row(struct printed *p, const struct row *row,
                         const struct pattern_match *match)
{
    switch ((enum row_kind)row->kind) {
    case IS_NUMBER:
        p->has_number = true;
        return keep_names(p, match);
    case IS_TIME:
        p->has_time = true;
        return keep_names(p, match);
    case IS_LINE:
        return take_line(p, match);
    case IS_TOTAL:
        p->has_total = true;
        return read_amount(p, field(match, "amount"), &p->total_minor) ? ERR_OK
                                                                       : unreadable(p, "total");
    case IS_TENDER:
    case IS_CHANGE:
        return take_paid(p, row, match);
    case IS_TAX:
        return take_tax(p, match);
    }
    return ERR_OK;
}

static struct slice trimmed(struct slice text)
{
    while (text.len && text.data[0] == ' ')
        text = (struct slice){text.data + 1, text.len - 1};
    while (text.len && text.data[text.len - 1] == ' ')
        text.len--;
    return text;
}

static enum err take_text(struct printed *p, struct slice line)
{
    struct pattern_match match;
    for (size_t i = 0; i < p->by->look.row_count; i++)
        if (pattern_fits(p->by->look.rows[i].pattern, line, &match))
            return take_row(p, &p->by->look.rows[i], &match);
    return ERR_OK;
}

static enum err take_lines(struct printed *p, struct slice text)
{
    enum err err = ERR_OK;
    while (!err && text.len) {
        const char *end = memchr(text.data, '\n', text.len);
        size_t len = end ? (size_t)(end - text.data) : text.len;
        err = take_text(p, trimmed((struct slice){text.data, len}));
        len += end ? 1 : 0;
        text = (struct slice){text.data + len, text.len - len};
    }
    return err;
}

/* --- What it says ----------------------------------------------------------------------------- */

static enum err check(struct printed *p)
{
    int64_t sum = 0;
    if (!p->has_number && !p->has_total)
        return fault_set(p->fault, ERR_NOT_FOUND, "", "no receipt of a sale");
    if (!p->has_number || !p->has_time || !p->has_total || p->line_count == 0)
        return fault_set(p->fault, ERR_INVALID,
                         !p->has_number  ? "number"
                         : !p->has_time  ? "time"
                         : !p->has_total ? "total"
                                         : "line",
                         "no line of the receipt fits its pattern");
    for (size_t i = 0; i < p->line_count; i++) {
        sum += p->lines[i].amount_minor;
        if (!p->by->look.prices_include_tax)
            sum += p->lines[i].tax_minor;
    }
    if (sum != p->total_minor)
        return fault_set(p->fault, ERR_INVALID, "total", "is %lld, but the lines come to %lld",
                         (long long)p->total_minor, (long long)sum);
    return ERR_OK;
}

static bool number_in(const struct printed *p, const char *name, int least, int most, int *value)
{
    struct slice text = field(&p->names, name);
    *value = 0;
    for (size_t i = 0; i < text.len && i < 4; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *value = *value * 10 + (text.data[i] - '0');
    }
    return text.len <= 4 && *value >= least && *value <= most;
}

static enum err read_time(struct printed *p, int64_t *ms)
{
    int year;
    int month;
    int day;
    int hour;
    int minute;
    int second;
    bool dated = number_in(p, "year", 1, 9999, &year) && number_in(p, "month", 1, 12, &month) &&
                 number_in(p, "day", 1, 31, &day);
    if (!dated || !number_in(p, "hour", 0, 23, &hour) || !number_in(p, "minute", 0, 59, &minute) ||
        !number_in(p, "second", 0, 59, &second))
        return fault_set(p->fault, ERR_INVALID, "time", "is no date and time");
    if (year < 100)
        year += 2000;
    *ms = (civil_days(year, month, day) * 86400 + hour * INT64_C(3600) + minute * INT64_C(60) +
           second) *
          1000;
    *ms -= (int64_t)utc_offset_minutes(*ms) * 60000;
    return ERR_OK;
}

static enum err write_number(struct printed *p, struct buf *number)
{
    (void)pattern_add(&p->names, "store", slice_of(p->by->look.store));
    (void)pattern_add(&p->names, "lane", slice_of(p->by->look.lane));
    return pattern_expand(p->by->look.receipt, &p->names, number)
               ? ERR_OK
               : fault_set(p->fault, ERR_INVALID, "receipt", "no number can be made of the fields");
}

/* "19,00" as "19.00". */
static void write_rate(const struct printed *p, struct slice rate, struct jsonw *w)
{
    char text[16];
    size_t len = 0;
    for (size_t i = 0; i < rate.len && len < sizeof text - 1; i++)
        text[len++] = rate.data[i] == p->by->look.decimal_point[0] ? '.' : rate.data[i];
    jsonw_slice(w, "rate", (struct slice){text, len});
}

static void write_line(const struct printed *p, size_t index, struct jsonw *w)
{
    const struct printed_line *line = &p->lines[index];
    jsonw_object(w, NULL);
    jsonw_int(w, "line", (int64_t)index + 1);
    jsonw_slice(w, "sku", line->sku.len ? line->sku : line->what);
    jsonw_slice(w, "description", line->what);
    jsonw_int(w, "quantity", line->quantity);
    jsonw_text(w, "unit", "each");
    jsonw_int(w, "amount", line->amount_minor);
    jsonw_array(w, "tax");
    if (line->rate.len) {
        jsonw_object(w, NULL);
        jsonw_text(w, "type", tax_words[p->by->look.tax.type]);
        jsonw_text(w, "jurisdiction", p->by->look.tax.jurisdiction);
        write_rate(p, line->rate, w);
        jsonw_int(w, "amount", line->tax_minor);
        jsonw_end(w);
    }
    jsonw_end(w);
    jsonw_end(w);
}

static void write_tenders(const struct printed *p, struct jsonw *w)
{
    int64_t number = 0;
    jsonw_array(w, "tenders");
    for (int type = 0; type < TENDER_COUNT; type++) {
        if (!p->paid[type] || p->paid_minor[type] == 0)
            continue;
        jsonw_object(w, NULL);
        jsonw_int(w, "tender", ++number);
        jsonw_text(w, "type", tender_words[type]);
        jsonw_int(w, "amount", p->paid_minor[type]);
        jsonw_end(w);
    }
    jsonw_end(w);
}

static enum err write_sale(struct printed *p, struct buf *sale)
{
    int64_t ms = 0;
    struct buf number CLEANUP(buf_free);
    buf_init(&number, FIELD_NAME_MAX);
    enum err err = read_time(p, &ms);
    if (!err)
        err = write_number(p, &number);
    if (err)
        return err;
    const struct look *look = &p->by->look;
    struct jsonw w = jsonw_to(sale);
    jsonw_object(&w, NULL);
    jsonw_slice(&w, "receipt", buf_slice(&number));
    jsonw_text(&w, "channel", "store");
    jsonw_text(&w, "store", look->store);
    jsonw_text(&w, "lane", look->lane);
    jsonw_text(&w, "entry", "imported");
    jsonw_time(&w, "sold_at", ms);
    jsonw_text(&w, "currency", p->by->currency->code);
    jsonw_bool(&w, "prices_include_tax", look->prices_include_tax);
    jsonw_array(&w, "lines");
    for (size_t i = 0; i < p->line_count; i++)
        write_line(p, i, &w);
    jsonw_end(&w);
    write_tenders(p, &w);
    jsonw_end(&w);
    return buf_check(sale, p->fault, "receipt");
}

enum err tap_template_sale(const struct tap_template *template, struct slice text, struct buf *sale,
                           struct fault *fault)
{
    struct printed *p = calloc(1, sizeof *p);
    if (!p)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    struct fault own = {0};
    p->by = template;
    p->fault = fault ? fault : &own;
    enum err err = take_lines(p, text);
    if (!err)
        err = check(p);
    if (!err)
        err = write_sale(p, sale);
    free(p);
    return err;
}
