#include "agent/returns/fields.h"
#include "agent/returns/sale.h"

static const struct json_field tax_fields[] = {
    CHOICE(sale_tax, "type", type, tax_words),
    OPTIONAL_CHOICE(sale_tax, "class", class, tax_class_words),
    NAME(sale_tax, "jurisdiction", jurisdiction),
    NAME(sale_tax, "rate", rate),
    AMOUNT(sale_tax, "amount", amount_minor),
};
static const struct json_table tax_table = TABLE(tax_fields, sale_tax);

static const struct json_field line_fields[] = {
    NUMBER(sale_line, "line", line),
    OPTIONAL_NAME(sale_line, "sku", sku),
    OPTIONAL_NAME(sale_line, "gtin", gtin),
    TEXT(sale_line, "description", description),
    OPTIONAL_NAME(sale_line, "category", category),
    OPTIONAL_NAME(sale_line, "serial", serial),
    OPTIONAL_NAME(sale_line, "lot", lot),
    OPTIONAL_NAME(sale_line, "group", group),
    OPTIONAL_CHOICE(sale_line, "kind", kind, kind_words),
    OPTIONAL_CHOICE(sale_line, "unit", unit, unit_words),
    {.name = "quantity",
     .kind = JSON_INT,
     AT(sale_line, quantity),
     .min = 1,
     .max = SALE_QUANTITY_MAX},
    AMOUNT(sale_line, "amount", amount_minor),
    OPTIONAL_LIST(sale_line, "tax", taxes, tax_count, tax_table, SALE_TAXES_MAX),
    {.name = "cost",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     AT(sale_line, cost_minor),
     .max = MONEY_MAX_MINOR,
     .present_offset = offsetof(struct sale_line, has_cost)},
};
static const struct json_table line_table = TABLE(line_fields, sale_line);

static const struct json_field group_fields[] = {
    NAME(sale_group, "group", group),
    AMOUNT(sale_group, "discount", discount_minor),
};
static const struct json_table group_table = TABLE(group_fields, sale_group);

static const struct json_field tender_fields[] = {
    NUMBER(sale_tender, "tender", tender),
    CHOICE(sale_tender, "type", type, tender_words),
    {.name = "amount",
     .kind = JSON_INT,
     AT(sale_tender, amount_minor),
     .min = -MONEY_MAX_MINOR,
     .max = MONEY_MAX_MINOR},
    OPTIONAL_NAME(sale_tender, "reference", reference),
};
static const struct json_table tender_table = TABLE(tender_fields, sale_tender);

static const struct json_field market_line_fields[] = {
    NUMBER(sale_market_line, "line", line),
    AMOUNT(sale_market_line, "fee", fee_minor),
    OPTIONAL_NAME(sale_market_line, "kept_rate", kept_rate),
    {.name = "kept_cap",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     AT(sale_market_line, kept_cap_minor),
     .max = MONEY_MAX_MINOR,
     .present_offset = offsetof(struct sale_market_line, has_kept_cap)},
};
static const struct json_table market_line_table = TABLE(market_line_fields, sale_market_line);

static const struct json_field market_fields[] = {
    NAME(sale_market, "name", name),
    OPTIONAL_LIST(sale_market, "lines", lines, line_count, market_line_table, SALE_LINES_MAX),
    OPTIONAL_CHOICE(sale_market, "tax_collected_by", tax_collected_by, collector_words),
};
static const struct json_table market_table = TABLE(market_fields, sale_market);

static const struct json_field sale_fields[] = {
    NAME(sale, "receipt", receipt),
    OPTIONAL_NAME(sale, "order", order),
    OPTIONAL_NAME(sale, "transaction", transaction),
    OPTIONAL_CHOICE(sale, "channel", channel, channel_words),
    NAME(sale, "store", store),
    OPTIONAL_NAME(sale, "lane", lane),
    OPTIONAL_NAME(sale, "associate", associate),
    OPTIONAL_NAME(sale, "customer", customer),
    OPTIONAL_CHOICE(sale, "entry", entry, entry_words),
    {.name = "sold_at", .kind = JSON_TIME, AT(sale, sold_at_ms)},
    {.name = "currency", .kind = JSON_TEXT, AT(sale, currency_code), .min = 3, .max = 3},
    FLAG(sale, "prices_include_tax", prices_include_tax),
    LIST(sale, "lines", lines, line_count, line_table, 1, SALE_LINES_MAX),
    OPTIONAL_LIST(sale, "groups", groups, group_count, group_table, SALE_GROUPS_MAX),
    OPTIONAL_AMOUNT(sale, "order_discount", order_discount_minor),
    LIST(sale, "tenders", tenders, tender_count, tender_table, 0, SALE_TENDERS_MAX),
    {.name = "marketplace",
     .kind = JSON_OBJECT,
     .presence = JSON_OPTIONAL,
     AT(sale, market),
     .items = &market_table,
     .present_offset = offsetof(struct sale, has_market)},
};
const struct json_table sale_table = TABLE(sale_fields, sale);

enum err sale_read(const struct cJSON *json, const struct known_formats *known, struct arena *arena,
                   struct sale *sale, struct fault *fault)
{
    struct sale read = {0};
    enum err err = json_read(json, &sale_table, &read, arena, fault);
    if (!err)
        err = sale_check(&read, known, arena, fault);
    if (err)
        return err;
    *sale = read;
    return ERR_OK;
}
