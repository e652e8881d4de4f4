#include "agent/views/sale_view.h"
#include "agent/views/sale_view.sql.h"
#include "agent/views/sale_view_schema.sql.h"
#include "hal/base/cleanup.h"

#include <stdio.h>
#include <string.h>

enum { VERSION = 4, ITEM_MAX = 96, ARENA_MAX_BYTES = 4 * 1024 * 1024 };

static enum err insert_sale(struct database_statements *sql, const struct eventlog_record *record,
                            const struct sale *sale, struct fault *fault)
{
    struct statement *statement;
    enum err err = database_attached(sql, SALE_VIEW_INSERT, &statement, fault);
    if (err)
        return err;
    struct sha256 hash = sha256_of(record->event.data);
    bind_blob(statement, 1, record->event.correlation.bytes, ID_BYTES);
    bind_text(statement, 2, sale->receipt);
    bind_text(statement, 3, sale->order);
    bind_int(statement, 4, sale->sold_at_ms);
    bind_blob(statement, 5, hash.bytes, SHA256_BYTES);
    return statement_run(statement, fault);
}

/* What an item is found by. */
static void write_key(char key[static ITEM_MAX + 1], enum sale_by by, const char *wanted)
{
    if (by == SALE_BY_GTIN)
        (void)snprintf(key, ITEM_MAX + 1, "gtin/%s", wanted + strspn(wanted, "0"));
    else
        (void)snprintf(key, ITEM_MAX + 1, "sku/%s", wanted);
}

static enum err insert_item(struct database_statements *sql, const struct id *id,
                            int64_t sold_at_ms, enum sale_by by, const char *item,
                            struct fault *fault)
{
    if (!item || !*item)
        return ERR_OK;
    char key[ITEM_MAX + 1];
    struct statement *statement;
    enum err err = database_attached(sql, SALE_VIEW_INSERT_ITEM, &statement, fault);
    if (err)
        return err;
    write_key(key, by, item);
    bind_text(statement, 1, key);
    bind_int(statement, 2, sold_at_ms);
    bind_blob(statement, 3, id->bytes, ID_BYTES);
    return statement_run(statement, fault);
}

static enum err insert_items(struct database_statements *sql, const struct id *id,
                             const struct sale *sale, struct fault *fault)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < sale->line_count && !err; i++) {
        const struct sale_line *line = &sale->lines[i];
        err = insert_item(sql, id, sale->sold_at_ms, SALE_BY_GTIN, line->gtin, fault);
        if (!err)
            err = insert_item(sql, id, sale->sold_at_ms, SALE_BY_SKU, line->sku, fault);
    }
    return err;
}

/* The data of an event was checked when that was read. */
static enum err read_sale(struct slice data, struct arena *arena, struct cJSON **doc,
                          struct sale *sale, struct fault *fault)
{
    enum err err = json_parse(data, JSON_LIMITS_CHECKED, doc, fault);
    return err ? err : sale_read(*doc, &cardnumber_checked_before, arena, sale, fault);
}

/* An authorisation that names no receipt leads to no sale, and is not kept here. */
static enum err insert_authorisation(struct database_statements *sql, struct slice data,
                                     struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct statement *statement;
    if (json_parse(data, JSON_LIMITS_DEFAULT, &doc, NULL) != ERR_OK)
        return ERR_OK;
    const char *number = json_member_text(doc, "number");
    const char *receipt = json_member_text(doc, "receipt");
    if (!number || !receipt)
        return ERR_OK;
    enum err err = database_attached(sql, SALE_VIEW_INSERT_AUTHORISATION, &statement, fault);
    if (err)
        return err;
    bind_text(statement, 1, number);
    bind_text(statement, 2, receipt);
    bind_slice(statement, 3, data);
    return statement_run(statement, fault);
}

static enum err apply(void *unused_context, struct database_statements *sql,
                      const struct eventlog_record *record, struct fault *fault)
{
    (void)unused_context;
    if (record->event.type == EVENT_RETURN_AUTHORISED)
        return insert_authorisation(sql, record->event.data, fault);
    if (record->event.type != EVENT_SALE_RECORDED && record->event.type != EVENT_SALE_PUSHED)
        return ERR_OK;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ARENA_MAX_BYTES);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct sale sale = {0};
    enum err err = read_sale(record->event.data, &arena, &doc, &sale, fault);
    if (err)
        return err_class(err) == ERR_CLASS_PARK ? ERR_OK : err; /* the hub's poison stays unread */
    err = insert_sale(sql, record, &sale, fault);
    return err ? err : insert_items(sql, &record->event.correlation, &sale, fault);
}

void sale_view_define(struct eventlog_view *view)
{
    *view = (struct eventlog_view){
        .name = SALE_VIEW_NAME,
        .version = VERSION,
        .create = sale_view_schema_sql[SALE_VIEW_SCHEMA_CREATE].text,
        .drop = sale_view_schema_sql[SALE_VIEW_SCHEMA_DROP].text,
        .statements = sale_view_sql,
        .statement_count = sizeof sale_view_sql / sizeof *sale_view_sql,
        .apply = apply,
    };
}

static enum err read_row(struct statement *statement, struct sale_row *row, struct fault *fault)
{
    if (column_bytes(statement, 0, row->id.bytes, ID_BYTES) != ERR_OK ||
        column_bytes(statement, 3, row->data_hash.bytes, SHA256_BYTES) != ERR_OK)
        return fault_set(fault, ERR_CORRUPT, SALE_VIEW_NAME, "a row is damaged");
    row->sold_at_ms = column_int(statement, 2);
    return ERR_OK;
}

static enum err read_rows(struct statement *statement, size_t max, struct sale_row *rows,
                          size_t *count, struct fault *fault)
{
    size_t n = 0;
    bool more = true;
    while (n < max) {
        enum err err = statement_step(statement, &more, fault);
        if (!err && more)
            err = read_row(statement, &rows[n++], fault);
        if (err) {
            statement_reset(statement);
            return err;
        }
        if (!more)
            break;
    }
    statement_reset(statement);
    *count = n;
    return ERR_OK;
}

enum err sale_view_by_receipt(const struct views *views, const char *receipt, struct sale_row *row,
                              struct fault *fault)
{
    struct statement *statement;
    enum err err = database_attached(views->sales, SALE_VIEW_BY_RECEIPT, &statement, fault);
    if (err)
        return err;
    bind_text(statement, 1, receipt);
    size_t count = 0;
    err = read_rows(statement, 1, row, &count, fault);
    if (!err && count == 0)
        err = fault_set(fault, ERR_NOT_FOUND, "receipt", "no sale with receipt %s is known here",
                        receipt);
    return err;
}

enum err sale_view_list(const struct views *views, enum sale_by by, const char *wanted,
                        struct sale_row *rows, size_t *count, struct fault *fault)
{
    char key[ITEM_MAX + 1];
    struct statement *statement;
    size_t query = by == SALE_BY_ORDER ? SALE_VIEW_BY_ORDER : SALE_VIEW_BY_ITEM;
    enum err err = database_attached(views->sales, query, &statement, fault);
    if (err)
        return err;
    write_key(key, by, wanted);
    bind_text(statement, 1, by == SALE_BY_ORDER ? wanted : key);
    bind_int(statement, 2, SALE_VIEW_LIST_MAX);
    return read_rows(statement, SALE_VIEW_LIST_MAX, rows, count, fault);
}

enum err sale_view_authorised(const struct views *views, const char *number, struct arena *arena,
                              struct slice *data, struct fault *fault)
{
    struct statement *statement;
    bool row;
    enum err err = database_attached(views->sales, SALE_VIEW_AUTHORISED, &statement, fault);
    if (err)
        return err;
    bind_text(statement, 1, number);
    err = statement_step(statement, &row, fault);
    struct slice found = !err && row ? column_slice(statement, 0) : (struct slice){"", 0};
    const char *copy = !err && row ? arena_slice_text(arena, found) : NULL;
    statement_reset(statement);
    if (err)
        return err;
    if (!row)
        return fault_set(fault, ERR_NOT_FOUND, "authorisation", "isn't known here");
    if (!copy)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    *data = (struct slice){copy, found.len};
    return ERR_OK;
}

struct load {
    struct arena *arena;
    struct sale_found *found;
    bool seen;
};

/* The first sale event of the correlation is the sale; later ones say no more about it. */
static enum err take_sale(void *context, const struct eventlog_record *record, struct fault *fault)
{
    struct load *load = context;
    if (load->seen ||
        (record->event.type != EVENT_SALE_RECORDED && record->event.type != EVENT_SALE_PUSHED))
        return ERR_OK;
    const char *copy = arena_slice_text(load->arena, record->event.data);
    if (!copy)
        return fault_set(fault, ERR_NO_MEMORY, "sale", "out of memory");
    load->found->data = (struct slice){copy, record->event.data.len};
    load->found->seq = record->seq;
    load->seen = true;
    return ERR_OK;
}

enum err sale_view_load(const struct views *views, const struct id *id, struct arena *arena,
                        struct sale_found *found, struct fault *fault)
{
    struct load load = {.arena = arena, .found = found};
    found->id = *id;
    enum err err = views_history(views, id, take_sale, &load, fault);
    if (err)
        return err;
    if (!load.seen)
        return fault_set(fault, ERR_NOT_FOUND, "sale", "the sale's event is no longer kept here");
    return read_sale(found->data, arena, &found->doc, &found->sale, fault);
}

void sale_found_cleanup(struct sale_found *found)
{
    json_free(found->doc);
    found->doc = NULL;
}
