#include "sync/hub/ledger/item.h"

#include <stddef.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define WHOLE(key, how, member, least)                                                             \
    {                                                                                              \
        .name = (key), .kind = JSON_INT, .presence = JSON_##how,                                   \
        .offset = offsetof(struct entry_item, member), .min = (least), .max = MILESTONE_AMOUNT_MAX \
    }
#define TAXES(key, how, member)                                                                    \
    {                                                                                              \
        .name = (key), .kind = JSON_LIST, .presence = JSON_##how,                                  \
        .offset = offsetof(struct entry_item, member.items),                                       \
        .count_offset = offsetof(struct entry_item, member.count), .items = &tax_table,            \
        .max = MILESTONE_TAXES_MAX                                                                 \
    }

/* --- Writing --------------------------------------------------------------------------------- */

static void write_taxes(struct jsonw *w, const char *key, const struct tax_list *tax)
{
    jsonw_array(w, key);
    for (size_t i = 0; i < tax->count; i++) {
        if (!tax->items[i].amount_minor)
            continue;
        jsonw_object(w, NULL);
        jsonw_text(w, "jurisdiction", tax->items[i].jurisdiction);
        jsonw_text(w, "rate", tax->items[i].rate);
        jsonw_int(w, "amount", tax->items[i].amount_minor);
        jsonw_end(w);
    }
    jsonw_end(w);
}

static void write_item(struct jsonw *w, const struct entry_item *item)
{
    jsonw_object(w, NULL);
    jsonw_int(w, "line", item->line);
    jsonw_int(w, "quantity", item->quantity);
    jsonw_bool(w, "goods", item->goods);
    jsonw_int(w, "net", item->net_minor);
    write_taxes(w, "tax", &item->tax);
    if (item->fee_net_minor)
        jsonw_int(w, "fee_net", item->fee_net_minor);
    if (item->fee_net_minor)
        write_taxes(w, "fee_tax", &item->fee_tax);
    jsonw_end(w);
}

void entry_items_write(struct jsonw *w, const char *key, const struct entry_items *items)
{
    jsonw_object(w, key);
    jsonw_array(w, "items");
    for (size_t i = 0; i < items->count; i++)
        write_item(w, &items->items[i]);
    jsonw_end(w);
    jsonw_end(w);
}

/* --- Reading --------------------------------------------------------------------------------- */

static const struct json_field tax_fields[] = {
    {.name = "jurisdiction",
     .kind = JSON_TEXT,
     .offset = offsetof(struct tax_piece, jurisdiction),
     .max = MILESTONE_TEXT_MAX},
    {.name = "rate",
     .kind = JSON_TEXT,
     .offset = offsetof(struct tax_piece, rate),
     .max = MILESTONE_TEXT_MAX},
    {.name = "amount",
     .kind = JSON_INT,
     .offset = offsetof(struct tax_piece, amount_minor),
     .min = -MILESTONE_AMOUNT_MAX,
     .max = MILESTONE_AMOUNT_MAX},
};
static const struct json_table tax_table = {
    .fields = tax_fields, .count = COUNT(tax_fields), .item_size = sizeof(struct tax_piece)};

static const struct json_field item_fields[] = {
    WHOLE("line", REQUIRED, line, 1),
    WHOLE("quantity", REQUIRED, quantity, 1),
    {.name = "goods", .kind = JSON_FLAG, .offset = offsetof(struct entry_item, goods)},
    WHOLE("net", REQUIRED, net_minor, -MILESTONE_AMOUNT_MAX),
    TAXES("tax", REQUIRED, tax),
    WHOLE("fee_net", OPTIONAL, fee_net_minor, -MILESTONE_AMOUNT_MAX),
    TAXES("fee_tax", OPTIONAL, fee_tax),
};
static const struct json_table item_table = {
    .fields = item_fields, .count = COUNT(item_fields), .item_size = sizeof(struct entry_item)};

static const struct json_field list_fields[] = {
    {.name = "items",
     .kind = JSON_LIST,
     .offset = offsetof(struct entry_items, items),
     .count_offset = offsetof(struct entry_items, count),
     .items = &item_table,
     .max = MILESTONE_LINES_MAX},
};
static const struct json_table list_table = {
    .fields = list_fields, .count = COUNT(list_fields), .item_size = sizeof(struct entry_items)};

enum err entry_items_read(const struct cJSON *object, struct arena *arena,
                          struct entry_items *items, struct fault *fault)
{
    struct entry_items read = {0};
    enum err err = json_read(object, &list_table, &read, arena, fault);
    if (!err)
        *items = read;
    return err;
}
