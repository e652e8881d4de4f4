#include "sync/contract/ack.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"
#include "sync/contract/compression.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum { ENCODINGS_MAX = 16, ARENA_MAX = 32 * 1024, ACK_BYTES_MAX = 64 * 1024, ACK_DEPTH_MAX = 4 };

static void write_parked(struct jsonw *w, const struct ack *ack)
{
    jsonw_array(w, "parked");
    for (size_t i = 0; i < ack->parked_count; i++) {
        const struct ack_parked *parked = &ack->parked[i];
        char id[ID_TEXT + 1];
        id_format(&parked->id, id);
        jsonw_object(w, NULL);
        jsonw_text(w, "id", id);
        jsonw_int(w, "seq", parked->seq);
        jsonw_text(w, "code", parked->code);
        jsonw_text(w, "detail", parked->detail);
        jsonw_end(w);
    }
    jsonw_end(w);
}

void ack_write(struct buf *out, const struct ack *ack)
{
    assert(ack->also_count <= ACK_RANGES_MAX && ack->parked_count <= ACK_PARKED_MAX);
    char log[ID_TEXT + 1];
    char hash[SHA256_TEXT + 1];
    id_format(&ack->log, log);
    sha256_format(&ack->hash, hash);
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "log_id", log);
    jsonw_int(&w, "through", ack->through);
    jsonw_text(&w, "hash", hash);
    if (ack->also_count) {
        jsonw_array(&w, "also");
        for (size_t i = 0; i < ack->also_count; i++) {
            jsonw_array(&w, NULL);
            jsonw_int(&w, NULL, ack->also[i].first);
            jsonw_int(&w, NULL, ack->also[i].last);
            jsonw_end(&w);
        }
        jsonw_end(&w);
    }
    jsonw_int(&w, "backed_up_through", ack->backed_up_through);
    jsonw_int(&w, "ack_no", ack->ack_no);
    jsonw_int(&w, "hub_epoch", ack->hub_epoch);
    write_parked(&w, ack);
    if (ack->parked_total)
        jsonw_int(&w, "parked_total", ack->parked_total);
    if (ack->parked_above)
        jsonw_int(&w, "parked_above", ack->parked_above);
    if (ack->parked_below)
        jsonw_int(&w, "parked_below", ack->parked_below);
    if (ack->reads_compressed) {
        jsonw_array(&w, "accept_encoding");
        jsonw_text(&w, NULL, COMPRESSION_NAME);
        jsonw_end(&w);
    }
    jsonw_end(&w);
}

/* --- Reading --------------------------------------------------------------------------------- */

struct parked_text {
    const char *id;
    int64_t seq;
    const char *code;
    const char *detail;
};

struct ack_text {
    const char *log;
    const char *hash;
    const struct cJSON *also;
    struct parked_text *parked;
    size_t parked_count;
    const char **encodings;
    size_t encoding_count;
    int64_t through, backed_up_through, ack_no, hub_epoch;
    int64_t parked_total, parked_above, parked_below;
};

#define COUNTER(text, member, when)                                                                \
    {                                                                                              \
        .name = (text), .kind = JSON_INT, .presence = (when),                                      \
        .offset = offsetof(struct ack_text, member), .min = 0, .max = INT64_C(9007199254740992)    \
    }

static const struct json_field parked_fields[] = {
    {.name = "id", .kind = JSON_TEXT, .offset = offsetof(struct parked_text, id), .max = ID_TEXT},
    {.name = "seq", .kind = JSON_INT, .offset = offsetof(struct parked_text, seq)},
    {.name = "code",
     .kind = JSON_TEXT,
     .offset = offsetof(struct parked_text, code),
     .min = 1,
     .max = ACK_CODE_MAX - 1},
    {.name = "detail",
     .kind = JSON_TEXT,
     .offset = offsetof(struct parked_text, detail),
     .max = ACK_DETAIL_MAX - 1},
};

static const struct json_table parked_table = {
    .fields = parked_fields,
    .count = sizeof parked_fields / sizeof *parked_fields,
    .item_size = sizeof(struct parked_text),
    .allow_unknown = true,
};

static const struct json_field ack_fields[] = {
    {.name = "log_id", .kind = JSON_TEXT, .offset = offsetof(struct ack_text, log), .max = ID_TEXT},
    COUNTER("through", through, JSON_REQUIRED),
    {.name = "hash",
     .kind = JSON_TEXT,
     .offset = offsetof(struct ack_text, hash),
     .max = SHA256_TEXT},
    {.name = "also",
     .kind = JSON_ANY,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct ack_text, also)},
    COUNTER("backed_up_through", backed_up_through, JSON_REQUIRED),
    COUNTER("ack_no", ack_no, JSON_REQUIRED),
    COUNTER("hub_epoch", hub_epoch, JSON_REQUIRED),
    COUNTER("parked_total", parked_total, JSON_OPTIONAL),
    COUNTER("parked_above", parked_above, JSON_OPTIONAL),
    COUNTER("parked_below", parked_below, JSON_OPTIONAL),
    {.name = "parked",
     .kind = JSON_LIST,
     .presence = JSON_REQUIRED,
     .offset = offsetof(struct ack_text, parked),
     .max = ACK_PARKED_MAX,
     .items = &parked_table,
     .count_offset = offsetof(struct ack_text, parked_count)},
    {.name = "accept_encoding",
     .kind = JSON_TEXTS,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct ack_text, encodings),
     .max = ENCODINGS_MAX,
     .count_offset = offsetof(struct ack_text, encoding_count)},
};

static const struct json_table ack_table = {
    .fields = ack_fields,
    .count = sizeof ack_fields / sizeof *ack_fields,
    .item_size = sizeof(struct ack_text),
    .allow_unknown = true,
};

/* [first, last], at least one seq above `below`: ranges that touch would be one range. */
static enum err read_range(const struct cJSON *pair, int64_t below, struct ack_range *range)
{
    const struct cJSON *first = json_first(pair);
    const struct cJSON *last = first ? json_next(first) : NULL;
    if (!last || json_next(last))
        return ERR_INVALID;
    enum err err = json_whole(first, &range->first);
    if (!err)
        err = json_whole(last, &range->last);
    if (err)
        return err;
    return range->first > below + 1 && range->last >= range->first ? ERR_OK : ERR_INVALID;
}

static enum err read_also(const struct cJSON *list, struct ack *ack, struct fault *fault)
{
    int64_t below = ack->through;
    for (const struct cJSON *pair = json_first(list); pair; pair = json_next(pair)) {
        struct ack_range range;
        if (ack->also_count == ACK_RANGES_MAX || read_range(pair, below, &range) != ERR_OK)
            return fault_set(fault, ERR_INVALID, "also",
                             "must be at most %d pairs of first and last above through, ascending",
                             ACK_RANGES_MAX);
        ack->also[ack->also_count++] = range;
        below = range.last;
    }
    return ERR_OK;
}

static enum err read_parked(const struct parked_text *text, struct ack_parked *parked,
                            struct fault *fault)
{
    if (id_parse(slice_of(text->id), &parked->id) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "parked.id", "must be a UUID");
    parked->seq = text->seq;
    memcpy(parked->code, text->code, strlen(text->code) + 1);
    memcpy(parked->detail, text->detail, strlen(text->detail) + 1);
    return ERR_OK;
}

static enum err convert(const struct ack_text *text, struct ack *ack, struct fault *fault)
{
    ack->through = text->through;
    ack->backed_up_through = text->backed_up_through;
    ack->ack_no = text->ack_no;
    ack->hub_epoch = text->hub_epoch;
    ack->parked_total = text->parked_total;
    ack->parked_above = text->parked_above;
    ack->parked_below = text->parked_below;
    if (id_parse(slice_of(text->log), &ack->log) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "log_id", "must be a UUID");
    if (sha256_parse(slice_of(text->hash), &ack->hash) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "hash", "must be a SHA-256 in hexadecimal");
    if (ack->backed_up_through > ack->through)
        return fault_set(fault, ERR_INVALID, "backed_up_through", "must not be above through");
    enum err err = read_also(text->also, ack, fault);
    for (size_t i = 0; !err && i < text->parked_count; i++)
        err = read_parked(&text->parked[i], &ack->parked[i], fault);
    ack->parked_count = text->parked_count;
    for (size_t i = 0; i < text->encoding_count; i++)
        if (strcmp(text->encodings[i], COMPRESSION_NAME) == 0)
            ack->reads_compressed = true;
    return err;
}

enum err ack_read(struct slice text, struct ack *ack, struct fault *fault)
{
    const struct json_limits limits = {.bytes = ACK_BYTES_MAX, .depth = ACK_DEPTH_MAX};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ARENA_MAX);
    struct ack_text found = {0};
    struct ack read = {0};
    enum err err = json_parse(text, limits, &doc, fault);
    if (!err)
        err = json_read(doc, &ack_table, &found, &arena, fault);
    if (!err)
        err = convert(&found, &read, fault);
    if (!err)
        *ack = read;
    return err;
}

bool ack_newer(const struct ack *b, const struct ack *a)
{
    if (b->hub_epoch != a->hub_epoch)
        return b->hub_epoch > a->hub_epoch;
    return b->ack_no > a->ack_no;
}
