#include "agent/print/layout.h"
#include "hal/base/cleanup.h"
#include "hal/base/rfc3339.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX_BYTES = 4096, NESTING_MAX = 2, GROUP = 3 };

struct work {
    const struct layout *layout;
    const struct receipt *receipt;
    struct escpos escpos;
};

static const char *word(const struct work *w, const char *key)
{
    const char *text = template_text(w->layout->template, slice_of(key), w->layout->language);
    return text ? text : "";
}

/* "tender." and "cash" */
static const char *word_of(const struct work *w, const char *group, const char *name)
{
    char key[64];
    (void)snprintf(key, sizeof key, "%s.%s", group, name);
    return word(w, key);
}

/* --- Amounts and quantities as people write them -----------------------------------------------
 */

/* Digits with the language's point and thousands; `places` of them behind the point. */
static void write_number(const struct work *w, int64_t value, int places, struct buf *out)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%0*lld", places + 1, llabs((long long)value));
    int whole = len - places;
    if (value < 0)
        buf_append_char(out, '-');
    for (int i = 0; i < whole; i++) {
        if (i && (whole - i) % GROUP == 0)
            buf_append_text(out, word(w, "thousands"));
        buf_append_char(out, digits[i]);
    }
    if (places)
        buf_append_text(out, word(w, "point"));
    buf_append(out, digits + whole, (size_t)places);
}

static void write_amount(const struct work *w, int64_t minor, const struct currency *currency,
                         struct buf *out)
{
    write_number(w, minor, currency->exponent, out);
}

/* "3", "0,75 kg": no more places than it needs. */
static void write_quantity(const struct work *w, int64_t quantity, int unit, struct buf *out)
{
    static const char *const units[] = {[UNIT_G] = " kg", [UNIT_ML] = " l", [UNIT_MM] = " m"};
    if (unit == UNIT_EACH) {
        write_number(w, quantity, 0, out);
        return;
    }
    int places = 3;
    for (; places > 0 && quantity % 10 == 0; places--)
        quantity /= 10;
    write_number(w, quantity, places, out);
    buf_append_text(out, units[unit]);
}

/* --- Texts with {words} ------------------------------------------------------------------------
 */

/* A part of "2026-11-22T10:11:12.345Z", in the store's time. */
static bool write_time(const struct work *w, struct slice name, struct buf *out)
{
    static const struct {
        const char *name;
        size_t at;
        size_t len;
    } parts[] = {
        {"year", 0, 4}, {"month", 5, 2}, {"day", 8, 2}, {"hour", 11, 2}, {"minute", 14, 2}};
    char text[RFC3339_TEXT + 1];
    rfc3339_format(w->receipt->at_ms + (int64_t)w->layout->utc_offset_minutes * 60000, text);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!slice_is(name, parts[i].name))
            continue;
        buf_append(out, text + parts[i].at, parts[i].len);
        return true;
    }
    return false;
}

static const char *value_of(const struct work *w, struct slice name)
{
    const struct receipt *r = w->receipt;
    const struct {
        const char *name;
        const char *value;
    } values[] = {
        {"name", w->layout->store->name},
        {"address", w->layout->store->address},
        {"store", r->store},
        {"lane", r->lane},
        {"number", r->number},
        {"receipt", r->sale_receipt},
        {"new_receipt", r->exchange.receipt},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (slice_is(name, values[i].name))
            return values[i].value ? values[i].value : "";
    return NULL;
}

static void expand(const struct work *w, const char *pattern, int depth, struct buf *out)
{
    while (*pattern && !out->failed) {
        const char *end = *pattern == '{' ? strchr(pattern, '}') : NULL;
        if (!end) {
            buf_append_char(out, *pattern++);
            continue;
        }
        struct slice name = {pattern + 1, (size_t)(end - pattern) - 1};
        const char *value = value_of(w, name);
        const char *text = value || depth == NESTING_MAX
                               ? NULL
                               : template_text(w->layout->template, name, w->layout->language);
        if (value)
            buf_append_text(out, value); /* never expanded: it came from outside */
        else if (text)
            expand(w, text, depth + 1, out);
        else
            (void)write_time(w, name, out);
        pattern = end + 1;
    }
}

static void print_text(struct work *w, const char *pattern)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, TEXT_MAX_BYTES);
    expand(w, pattern, 0, &text);
    if (text.failed)
        w->escpos.out->failed = true;
    struct slice rest = buf_slice(&text);
    while (rest.len) {
        const char *bar = memchr(rest.data, '|', rest.len);
        size_t len = bar ? (size_t)(bar - rest.data) : rest.len;
        escpos_line(&w->escpos, (struct slice){rest.data, len});
        len += bar != NULL;
        rest.data += len;
        rest.len -= len;
    }
}

/* --- The blocks --------------------------------------------------------------------------------
 */

/* "text   12,34 EUR" */
static void print_sum(struct work *w, const char *text, int64_t minor,
                      const struct currency *currency, bool with_code)
{
    struct buf amount CLEANUP(buf_free);
    buf_init(&amount, TEXT_MAX_BYTES);
    write_amount(w, minor, currency, &amount);
    if (with_code)
        buf_printf(&amount, " %s", currency->code);
    escpos_pair(&w->escpos, slice_of(text), buf_slice(&amount), 0);
}

static void print_lines(struct work *w, const struct receipt_line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buf text CLEANUP(buf_free);
        struct buf amount CLEANUP(buf_free);
        buf_init(&text, TEXT_MAX_BYTES);
        buf_init(&amount, TEXT_MAX_BYTES);
        write_quantity(w, lines[i].quantity, lines[i].unit, &text);
        buf_printf(&text, " x %s", lines[i].name);
        write_amount(w, lines[i].gross_minor, w->receipt->currency, &amount);
        escpos_pair(&w->escpos, buf_slice(&text), buf_slice(&amount), 0);
        if (lines[i].fee_minor)
            print_sum(w, word(w, "fee"), -lines[i].fee_minor, w->receipt->currency, false);
    }
}

static void print_refund(struct work *w)
{
    escpos_bold(&w->escpos, true);
    print_sum(w, word(w, "total"), w->receipt->total_minor, w->receipt->currency, true);
    escpos_bold(&w->escpos, false);
}

static void print_taxes(struct work *w)
{
    const struct receipt *r = w->receipt;
    if (r->tax_count)
        print_sum(w, word(w, "net"), r->net_minor, r->currency, false);
    for (size_t i = 0; i < r->tax_count; i++) {
        struct buf text CLEANUP(buf_free);
        buf_init(&text, TEXT_MAX_BYTES);
        buf_printf(&text, "%s ", word_of(w, "tax", tax_words[r->taxes[i].type]));
        for (const char *c = r->taxes[i].rate; *c; c++)
            buf_append_text(&text, *c == '.' ? word(w, "point") : (char[]){*c, '\0'});
        buf_append_text(&text, " %");
        print_sum(w, text.data ? text.data : "", r->taxes[i].amount_minor, r->currency, false);
    }
}

static void print_tenders(struct work *w)
{
    const struct receipt *r = w->receipt;
    for (size_t i = 0; i < r->tender_count; i++) {
        bool rounding = r->tenders[i].type == TENDER_ROUNDING;
        print_sum(w, word_of(w, "tender", tender_words[r->tenders[i].type]),
                  r->tenders[i].amount_minor, rounding ? r->currency : r->paid_currency, !rounding);
    }
}

static void print_exchange(struct work *w)
{
    const struct receipt_exchange *exchange = &w->receipt->exchange;
    if (!exchange->receipt)
        return;
    print_text(w, "{exchange_goods}");
    print_lines(w, exchange->lines, exchange->line_count);
    int64_t due_minor = exchange->gross_minor - exchange->applied_minor;
    print_sum(w, word(w, "exchange_used"), exchange->applied_minor, w->receipt->currency, false);
    if (due_minor > 0)
        print_sum(w, word(w, "exchange_due"), due_minor, w->receipt->currency, true);
    else if (w->receipt->payout_minor > 0)
        print_sum(w, word(w, "exchange_left"), w->receipt->payout_minor, w->receipt->currency,
                  true);
}

static void print_block(struct work *w, const struct template_block *block)
{
    struct escpos *e = &w->escpos;
    const struct logo *logo = w->layout->store->logo;
    switch ((enum template_block_kind)block->kind) {
    case TEMPLATE_LOGO:
        if (logo)
            escpos_raster(e, logo->width, logo->height, buf_slice(&logo->bits));
        break;
    case TEMPLATE_TEXT:
        print_text(w, block->text);
        break;
    case TEMPLATE_RULE:
        escpos_rule(e);
        break;
    case TEMPLATE_FEED:
        escpos_feed(e, 1);
        break;
    case TEMPLATE_LINES:
        print_lines(w, w->receipt->lines, w->receipt->line_count);
        break;
    case TEMPLATE_REFUND:
        print_refund(w);
        break;
    case TEMPLATE_TAXES:
        print_taxes(w);
        break;
    case TEMPLATE_TENDERS:
        print_tenders(w);
        break;
    case TEMPLATE_EXCHANGE:
        print_exchange(w);
        break;
    case TEMPLATE_CODE128:
        escpos_code128(e, slice_of(w->receipt->number));
        break;
    case TEMPLATE_QR:
        escpos_qr(e, slice_of(w->receipt->number));
        break;
    case TEMPLATE_BLOCK_COUNT:
        break;
    }
}

static bool is_wanted(const struct work *w, int when)
{
    const struct receipt *r = w->receipt;
    switch ((enum template_when)when) {
    case TEMPLATE_WHEN_COPY:
        return w->layout->copy;
    case TEMPLATE_WHEN_ACCEPTED:
        return r->state == RECEIPT_ACCEPTED;
    case TEMPLATE_WHEN_PENDING:
        return r->state == RECEIPT_PENDING;
    case TEMPLATE_WHEN_VOIDED:
        return r->state == RECEIPT_VOIDED;
    case TEMPLATE_WHEN_CASH:
        return r->cash && r->state == RECEIPT_ACCEPTED;
    case TEMPLATE_WHEN_RECEIPT:
        return r->sale_receipt != NULL;
    case TEMPLATE_WHEN_BLIND:
        return r->sale_receipt == NULL;
    default:
        return true;
    }
}

enum err layout_print(const struct layout *layout, const struct receipt *receipt, struct buf *out,
                      struct fault *fault)
{
    struct work w = {
        .layout = layout,
        .receipt = receipt,
        .escpos = escpos_begin(out, layout->paper.page, layout->paper.columns),
    };
    size_t count;
    const struct template_block *blocks = template_blocks(layout->template, &count);
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(&w, blocks[i].when))
            continue;
        escpos_align(&w.escpos, (enum escpos_align)blocks[i].align);
        escpos_bold(&w.escpos, blocks[i].bold);
        escpos_large(&w.escpos, blocks[i].large);
        escpos_inverse(&w.escpos, blocks[i].inverse);
        print_block(&w, &blocks[i]);
    }
    escpos_cut(&w.escpos);
    return buf_check(out, fault, "print");
}

enum err layout_test_print(const struct layout_paper *paper, const char *name, struct buf *out,
                           struct fault *fault)
{
    struct escpos e = escpos_begin(out, paper->page, paper->columns);
    escpos_align(&e, ESCPOS_CENTER);
    escpos_large(&e, true);
    escpos_line(&e, SLICE_LITERAL("TILLBACK"));
    escpos_large(&e, false);
    escpos_line(&e, SLICE_LITERAL("Test / Prueba / Teste / Essai"));
    escpos_rule(&e);
    escpos_line(&e, slice_of(name));
    escpos_line(&e, SLICE_LITERAL("\u00e4\u00f6\u00fc \u00df \u00e9\u00e8 \u00f1 \u00e3 \u20ac"));
    escpos_code128(&e, SLICE_LITERAL("TILLBACK-TEST"));
    escpos_cut(&e);
    return buf_check(out, fault, "print");
}
