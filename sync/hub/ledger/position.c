#include "sync/hub/ledger/position.h"

#include <stddef.h>
#include <string.h>

static const char *const standing_words[] = {"waits_manager", "waits_check", "open", "closed",
                                             NULL};

int64_t position_balance(const struct position *position, const char *role)
{
    int64_t sum = 0;
    for (size_t i = 0; i < position->entry_count; i++)
        sum += entry_role_balance(&position->entries[i], role);
    return sum;
}

int64_t position_applied(const struct position *position, const char *source)
{
    for (size_t i = 0; i < position->source_count; i++)
        if (strcmp(position->sources[i].source, source) == 0)
            return position->sources[i].applied;
    return 0;
}

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define TABLE(list, type)                                                                          \
    {                                                                                              \
        .fields = (list), .count = COUNT(list), .item_size = sizeof(type)                          \
    }
#define FIELD(key_name, kind_name, type, member)                                                   \
    .name = (key_name), .kind = JSON_##kind_name, .presence = JSON_OPTIONAL,                       \
    .offset = offsetof(type, member)
#define TEXT(key_name, type, member)                                                               \
    {                                                                                              \
        FIELD(key_name, TEXT, type, member)                                                        \
    }
#define INT(key_name, type, member)                                                                \
    {                                                                                              \
        FIELD(key_name, INT, type, member)                                                         \
    }
#define FLAG(key_name, type, member)                                                               \
    {                                                                                              \
        FIELD(key_name, FLAG, type, member)                                                        \
    }
#define CHOICE(key_name, type, member, list)                                                       \
    {                                                                                              \
        FIELD(key_name, CHOICE, type, member), .choices = (list)                                   \
    }
#define LIST(key_name, type, member, counter, table, most)                                         \
    {                                                                                              \
        FIELD(key_name, LIST, type, member), .count_offset = offsetof(type, counter),              \
                                             .items = &(table), .max = (most)                      \
    }
#define OBJECT(key_name, type, member, table)                                                      \
    {                                                                                              \
        FIELD(key_name, OBJECT, type, member), .items = &(table)                                   \
    }

static const struct json_field tax_fields[] = {
    TEXT("type", struct tax_piece, type),
    TEXT("class", struct tax_piece, tax_class),
    TEXT("jurisdiction", struct tax_piece, jurisdiction),
    TEXT("rate", struct tax_piece, rate),
    INT("amount", struct tax_piece, amount_minor),
};
static const struct json_table tax_table = TABLE(tax_fields, struct tax_piece);

static const struct json_field amounts_fields[] = {
    INT("net", struct amounts, net_minor),
    LIST("tax", struct amounts, tax.items, tax.count, tax_table, 0),
    INT("gross", struct amounts, gross_minor),
};
static const struct json_table amounts_table = TABLE(amounts_fields, struct amounts);

static const struct json_field line_fields[] = {
    INT("line", struct position_line, line),
    INT("quantity", struct position_line, quantity),
    OBJECT("money", struct position_line, money, amounts_table),
    INT("fee", struct position_line, fee_minor),
    INT("fee_tax", struct position_line, fee_tax_minor),
    INT("cost", struct position_line, cost_minor),
    CHOICE("goods", struct position_line, goods, milestone_goods_words),
    INT("recognised", struct position_line, recognised),
    INT("received", struct position_line, received),
    INT("ours", struct position_line, ours),
    INT("disposed", struct position_line, disposed),
    INT("disposed_ours", struct position_line, disposed_ours),
    INT("restock_decided", struct position_line, restock_decided),
    INT("restock_reported", struct position_line, restock_reported),
    INT("in_repair", struct position_line, in_repair),
    INT("repair_cost", struct position_line, repair_cost_minor),
    OBJECT("unsupported", struct position_line, unsupported, amounts_table),
    FLAG("is_unsupported", struct position_line, is_unsupported),
    FLAG("unsupported_booked", struct position_line, unsupported_booked),
};
static const struct json_table line_table = TABLE(line_fields, struct position_line);

static const struct json_field payment_fields[] = {
    TEXT("event", struct payment, event_id),     TEXT("refund", struct payment, refund_id),
    TEXT("type", struct payment, type),          TEXT("reference", struct payment, reference),
    INT("tender", struct payment, tender),       INT("position", struct payment, position),
    INT("amount", struct payment, amount_minor), INT("cleared", struct payment, cleared_minor),
    FLAG("failed", struct payment, failed),      FLAG("settled", struct payment, settled),
};
static const struct json_table payment_table = TABLE(payment_fields, struct payment);

static const struct json_field source_fields[] = {
    TEXT("source", struct position_source, source),
    INT("applied", struct position_source, applied),
};
static const struct json_table source_table = TABLE(source_fields, struct position_source);

struct read_position {
    struct position position;
    const struct cJSON *entries;
};

static const struct json_field position_fields[] = {
    FLAG("created", struct read_position, position.created),
    TEXT("return", struct read_position, position.return_id),
    TEXT("number", struct read_position, position.number),
    TEXT("store", struct read_position, position.store),
    TEXT("company", struct read_position, position.company),
    TEXT("country", struct read_position, position.country),
    TEXT("currency", struct read_position, position.currency),
    TEXT("paid_currency", struct read_position, position.paid_currency),
    TEXT("sale_rate", struct read_position, position.sale_rate),
    TEXT("rate", struct read_position, position.rate),
    FLAG("on_marketplace", struct read_position, position.on_marketplace),
    FLAG("tax_not_ours", struct read_position, position.tax_not_ours),
    CHOICE("standing", struct read_position, position.standing, standing_words),
    FLAG("completed", struct read_position, position.completed),
    INT("entitlement", struct read_position, position.entitlement_minor),
    INT("due", struct read_position, position.due_minor),
    INT("recognised_due", struct read_position, position.recognised_due_minor),
    INT("rounding", struct read_position, position.rounding_minor),
    INT("disputed", struct read_position, position.disputed_minor),
    LIST("lines", struct read_position, position.lines, position.line_count, line_table, 0),
    LIST("payments", struct read_position, position.payments, position.payment_count, payment_table,
         POSITION_PAYMENTS_MAX),
    LIST("sources", struct read_position, position.sources, position.source_count, source_table,
         POSITION_SOURCES_MAX),
    {FIELD("entries", ANY, struct read_position, entries)},
};
static const struct json_table position_table = TABLE(position_fields, struct read_position);

/* One value as its field says; lists and objects go down into their own tables. */
static void write_fields(struct jsonw *w, const struct json_table *table, const void *from);

static void write_list(struct jsonw *w, const struct json_field *field, const char *from)
{
    const char *items;
    size_t count;
    memcpy(&items, from + field->offset, sizeof items);
    memcpy(&count, from + field->count_offset, sizeof count);
    jsonw_array(w, field->name);
    for (size_t i = 0; i < count; i++) {
        jsonw_object(w, NULL);
        write_fields(w, field->items, items + i * field->items->item_size);
        jsonw_end(w);
    }
    jsonw_end(w);
}

static void write_field(struct jsonw *w, const struct json_field *field, const char *from)
{
    const void *at = from + field->offset;
    switch (field->kind) {
    case JSON_TEXT:
        jsonw_text(w, field->name, *(const char *const *)at);
        break;
    case JSON_INT:
        jsonw_int(w, field->name, *(const int64_t *)at);
        break;
    case JSON_FLAG:
        jsonw_bool(w, field->name, *(const bool *)at);
        break;
    case JSON_CHOICE:
        jsonw_text(w, field->name, field->choices[*(const int *)at]);
        break;
    case JSON_LIST:
        write_list(w, field, from);
        break;
    case JSON_OBJECT:
        jsonw_object(w, field->name);
        write_fields(w, field->items, at);
        jsonw_end(w);
        break;
    default: /* entries are written by themselves */
        break;
    }
}

static void write_fields(struct jsonw *w, const struct json_table *table, const void *from)
{
    for (size_t i = 0; i < table->count; i++)
        write_field(w, &table->fields[i], from);
}

void position_write(struct jsonw *w, const char *key, const struct position *position)
{
    struct read_position whole = {.position = *position};
    jsonw_object(w, key);
    write_fields(w, &position_table, &whole);
    jsonw_array(w, "entries");
    for (size_t i = 0; i < position->entry_count; i++)
        entry_write(w, NULL, &position->entries[i]);
    jsonw_end(w);
    jsonw_end(w);
}

static enum err read_entries(const struct cJSON *list, struct arena *arena,
                             struct position *position, struct fault *fault)
{
    const struct cJSON *item;
    size_t count = 0;
    for (item = json_first(list); item; item = json_next(item))
        count++;
    if (count > POSITION_ENTRIES_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "entries", "must have at most %d items",
                         POSITION_ENTRIES_MAX);
    position->entries = arena_alloc(arena, count + 1, sizeof *position->entries);
    if (!position->entries)
        return fault_set(fault, ERR_NO_MEMORY, "entries", "no room to read the position");
    for (item = json_first(list); item; item = json_next(item)) {
        enum err err = entry_read(item, arena, &position->entries[position->entry_count], fault);
        if (err) {
            fault_within(fault, "entries");
            return err;
        }
        position->entry_count++;
    }
    return ERR_OK;
}

static bool line_is_sound(const struct position_line *line)
{
    return line->quantity > 0 && line->recognised <= line->quantity &&
           line->received <= line->quantity && line->ours <= line->received &&
           line->disposed <= line->received && line->disposed_ours <= line->ours &&
           line->in_repair >= 0 && line->disposed_ours >= 0;
}

/* A position is our own writing: what is missing or out of range is damage. */
static enum err check(const struct position *p, struct fault *fault)
{
    const char *texts[] = {p->return_id, p->number,        p->store,     p->company, p->country,
                           p->currency,  p->paid_currency, p->sale_rate, p->rate};
    for (size_t i = 0; i < COUNT(texts); i++)
        if (!texts[i])
            return fault_set(fault, ERR_INVALID, "", "the position lacks a text");
    for (size_t i = 0; i < p->line_count && p->created; i++)
        if (!line_is_sound(&p->lines[i]))
            return fault_set(fault, ERR_INVALID, "lines", "the quantities contradict each other");
    for (size_t i = 0; i < p->payment_count; i++)
        if (!p->payments[i].event_id || !p->payments[i].refund_id || !p->payments[i].type ||
            !p->payments[i].reference)
            return fault_set(fault, ERR_INVALID, "payments", "a payment lacks a text");
    for (size_t i = 0; i < p->source_count; i++)
        if (!p->sources[i].source)
            return fault_set(fault, ERR_INVALID, "sources", "a source lacks its name");
    return ERR_OK;
}

static bool taxes_are_whole(const struct tax_list *tax)
{
    for (size_t i = 0; i < tax->count; i++) {
        const struct tax_piece *piece = &tax->items[i];
        if (!piece->type || !piece->tax_class || !piece->jurisdiction || !piece->rate)
            return false;
    }
    return true;
}

static enum err check_taxes(const struct position *p, struct fault *fault)
{
    for (size_t i = 0; i < p->line_count; i++)
        if (!taxes_are_whole(&p->lines[i].money.tax) ||
            !taxes_are_whole(&p->lines[i].unsupported.tax))
            return fault_set(fault, ERR_INVALID, "lines", "a tax lacks a text");
    return ERR_OK;
}

enum err position_read(const struct cJSON *json, struct arena *arena, struct position *position,
                       struct fault *fault)
{
    struct read_position read = {0};
    enum err err = json_read(json, &position_table, &read, arena, fault);
    if (!err)
        err = check(&read.position, fault);
    if (!err)
        err = check_taxes(&read.position, fault);
    if (!err)
        err = read_entries(read.entries, arena, &read.position, fault);
    if (!err)
        *position = read.position;
    return err;
}
