#include "agent/returns/sale.h"
#include "agent/returns/fields.h"
#include "agent/returns/gtin.h"

#include <stdio.h>
#include <string.h>

/* Shorter than any card number. */
enum { RATE_TEXT_MAX = 12 };

enum { TAX_LIST_MAX = 40 };

/* "lines[2].tax" */
static void name_tax_list(char list[static TAX_LIST_MAX], size_t line)
{
    snprintf(list, TAX_LIST_MAX, "lines[%zu].tax", line);
}

/* Refuses the item of a list: "lines[2].quantity". */
static enum err refuse(struct fault *fault, const char *list, size_t index, const char *field,
                       const char *rule)
{
    char where[FAULT_WHERE_MAX];
    snprintf(where, sizeof where, "%s[%zu].%s", list, index, field);
    return fault_set(fault, ERR_INVALID, where, "%s", rule);
}

struct text_field {
    const char *name;
    const char *text;
};

static enum err refuse_cards(const struct text_field *texts, size_t count, const char *list,
                             size_t index, const struct known_formats *known, struct fault *fault)
{
    for (size_t i = 0; i < count; i++) {
        if (!texts[i].text || !cardnumber_in(slice_of(texts[i].text)))
            continue;
        char where[FAULT_WHERE_MAX];
        if (list)
            snprintf(where, sizeof where, "%s[%zu].%s", list, index, texts[i].name);
        else
            snprintf(where, sizeof where, "%s", texts[i].name);
        enum err err = cardnumber_refuse(texts[i].text, where, known, fault);
        if (err)
            return err;
    }
    return ERR_OK;
}

/* An item number that is a GTIN by its check digit may look like a card number all the same. */
static const char *unless_gtin(const char *text)
{
    return text && gtin_valid(slice_of(text)) ? NULL : text;
}

static enum err check_line_cards(const struct sale_line *line, size_t index,
                                 const struct known_formats *known, struct fault *fault)
{
    const struct text_field texts[] = {
        {"sku", unless_gtin(line->sku)},
        {"gtin", unless_gtin(line->gtin)},
        {"description", line->description},
        {"category", line->category},
        {"serial", line->serial},
        {"lot", line->lot},
        {"group", line->group},
    };
    enum err err = refuse_cards(texts, FIELD_COUNT(texts), "lines", index, known, fault);
    for (size_t i = 0; i < line->tax_count && !err; i++) {
        char list[TAX_LIST_MAX];
        name_tax_list(list, index);
        const struct text_field jurisdiction = {"jurisdiction", line->taxes[i].jurisdiction};
        err = refuse_cards(&jurisdiction, 1, list, i, known, fault);
    }
    return err;
}

static enum err check_cards(const struct sale *sale, const struct known_formats *known,
                            struct fault *fault)
{
    const struct text_field texts[] = {
        {"receipt", sale->receipt},
        {"order", sale->order},
        {"transaction", sale->transaction},
        {"store", sale->store},
        {"lane", sale->lane},
        {"associate", sale->associate},
        {"customer", sale->customer},
        {"marketplace.name", sale->market.name},
    };
    enum err err = refuse_cards(texts, FIELD_COUNT(texts), NULL, 0, known, fault);
    for (size_t i = 0; i < sale->line_count && !err; i++)
        err = check_line_cards(&sale->lines[i], i, known, fault);
    for (size_t i = 0; i < sale->tender_count && !err; i++) {
        const struct text_field reference = {"reference", sale->tenders[i].reference};
        err = refuse_cards(&reference, 1, "tenders", i, known, fault);
    }
    return err;
}

static enum err check_gtin(const struct sale_line *line, size_t index, struct fault *fault)
{
    size_t len = line->gtin ? strlen(line->gtin) : 0;
    if (len == 0)
        return ERR_OK;
    if (len < 8 || len > 14 || strspn(line->gtin, "0123456789") != len)
        return refuse(fault, "lines", index, "gtin", "must be 8 to 14 digits");
    return ERR_OK;
}

static enum err check_taxes(const struct sale_line *line, size_t index, struct fault *fault)
{
    for (size_t i = 0; i < line->tax_count; i++) {
        const struct sale_tax *tax = &line->taxes[i];
        char list[TAX_LIST_MAX];
        struct decimal rate;
        name_tax_list(list, index);
        if (strlen(tax->rate) > RATE_TEXT_MAX ||
            decimal_parse(slice_of(tax->rate), &rate) != ERR_OK || rate.digits < 0)
            return refuse(fault, list, i, "rate",
                          "must be a decimal number of per cent such as \"19\" or \"7.5\"");
        if (tax->amount_minor < 0)
            return refuse(fault, list, i, "amount", "must not be negative");
    }
    return ERR_OK;
}

static enum err check_line(const struct sale *sale, size_t index, struct fault *fault)
{
    const struct sale_line *line = &sale->lines[index];
    if (line->line < 1)
        return refuse(fault, "lines", index, "line", "must be 1 or more");
    if (sale_line_index(sale, line->line) != index)
        return refuse(fault, "lines", index, "line", "occurs twice");
    if (line->quantity < 1 || line->quantity > SALE_QUANTITY_MAX)
        return refuse(fault, "lines", index, "quantity", "must be from 1 to 1000000000");
    if (line->amount_minor < 0 || line->amount_minor > MONEY_MAX_MINOR)
        return refuse(fault, "lines", index, "amount", "must be from 0 to 2^53 - 1");
    if (line->kind == KIND_ITEM && !line->sku && !line->gtin)
        return refuse(fault, "lines", index, "sku", "an item needs an sku or a gtin");
    if (line->serial && line->quantity != 1)
        return refuse(fault, "lines", index, "serial", "only a line of quantity 1 has a serial");
    enum err err = check_gtin(line, index, fault);
    return err ? err : check_taxes(line, index, fault);
}

static const char *unless_empty(const char *text)
{
    return text && *text ? text : NULL;
}

static void default_texts(struct sale_line *line)
{
    line->sku = unless_empty(line->sku);
    line->gtin = unless_empty(line->gtin);
    line->serial = unless_empty(line->serial);
    line->group = unless_empty(line->group);
    line->description = line->description ? line->description : "";
    line->category = line->category ? line->category : "";
    line->paid_minor = line->amount_minor;
}

/*
 * Takes a discount off the lines of one group (NULL: all lines), by largest remainder over what is
 * left of each. `weights` and `shares` have room for every line.
 */
static bool take_off(struct sale *sale, const char *group, int64_t discount_minor, int64_t *weights,
                     int64_t *shares)
{
    int64_t sum = 0;
    for (size_t i = 0; i < sale->line_count; i++) {
        const struct sale_line *line = &sale->lines[i];
        bool in = !group || (line->group && strcmp(line->group, group) == 0);
        weights[i] = in ? line->paid_minor : 0;
        sum += weights[i];
    }
    if (discount_minor > sum)
        return false;
    if (discount_minor == 0)
        return true;
    if (money_spread(discount_minor, weights, sale->line_count, shares) != ERR_OK)
        return false;
    for (size_t i = 0; i < sale->line_count; i++)
        sale->lines[i].paid_minor -= shares[i];
    return true;
}

static enum err apply_discounts(struct sale *sale, struct arena *arena, struct fault *fault)
{
    int64_t *room = arena_alloc(arena, sale->line_count * 2, sizeof *room);
    if (!room)
        return fault_set(fault, ERR_NO_MEMORY, "lines", "no memory for the lines");
    int64_t *shares = room + sale->line_count;
    for (size_t i = 0; i < sale->group_count; i++)
        if (!take_off(sale, sale->groups[i].group, sale->groups[i].discount_minor, room, shares))
            return refuse(fault, "groups", i, "discount", "is more than the group's lines");
    if (sale->order_discount_minor < 0 ||
        !take_off(sale, NULL, sale->order_discount_minor, room, shares))
        return fault_set(fault, ERR_INVALID, "order_discount", "is more than the lines");
    return ERR_OK;
}

static enum err derive_line(const struct sale *sale, size_t index, struct fault *fault)
{
    struct sale_line *line = &sale->lines[index];
    int64_t tax = 0;
    for (size_t i = 0; i < line->tax_count; i++)
        tax += line->taxes[i].amount_minor;
    line->tax_minor = tax;
    line->gross_minor = sale->prices_include_tax ? line->paid_minor : line->paid_minor + tax;
    line->net_minor = line->gross_minor - tax;
    if (line->net_minor < 0)
        return refuse(fault, "lines", index, "tax", "is more than the line's gross amount");
    return ERR_OK;
}

static enum err derive_totals(struct sale *sale, struct fault *fault)
{
    sale->gross_minor = 0;
    for (size_t i = 0; i < sale->line_count; i++) {
        enum err err = derive_line(sale, i, fault);
        if (err)
            return err;
        sale->gross_minor += sale->lines[i].gross_minor;
        if (sale->gross_minor > MONEY_MAX_MINOR)
            return fault_set(fault, ERR_INVALID, "lines", "the total is larger than 2^53 - 1");
    }
    return ERR_OK;
}

static enum err check_tenders(struct sale *sale, struct fault *fault)
{
    int64_t sum = 0;
    if (sale->tender_count > SALE_TENDERS_MAX)
        return fault_set(fault, ERR_INVALID, "tenders", "must be at most %d", SALE_TENDERS_MAX);
    sale->rounding_minor = 0;
    for (size_t i = 0; i < sale->tender_count; i++) {
        const struct sale_tender *tender = &sale->tenders[i];
        if (tender->tender < 1)
            return refuse(fault, "tenders", i, "tender", "must be 1 or more");
        if (sale_tender_index(sale, tender->tender) != i)
            return refuse(fault, "tenders", i, "tender", "occurs twice");
        if (tender->type == TENDER_ROUNDING && sale->rounding_minor != 0)
            return refuse(fault, "tenders", i, "type", "a sale has one rounding tender at most");
        if (tender->type == TENDER_ROUNDING)
            sale->rounding_minor = tender->amount_minor;
        else if (tender->amount_minor < 0)
            return refuse(fault, "tenders", i, "amount",
                          "must not be negative: tenders are net of change given");
        sum += tender->amount_minor;
    }
    if (sum != sale->gross_minor)
        return fault_set(fault, ERR_INVALID, "tenders",
                         "sum to %lld, but the lines after discounts, with tax, to %lld",
                         (long long)sum, (long long)sale->gross_minor);
    if (sale->rounding_minor > sale->gross_minor || sale->rounding_minor < -sale->gross_minor)
        return fault_set(fault, ERR_INVALID, "tenders", "the rounding is more than the sale");
    return ERR_OK;
}

static enum err check_groups(const struct sale *sale, struct fault *fault)
{
    for (size_t i = 0; i < sale->group_count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(sale->groups[i].group, sale->groups[k].group) == 0)
                return refuse(fault, "groups", i, "group", "occurs twice");
    return ERR_OK;
}

static enum err check_market(const struct sale *sale, struct fault *fault)
{
    for (size_t i = 0; i < sale->market.line_count; i++) {
        struct sale_market_line *line = &sale->market.lines[i];
        struct decimal rate = {0};
        if (sale_line_index(sale, line->line) == sale->line_count)
            return refuse(fault, "marketplace.lines", i, "line", "is not a line of the sale");
        for (size_t k = 0; k < i; k++)
            if (sale->market.lines[k].line == line->line)
                return refuse(fault, "marketplace.lines", i, "line", "occurs twice");
        line->kept_rate = line->kept_rate && *line->kept_rate ? line->kept_rate : "0";
        if (decimal_parse(slice_of(line->kept_rate), &rate) != ERR_OK || rate.digits < 0 ||
            money_times(1000000, rate) > 100000000)
            return refuse(fault, "marketplace.lines", i, "kept_rate",
                          "must be a decimal number of per cent from 0 to 100");
    }
    return ERR_OK;
}

/* It is the event's subject, which may hold none (CloudEvents 1.0, section 3.1). */
static enum err check_receipt(const char *receipt, struct fault *fault)
{
    for (const char *at = receipt; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return fault_set(fault, ERR_INVALID, "receipt", "must have no control characters");
    return ERR_OK;
}

enum err sale_check(struct sale *sale, const struct known_formats *known, struct arena *arena,
                    struct fault *fault)
{
    if (sale->line_count < 1 || sale->line_count > SALE_LINES_MAX)
        return fault_set(fault, ERR_INVALID, "lines", "must be from 1 to %d", SALE_LINES_MAX);
    sale->currency = currency_find(slice_of(sale->currency_code));
    if (!sale->currency)
        return fault_set(fault, ERR_INVALID, "currency", "is not a currency of ISO 4217");
    enum err err = check_receipt(sale->receipt, fault);
    if (!err)
        err = check_cards(sale, known, fault);
    for (size_t i = 0; i < sale->line_count && !err; i++) {
        default_texts(&sale->lines[i]);
        err = check_line(sale, i, fault);
    }
    if (!err)
        err = check_groups(sale, fault);
    if (!err)
        err = apply_discounts(sale, arena, fault);
    if (!err)
        err = derive_totals(sale, fault);
    if (!err)
        err = check_tenders(sale, fault);
    return err ? err : check_market(sale, fault);
}

size_t sale_line_index(const struct sale *sale, int64_t line)
{
    for (size_t i = 0; i < sale->line_count; i++)
        if (sale->lines[i].line == line)
            return i;
    return sale->line_count;
}

size_t sale_tender_index(const struct sale *sale, int64_t tender)
{
    for (size_t i = 0; i < sale->tender_count; i++)
        if (sale->tenders[i].tender == tender)
            return i;
    return sale->tender_count;
}
