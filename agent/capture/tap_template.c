#include "agent/capture/scan_pattern.h"
#include "agent/capture/tap_template_inside.h"
#include "agent/returns/fields.h"
#include "agent/returns/words.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEMPLATE_BYTES_MAX = 64 * 1024, ARENA_MAX_BYTES = 1024 * 1024 };

static const char *const row_words[] = {"number", "time",   "line", "total",
                                        "tender", "change", "tax",  NULL};

static const struct json_field row_fields[] = {
    CHOICE(row, "is", kind, row_words),
    {.name = "pattern", .kind = JSON_TEXT, AT(row, pattern), .min = 1, .max = PATTERN_MAX},
    {.name = "tender",
     .kind = JSON_CHOICE,
     .presence = JSON_OPTIONAL,
     AT(row, tender),
     .choices = tender_words,
     .present_offset = offsetof(struct row, has_tender)},
};
static const struct json_table row_table = TABLE(row_fields, row);

static const struct json_field tax_fields[] = {
    CHOICE(tax_rule, "type", type, tax_words),
    NAME(tax_rule, "jurisdiction", jurisdiction),
};
static const struct json_table tax_table = TABLE(tax_fields, tax_rule);

static const struct json_field look_fields[] = {
    NAME(look, "version", version),
    CHOICE(look, "page", page, code_page_words),
    {.name = "currency", .kind = JSON_TEXT, AT(look, currency_code), .min = 3, .max = 3},
    FLAG(look, "prices_include_tax", prices_include_tax),
    {.name = "decimal_point", .kind = JSON_TEXT, AT(look, decimal_point), .min = 1, .max = 1},
    NAME(look, "store", store),
    NAME(look, "lane", lane),
    NAME(look, "receipt", receipt),
    {.name = "tax",
     .kind = JSON_OBJECT,
     .presence = JSON_OPTIONAL,
     AT(look, tax),
     .items = &tax_table,
     .present_offset = offsetof(struct look, has_tax)},
    LIST(look, "patterns", rows, row_count, row_table, 1, TAP_PATTERNS_MAX),
};
static const struct json_table look_table = TABLE(look_fields, look);

static enum err check_rows(const struct look *look, struct fault *fault)
{
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < look->row_count; i++) {
        const struct row *row = &look->rows[i];
        char where[FAULT_WHERE_MAX];
        (void)snprintf(where, sizeof where, "patterns[%zu]", i);
        err = pattern_check(row->pattern, where, fault);
        if (!err && (row->kind == IS_TENDER || row->kind == IS_CHANGE) && !row->has_tender)
            err = fault_set(fault, ERR_INVALID, where, "needs a \"tender\"");
        if (!err && row->kind == IS_TAX && !look->has_tax)
            err = fault_set(fault, ERR_INVALID, "tax", "is needed by patterns[%zu]", i);
    }
    return err;
}

enum err tap_template_read(struct tap_template **out, struct slice text, struct fault *fault)
{
    struct tap_template *made = calloc(1, sizeof *made);
    if (!made)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    arena_init(&made->arena, ARENA_MAX_BYTES);
    struct json_limits limits = {.bytes = TEMPLATE_BYTES_MAX, .depth = 8};
    enum err err = json_parse(text, limits, &made->doc, fault);
    if (!err)
        err = json_read(made->doc, &look_table, &made->look, &made->arena, fault);
    if (!err)
        err = check_rows(&made->look, fault);
    if (!err) {
        made->currency = currency_find(slice_of(made->look.currency_code));
        if (!made->currency)
            err = fault_set(fault, ERR_INVALID, "currency", "is not a currency of ISO 4217");
    }
    if (err) {
        tap_template_close(made);
        return fault_wrap(fault, err, "the receipt template");
    }
    *out = made;
    return ERR_OK;
}

enum err tap_template_open(struct tap_template **template, const char *path, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, TEMPLATE_BYTES_MAX);
    enum err err = storage_read(path, &text, fault);
    return err ? err : tap_template_read(template, buf_slice(&text), fault);
}

void tap_template_close(struct tap_template *template)
{
    if (!template)
        return;
    json_free(template->doc);
    arena_free(&template->arena);
    free(template);
}

enum code_page tap_template_page(const struct tap_template *template)
{
    return (enum code_page) template->look.page;
}
