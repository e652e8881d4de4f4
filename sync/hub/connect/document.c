#include "sync/hub/connect/document.h"
#include "sync/contract/event.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stddef.h>
#include <string.h>

enum { ITEMS_BYTES_MAX = 4 * 1024 * 1024, ITEMS_DEPTH_MAX = 8 };

/* --- The store's event ----------------------------------------------------------------------- */

struct sold {
    int64_t line;
    const char *sku;
    const char *gtin;
    const char *description;
    const char *unit;
};

struct sold_list {
    struct sold *items;
    size_t count;
};

struct returned {
    int64_t line;
    int64_t item; /* in the request */
    const char *condition;
};

struct created {
    const char *receipt;
    struct returned *lines;
    size_t line_count;
    struct sold_list sale;
    struct sold_list request;
};

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define TABLE(list, type)                                                                          \
    {                                                                                              \
        .fields = (list), .count = COUNT(list), .item_size = sizeof(type), .allow_unknown = true   \
    }
#define TEXT(key, type, member)                                                                    \
    {                                                                                              \
        .name = (key), .kind = JSON_TEXT, .presence = JSON_OPTIONAL,                               \
        .offset = offsetof(type, member), .max = 400                                               \
    }
#define WHOLE(key, type, member)                                                                   \
    {                                                                                              \
        .name = (key), .kind = JSON_INT, .presence = JSON_OPTIONAL,                                \
        .offset = offsetof(type, member)                                                           \
    }
#define LIST(type, member, counter, table)                                                         \
    {                                                                                              \
        .name = "lines", .kind = JSON_LIST, .presence = JSON_OPTIONAL,                             \
        .offset = offsetof(type, member), .count_offset = offsetof(type, counter),                 \
        .items = &(table), .max = MILESTONE_LINES_MAX                                              \
    }

static const struct json_field sold_fields[] = {
    WHOLE("line", struct sold, line), TEXT("sku", struct sold, sku),
    TEXT("gtin", struct sold, gtin),  TEXT("description", struct sold, description),
    TEXT("unit", struct sold, unit),
};
static const struct json_table sold_table = TABLE(sold_fields, struct sold);
static const struct json_field sold_list_fields[] = {
    LIST(struct sold_list, items, count, sold_table),
};
static const struct json_table sold_list_table = TABLE(sold_list_fields, struct sold_list);

static const struct json_field returned_fields[] = {
    WHOLE("line", struct returned, line),
    WHOLE("item", struct returned, item),
    TEXT("condition", struct returned, condition),
};
static const struct json_table returned_table = TABLE(returned_fields, struct returned);

static const struct json_field created_fields[] = {
    TEXT("receipt", struct created, receipt),
    LIST(struct created, lines, line_count, returned_table),
    {.name = "sale",
     .kind = JSON_OBJECT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct created, sale),
     .items = &sold_list_table},
    {.name = "request",
     .kind = JSON_OBJECT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct created, request),
     .items = &sold_list_table},
};
static const struct json_table created_table = TABLE(created_fields, struct created);

/* --- Putting both together ------------------------------------------------------------------- */

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

/* What the sale calls the line, or else what was asked for at the counter. */
static struct sold name_goods(const struct created *created, const struct returned *returned,
                              int64_t line)
{
    const struct sold_list *request = &created->request;
    for (size_t i = 0; i < created->sale.count; i++)
        if (created->sale.items[i].line == line)
            return created->sale.items[i];
    if (returned && returned->item >= 0 && returned->item < (int64_t)request->count)
        return request->items[returned->item];
    return (struct sold){0};
}

static void name_line(const struct created *created, struct document_line *line)
{
    const struct returned *returned = NULL;
    for (size_t i = 0; i < created->line_count && !returned; i++)
        if (created->lines[i].line == line->item.line)
            returned = &created->lines[i];
    struct sold sold = name_goods(created, returned, line->item.line);
    const char *condition = returned ? or_empty(returned->condition) : "";
    line->sku = or_empty(sold.sku);
    line->gtin = or_empty(sold.gtin);
    line->description = or_empty(sold.description);
    line->unit = sold.unit ? sold.unit : "each";
    line->to_stock = line->item.goods && strcmp(condition, "wrong_goods") != 0;
}

static enum err make_lines(const struct created *created, const struct entry_items *items,
                           struct arena *arena, struct document *document, struct fault *fault)
{
    document->receipt = or_empty(created->receipt);
    document->lines = arena_alloc(arena, items->count + 1, sizeof *document->lines);
    if (!document->lines)
        return fault_set(fault, ERR_NO_MEMORY, "document", "out of memory");
    document->count = items->count;
    for (size_t i = 0; i < items->count; i++) {
        document->lines[i] = (struct document_line){.item = items->items[i]};
        name_line(created, &document->lines[i]);
    }
    return ERR_OK;
}

static enum err read_texts(struct slice items_text, struct slice body, struct arena *arena,
                           struct cJSON *texts[static DOCUMENT_TEXTS], struct document *document,
                           struct fault *fault)
{
    const struct json_limits items_limits = {.bytes = ITEMS_BYTES_MAX, .depth = ITEMS_DEPTH_MAX};
    const struct json_limits body_limits = {.bytes = EVENT_BODY_MAX, .depth = EVENT_DEPTH_MAX};
    struct entry_items items = {0};
    struct created created = {0};
    enum err err = json_parse(items_text, items_limits, &texts[0], fault);
    if (!err)
        err = json_parse(body, body_limits, &texts[1], fault);
    if (!err)
        err = entry_items_read(texts[0], arena, &items, fault);
    if (!err)
        err = json_read(json_member(texts[1], "data"), &created_table, &created, arena, fault);
    return err ? err : make_lines(&created, &items, arena, document, fault);
}

enum err document_load(struct database *db, const char *reference, struct arena *arena,
                       struct cJSON *texts[static DOCUMENT_TEXTS], struct document *document,
                       struct fault *fault)
{
    struct statement *s;
    bool row;
    struct document read = {.receipt = ""};
    enum err err = database_statement(db, INGEST_POSTING_DOCUMENT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, reference);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    if (row)
        err = read_texts(column_slice(s, 0), column_slice(s, 1), arena, texts, &read, fault);
    statement_reset(s);
    if (!err)
        *document = read;
    return err;
}
