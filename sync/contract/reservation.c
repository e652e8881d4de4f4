#include "sync/contract/reservation.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"

#include <stddef.h>
#include <stdio.h>

enum { DEPTH_MAX = 4 };

#define RECEIPT(type)                                                                              \
    {                                                                                              \
        .name = "receipt", .kind = JSON_TEXT, .offset = offsetof(type, receipt), .min = 1,         \
        .max = SALE_QUERY_RECEIPT_MAX                                                              \
    }

/* --- What the holder is asked ---------------------------------------------------------------- */

struct reservation_text {
    const char *receipt;
    const char *of;
    struct reservation read;
};

static const struct json_field reservation_fields[] = {
    RECEIPT(struct reservation_text),
    {.name = "for_ms",
     .kind = JSON_INT,
     .offset = offsetof(struct reservation_text, read.for_ms),
     .min = 1,
     .max = RESERVATION_MS_MAX},
    {.name = "others",
     .kind = JSON_INT,
     .offset = offsetof(struct reservation_text, read.others),
     .max = INT32_MAX},
    {.name = "return",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct reservation_text, of),
     .max = ID_TEXT},
    {.name = "events",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct reservation_text, read.of.events),
     .max = INT32_MAX},
};

static const struct json_table reservation_table = {
    .fields = reservation_fields,
    .count = sizeof reservation_fields / sizeof *reservation_fields,
    .item_size = sizeof(struct reservation_text),
    .allow_unknown = true,
};

void reservation_write(struct buf *out, const struct reservation *reservation)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "receipt", reservation->receipt);
    jsonw_int(&w, "for_ms", reservation->for_ms);
    jsonw_int(&w, "others", reservation->others);
    return_news_write(&w, &reservation->of);
    jsonw_end(&w);
}

static enum err read_table(struct slice text, const struct json_table *table, void *out,
                           struct cJSON **doc, struct arena *arena, struct fault *fault)
{
    const struct json_limits limits = {.bytes = RESERVATION_BYTES_MAX, .depth = DEPTH_MAX};
    enum err err = json_parse(text, limits, doc, fault);
    return err ? err : json_read(*doc, table, out, arena, fault);
}

enum err reservation_read(struct slice text, struct reservation *reservation, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct reservation_text made = {.receipt = ""};
    arena_init(&arena, RESERVATION_BYTES_MAX);
    enum err err = read_table(text, &reservation_table, &made, &doc, &arena, fault);
    if (err)
        return err;
    if (!made.of || !made.read.of.events)
        made.read.of = (struct return_news){.events = 0};
    else if (id_parse(slice_of(made.of), &made.read.of.id) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "return", "must be a UUID");
    (void)snprintf(made.read.receipt, sizeof made.read.receipt, "%s", made.receipt);
    *reservation = made.read;
    return ERR_OK;
}

/* --- What it answers ------------------------------------------------------------------------- */

struct return_text {
    const char *id;
    int64_t events;
};

struct reserved_text {
    const char *receipt;
    void *returns;
    size_t count;
};

static const struct json_field return_fields[] = {
    {.name = "id", .kind = JSON_TEXT, .offset = offsetof(struct return_text, id), .max = ID_TEXT},
    {.name = "events",
     .kind = JSON_INT,
     .offset = offsetof(struct return_text, events),
     .min = 1,
     .max = INT32_MAX},
};

static const struct json_table return_table = {
    .fields = return_fields,
    .count = sizeof return_fields / sizeof *return_fields,
    .item_size = sizeof(struct return_text),
    .allow_unknown = true,
};

static const struct json_field reserved_fields[] = {
    RECEIPT(struct reserved_text),
    {.name = "returns",
     .kind = JSON_LIST,
     .offset = offsetof(struct reserved_text, returns),
     .max = RESERVATION_RETURNS_MAX,
     .items = &return_table,
     .count_offset = offsetof(struct reserved_text, count)},
};

static const struct json_table reserved_table = {
    .fields = reserved_fields,
    .count = sizeof reserved_fields / sizeof *reserved_fields,
    .item_size = sizeof(struct reserved_text),
    .allow_unknown = true,
};

void reserved_write(struct buf *out, const struct reserved *reserved)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "receipt", reserved->receipt);
    jsonw_array(&w, "returns");
    for (size_t i = 0; i < reserved->count; i++) {
        char id[ID_TEXT + 1];
        id_format(&reserved->returns[i].id, id);
        jsonw_object(&w, NULL);
        jsonw_text(&w, "id", id);
        jsonw_int(&w, "events", reserved->returns[i].events);
        jsonw_end(&w);
    }
    jsonw_end(&w);
    jsonw_end(&w);
}

static enum err take_returns(const struct reserved_text *made, struct reserved *read,
                             struct fault *fault)
{
    const struct return_text *returns = made->returns;
    for (size_t i = 0; i < made->count; i++) {
        struct reserved_return *one = &read->returns[read->count++];
        one->events = returns[i].events;
        if (id_parse(slice_of(returns[i].id), &one->id) != ERR_OK)
            return fault_set(fault, ERR_INVALID, "returns.id", "must be a UUID");
    }
    return ERR_OK;
}

enum err reserved_read(struct slice text, struct reserved *reserved, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct reserved_text made = {.receipt = ""};
    struct reserved read = {.count = 0};
    arena_init(&arena, RESERVATION_BYTES_MAX);
    enum err err = read_table(text, &reserved_table, &made, &doc, &arena, fault);
    if (!err)
        err = take_returns(&made, &read, fault);
    if (err)
        return err;
    (void)snprintf(read.receipt, sizeof read.receipt, "%s", made.receipt);
    *reserved = read;
    return ERR_OK;
}
