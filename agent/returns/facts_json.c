#include "agent/returns/facts_json.h"
#include "agent/returns/fields.h"

enum { DECIMAL_TEXT = 32, ITEMS_MAX = 1000, OFFSET_MAX = 24 * 60 };

/* --- Writing --------------------------------------------------------------------------------- */

static void write_velocity(const struct facts *facts, struct jsonw *w)
{
    jsonw_array(w, "velocity");
    for (int per = 0; per < VELOCITY_COUNT; per++) {
        jsonw_object(w, NULL);
        jsonw_text(w, "per", velocity_words[per]);
        jsonw_int(w, "returns", facts->velocity[per].returns);
        jsonw_int(w, "amount", facts->velocity[per].amount_minor);
        jsonw_end(w);
    }
    jsonw_end(w);
}

static void write_taxes(const struct sale_line *line, struct jsonw *w)
{
    jsonw_array(w, "tax");
    for (size_t i = 0; i < line->tax_count; i++) {
        const struct sale_tax *tax = &line->taxes[i];
        jsonw_object(w, NULL);
        jsonw_text(w, "type", tax_words[tax->type]);
        jsonw_text(w, "class", tax_class_words[tax->class]);
        jsonw_text(w, "jurisdiction", tax->jurisdiction);
        jsonw_text(w, "rate", tax->rate);
        jsonw_int(w, "amount", tax->amount_minor);
        jsonw_end(w);
    }
    jsonw_end(w);
}

static void write_item(size_t index, const struct sale_line *cheapest, struct jsonw *w)
{
    jsonw_object(w, NULL);
    jsonw_int(w, "item", (int64_t)index);
    jsonw_text(w, "category", cheapest->category);
    jsonw_text(w, "kind", kind_words[cheapest->kind]);
    jsonw_text(w, "unit", unit_words[cheapest->unit]);
    jsonw_int(w, "quantity", cheapest->quantity);
    jsonw_int(w, "gross", cheapest->gross_minor);
    write_taxes(cheapest, w);
    if (cheapest->has_cost)
        jsonw_int(w, "cost", cheapest->cost_minor);
    jsonw_end(w);
}

static void write_items(const struct facts *facts, struct jsonw *w)
{
    jsonw_array(w, "items");
    for (size_t i = 0; i < facts->item_count; i++)
        if (facts->items[i].cheapest)
            write_item(i, facts->items[i].cheapest, w);
    jsonw_end(w);
}

static void write_rate(const char *key, struct decimal rate, struct jsonw *w)
{
    struct buf text;
    buf_init(&text, DECIMAL_TEXT);
    decimal_write(&text, rate);
    if (rate.digits > 0)
        jsonw_slice(w, key, buf_slice(&text));
    buf_free(&text);
}

static void write_authorisation(const struct fact_authorisation *shown, struct jsonw *w)
{
    jsonw_object(w, "authorisation");
    jsonw_bool(w, "known", shown->known);
    if (shown->expires)
        jsonw_time(w, "valid_until", shown->valid_until_ms);
    jsonw_array(w, "lines");
    for (size_t i = 0; i < shown->line_count; i++) {
        jsonw_object(w, NULL);
        jsonw_int(w, "line", shown->lines[i].line);
        jsonw_int(w, "left", shown->lines[i].left);
        jsonw_end(w);
    }
    jsonw_end(w);
    jsonw_end(w);
}

void facts_write(const struct facts *facts, struct jsonw *w)
{
    jsonw_object(w, "facts");
    jsonw_int(w, "utc_offset_minutes", facts->utc_offset_minutes);
    jsonw_bool(w, "link_up", facts->link_up);
    jsonw_bool(w, "confirmed", facts->confirmed);
    jsonw_bool(w, "history_uncertain", facts->history_uncertain);
    jsonw_bool(w, "manager", facts->manager);
    write_velocity(facts, w);
    if (facts->item_count)
        write_items(facts, w);
    if (facts->authorisation)
        write_authorisation(facts->authorisation, w);
    if (facts->fx.to) {
        jsonw_object(w, "fx");
        jsonw_text(w, "to", facts->fx.to);
        write_rate("at_sale", facts->fx.at_sale, w);
        write_rate("today", facts->fx.today, w);
        jsonw_end(w);
    }
    jsonw_end(w);
}

/* --- Reading --------------------------------------------------------------------------------- */

struct read_velocity {
    int per; /* enum velocity */
    int64_t returns;
    int64_t amount_minor;
};

struct read_item {
    int64_t item;
    struct sale_line line;
};

struct read_authorisation {
    bool known;
    bool expires;
    int64_t valid_until_ms;
    struct fact_authorised_line *lines;
    size_t line_count;
};

struct read_fx {
    const char *to;
    const char *at_sale;
    const char *today;
};

struct read_facts {
    int64_t utc_offset_minutes;
    bool link_up;
    bool confirmed;
    bool history_uncertain;
    bool manager;
    struct read_velocity *velocity;
    size_t velocity_count;
    struct read_item *items;
    size_t item_count;
    struct read_authorisation authorisation;
    bool has_authorisation;
    struct read_fx fx;
};

#define OPEN_TABLE(list, type)                                                                     \
    {                                                                                              \
        .fields = list, .count = FIELD_COUNT(list), .item_size = sizeof(struct type),              \
        .allow_unknown = true                                                                      \
    }
#define COUNT(type, field, member, most)                                                           \
    {                                                                                              \
        .name = field, .kind = JSON_INT, AT(type, member), .max = most                             \
    }

static const struct json_field velocity_fields[] = {
    CHOICE(read_velocity, "per", per, velocity_words),
    COUNT(read_velocity, "returns", returns, INT32_MAX),
    {.name = "amount",
     .kind = JSON_INT,
     AT(read_velocity, amount_minor),
     .min = -MONEY_MAX_MINOR,
     .max = MONEY_MAX_MINOR},
};
static const struct json_table velocity_table = OPEN_TABLE(velocity_fields, read_velocity);

static const struct json_field tax_fields[] = {
    CHOICE(sale_tax, "type", type, tax_words),    CHOICE(sale_tax, "class", class, tax_class_words),
    NAME(sale_tax, "jurisdiction", jurisdiction), NAME(sale_tax, "rate", rate),
    AMOUNT(sale_tax, "amount", amount_minor),
};
static const struct json_table tax_table = OPEN_TABLE(tax_fields, sale_tax);

static const struct json_field item_fields[] = {
    COUNT(read_item, "item", item, ITEMS_MAX - 1),
    OPTIONAL_NAME(read_item, "category", line.category),
    CHOICE(read_item, "kind", line.kind, kind_words),
    CHOICE(read_item, "unit", line.unit, unit_words),
    {.name = "quantity",
     .kind = JSON_INT,
     AT(read_item, line.quantity),
     .min = 1,
     .max = SALE_QUANTITY_MAX},
    AMOUNT(read_item, "gross", line.gross_minor),
    OPTIONAL_LIST(read_item, "tax", line.taxes, line.tax_count, tax_table, SALE_TAXES_MAX),
    {.name = "cost",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     AT(read_item, line.cost_minor),
     .max = MONEY_MAX_MINOR,
     .present_offset = offsetof(struct read_item, line.has_cost)},
};
static const struct json_table item_table = OPEN_TABLE(item_fields, read_item);

static const struct json_field authorised_fields[] = {
    COUNT(fact_authorised_line, "line", line, INT32_MAX),
    COUNT(fact_authorised_line, "left", left, SALE_QUANTITY_MAX),
};
static const struct json_table authorised_table =
    OPEN_TABLE(authorised_fields, fact_authorised_line);
static const struct json_field authorisation_fields[] = {
    OPTIONAL_FLAG(read_authorisation, "known", known),
    {.name = "valid_until",
     .kind = JSON_TIME,
     .presence = JSON_OPTIONAL,
     AT(read_authorisation, valid_until_ms),
     .present_offset = offsetof(struct read_authorisation, expires)},
    OPTIONAL_LIST(read_authorisation, "lines", lines, line_count, authorised_table, ITEMS_MAX),
};
static const struct json_table authorisation_table =
    OPEN_TABLE(authorisation_fields, read_authorisation);

static const struct json_field fx_fields[] = {
    NAME(read_fx, "to", to),
    OPTIONAL_NAME(read_fx, "at_sale", at_sale),
    OPTIONAL_NAME(read_fx, "today", today),
};
static const struct json_table fx_table = OPEN_TABLE(fx_fields, read_fx);

static const struct json_field facts_fields[] = {
    {.name = "utc_offset_minutes",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     AT(read_facts, utc_offset_minutes),
     .min = -OFFSET_MAX,
     .max = OFFSET_MAX},
    OPTIONAL_FLAG(read_facts, "link_up", link_up),
    OPTIONAL_FLAG(read_facts, "confirmed", confirmed),
    OPTIONAL_FLAG(read_facts, "history_uncertain", history_uncertain),
    OPTIONAL_FLAG(read_facts, "manager", manager),
    OPTIONAL_LIST(read_facts, "velocity", velocity, velocity_count, velocity_table, VELOCITY_COUNT),
    OPTIONAL_LIST(read_facts, "items", items, item_count, item_table, ITEMS_MAX),
    {.name = "authorisation",
     .kind = JSON_OBJECT,
     .presence = JSON_OPTIONAL,
     AT(read_facts, authorisation),
     .items = &authorisation_table,
     .present_offset = offsetof(struct read_facts, has_authorisation)},
    OBJECT(read_facts, "fx", fx, fx_table),
};
static const struct json_table facts_table = OPEN_TABLE(facts_fields, read_facts);

/* Taxes are within the gross, so that the same line can be decided on again. */
static enum err take_items(struct read_facts *read, struct arena *arena, struct facts *facts,
                           struct fault *fault)
{
    if (read->item_count == 0)
        return ERR_OK;
    struct fact_item *items = arena_alloc(arena, ITEMS_MAX, sizeof *items);
    if (!items)
        return fault_set(fault, ERR_NO_MEMORY, "items", "out of memory");
    for (size_t i = 0; i < read->item_count; i++) {
        struct sale_line *line = &read->items[i].line;
        for (size_t k = 0; k < line->tax_count; k++)
            line->tax_minor += line->taxes[k].amount_minor;
        line->category = line->category ? line->category : "";
        line->net_minor = line->gross_minor - line->tax_minor;
        if (line->net_minor < 0)
            return fault_set(fault, ERR_INVALID, "items", "the tax is more than the gross");
        items[read->items[i].item].cheapest = line;
    }
    facts->items = items;
    facts->item_count = ITEMS_MAX;
    return ERR_OK;
}

static enum err take_authorisation(const struct read_facts *read, struct arena *arena,
                                   struct facts *facts, struct fault *fault)
{
    if (!read->has_authorisation)
        return ERR_OK;
    struct fact_authorisation *shown = arena_alloc(arena, 1, sizeof *shown);
    if (!shown)
        return fault_set(fault, ERR_NO_MEMORY, "authorisation", "out of memory");
    *shown = (struct fact_authorisation){.known = read->authorisation.known,
                                         .expires = read->authorisation.expires,
                                         .valid_until_ms = read->authorisation.valid_until_ms,
                                         .lines = read->authorisation.lines,
                                         .line_count = read->authorisation.line_count};
    facts->authorisation = shown;
    return ERR_OK;
}

static enum err take_rate(const char *text, const char *field, struct decimal *rate,
                          struct fault *fault)
{
    if (text && decimal_parse(slice_of(text), rate) != ERR_OK)
        return fault_set(fault, ERR_INVALID, field, "must be a decimal number");
    return ERR_OK;
}

enum err facts_read(const struct cJSON *json, struct arena *arena, struct facts *facts,
                    struct fault *fault)
{
    struct read_facts read = {0};
    enum err err = json ? json_read(json, &facts_table, &read, arena, fault) : ERR_OK;
    struct facts made = *facts;
    made.utc_offset_minutes = (int32_t)read.utc_offset_minutes;
    made.link_up = read.link_up;
    made.confirmed = read.confirmed;
    made.history_uncertain = read.history_uncertain;
    made.manager = read.manager;
    for (size_t i = 0; i < read.velocity_count && !err; i++)
        made.velocity[read.velocity[i].per] =
            (struct fact_velocity){read.velocity[i].returns, read.velocity[i].amount_minor};
    made.fx.to = read.fx.to;
    if (!err)
        err = take_rate(read.fx.at_sale, "fx.at_sale", &made.fx.at_sale, fault);
    if (!err)
        err = take_rate(read.fx.today, "fx.today", &made.fx.today, fault);
    if (!err)
        err = take_items(&read, arena, &made, fault);
    if (!err)
        err = take_authorisation(&read, arena, &made, fault);
    if (!err)
        *facts = made;
    return err;
}
