#include "sync/hub/connect/adjustment.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"
#include "sync/hub/ingest/centre.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/journal.h"

#include <inttypes.h>
#include <stddef.h>

enum { ARENA_MAX = 16 * 1024 * 1024, DATA_MAX = 16 * 1024, TEXT_MAX = 128, DEPTH = 4 };

/* One jurisdiction that is spoken of, and what is known of its tax. */
struct piece {
    const char *type;
    const char *tax_class;
    const char *jurisdiction;
    const char *rate;
    int64_t amount_minor;
};

struct asked {
    struct piece *pieces;
    size_t count;
};

#define TEXT(key, how, member)                                                                     \
    {                                                                                              \
        .name = (key), .kind = JSON_TEXT, .presence = JSON_##how,                                  \
        .offset = offsetof(struct piece, member), .min = 1, .max = TEXT_MAX                        \
    }

static const char *const type_words[] = {"vat", "sales", "gst", "pst", "hst", "excise", NULL};
static const char *const class_words[] = {"standard", "reduced", "zero", "exempt", NULL};

static const struct json_field piece_fields[] = {
    TEXT("type", OPTIONAL, type),
    TEXT("class", OPTIONAL, tax_class),
    TEXT("jurisdiction", REQUIRED, jurisdiction),
    TEXT("rate", OPTIONAL, rate),
    {.name = "amount",
     .kind = JSON_INT,
     .offset = offsetof(struct piece, amount_minor),
     .min = -MILESTONE_AMOUNT_MAX,
     .max = MILESTONE_AMOUNT_MAX},
};
static const struct json_table piece_table = {.fields = piece_fields,
                                              .count = sizeof piece_fields / sizeof *piece_fields,
                                              .item_size = sizeof(struct piece)};
static const struct json_field asked_fields[] = {
    {.name = "tax",
     .kind = JSON_LIST,
     .offset = offsetof(struct asked, pieces),
     .count_offset = offsetof(struct asked, count),
     .items = &piece_table,
     .min = 1,
     .max = MILESTONE_TAXES_MAX},
};
static const struct json_table asked_table = {
    .fields = asked_fields, .count = 1, .item_size = sizeof(struct asked), .allow_unknown = true};

/* An adjustment at work. */
struct adjusting {
    struct database *db;
    const struct adjustment *adjustment;
    struct id correlation;
    struct arena arena;
    struct buf data; /* of the event */
    struct cJSON *json;
    struct asked asked;
    struct cJSON *position_json;
    struct cJSON *created; /* the data of its return.created */
    struct fault *fault;
};

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

static enum err check_piece(const struct adjusting *a, const struct piece *piece)
{
    struct decimal rate;
    if (piece->type && !is_one_of(piece->type, type_words))
        return fault_set(a->fault, ERR_INVALID, "tax.type", "is no type of tax that we know");
    if (piece->tax_class && !is_one_of(piece->tax_class, class_words))
        return fault_set(a->fault, ERR_INVALID, "tax.class", "is no class of tax that we know");
    if (piece->rate && decimal_parse(slice_of(piece->rate), &rate) != ERR_OK)
        return fault_set(a->fault, ERR_INVALID, "tax.rate", "must be a decimal text, as \"19\"");
    if (!piece->amount_minor)
        return fault_set(a->fault, ERR_INVALID, "tax.amount", "must not be 0");
    return ERR_OK;
}

/* Writes the event's data, and reads from it what is asked. */
static enum err read_asked(struct adjusting *a)
{
    const struct json_limits limits = {.bytes = DATA_MAX, .depth = DEPTH};
    struct jsonw w = jsonw_to(&a->data);
    jsonw_object(&w, NULL);
    jsonw_raw(&w, "tax", a->adjustment->tax);
    jsonw_text(&w, "person", a->adjustment->by);
    jsonw_text(&w, "note", a->adjustment->reason);
    jsonw_end(&w);
    enum err err = buf_check(&a->data, a->fault, "tax");
    if (!err)
        err = json_parse(buf_slice(&a->data), limits, &a->json, a->fault);
    if (!err)
        err = json_read(a->json, &asked_table, &a->asked, &a->arena, a->fault);
    for (size_t i = 0; !err && i < a->asked.count; i++)
        err = check_piece(a, &a->asked.pieces[i]);
    return err;
}

/* --- The return ------------------------------------------------------------------------------ */

static enum err check_standing(struct adjusting *a)
{
    struct position position;
    enum err err =
        journal_position(a->db, &a->correlation, &a->arena, &a->position_json, &position, a->fault);
    if (err)
        return err;
    if (!position.created)
        return fault_set(a->fault, ERR_NOT_FOUND, "id", "the books know no such return");
    if (position.standing != STANDING_OPEN)
        return fault_set(a->fault, ERR_REFUSED, "id",
                         "the return isn't accepted: no tax of it is given back");
    return position.tax_not_ours ? fault_set(a->fault, ERR_REFUSED, "id",
                                             "the marketplace collected the tax and reverses it")
                                 : ERR_OK;
}

static enum err read_created(struct adjusting *a)
{
    struct statement *s;
    struct event event;
    bool row;
    enum err err = database_statement(a->db, INGEST_CREATED_OF_RETURN, &s, a->fault);
    if (err)
        return err;
    bind_blob(s, 1, a->correlation.bytes, ID_BYTES);
    err = database_step(a->db, s, &row, a->fault);
    if (err)
        return err;
    err = row ? event_read(column_slice(s, 0), &a->arena, &event, a->fault)
              : fault_set(a->fault, ERR_NOT_FOUND, "id", "there is no such return");
    if (!err)
        err = json_parse(event.data, JSON_LIMITS_DEFAULT, &a->created, a->fault);
    statement_reset(s);
    return err;
}

/* --- How much is left ------------------------------------------------------------------------ */

static int64_t tax_of(const struct cJSON *list, const char *jurisdiction)
{
    int64_t sum = 0;
    for (const struct cJSON *tax = list ? json_first(list) : NULL; tax; tax = json_next(tax)) {
        const char *found = json_member_text(tax, "jurisdiction");
        if (strcmp(found ? found : "", jurisdiction) == 0)
            sum += json_member_int(tax, "amount", 0);
    }
    return sum;
}

/* The tax of a jurisdiction in the data of a sale, of return.created or of tax.adjusted. */
static int64_t tax_within(const struct cJSON *data, const char *jurisdiction)
{
    const struct cJSON *lines = json_member(data, "lines");
    int64_t sum = tax_of(json_member(data, "tax"), jurisdiction);
    for (const struct cJSON *line = lines ? json_first(lines) : NULL; line; line = json_next(line))
        sum += tax_of(json_member(line, "tax"), jurisdiction);
    return sum;
}

struct given {
    int64_t own; /* by this return */
    int64_t all; /* by all that stand, of this sale */
};

static enum err add_event(struct adjusting *a, struct slice body, const char *jurisdiction,
                          struct given *given)
{
    struct cJSON *data CLEANUP(json_cleanup) = NULL;
    struct event event;
    enum err err = event_read(body, &a->arena, &event, a->fault);
    if (!err)
        err = json_parse(event.data, JSON_LIMITS_DEFAULT, &data, a->fault);
    if (err)
        return err;
    int64_t amount_minor = tax_within(data, jurisdiction);
    given->all += amount_minor;
    if (id_equal(&event.correlation, &a->correlation))
        given->own += amount_minor;
    return ERR_OK;
}

static enum err sum_given(struct adjusting *a, const char *jurisdiction, struct given *given)
{
    const char *receipt = json_member_text(a->created, "receipt");
    struct statement *s;
    bool row = true;
    *given = (struct given){0};
    enum err err = database_statement(a->db, INGEST_TAX_GIVEN_BACK, &s, a->fault);
    if (err)
        return err;
    bind_blob(s, 1, a->correlation.bytes, ID_BYTES);
    bind_text(s, 2, receipt ? receipt : "");
    while (!err && (err = database_step(a->db, s, &row, a->fault)) == ERR_OK && row)
        err = add_event(a, column_slice(s, 0), jurisdiction, given);
    statement_reset(s);
    return err;
}

static enum err check_jurisdiction(struct adjusting *a, const char *jurisdiction)
{
    const struct cJSON *sale = json_member(a->created, "sale");
    struct given given;
    int64_t more = 0;
    for (size_t i = 0; i < a->asked.count; i++)
        if (strcmp(a->asked.pieces[i].jurisdiction, jurisdiction) == 0)
            more += a->asked.pieces[i].amount_minor;
    enum err err = sum_given(a, jurisdiction, &given);
    if (err)
        return err;
    if (given.own + more < 0)
        return fault_set(a->fault, ERR_REFUSED, "tax",
                         "of the tax of %.64s this return gave back %" PRId64 ", no more than that "
                         "can be taken back",
                         jurisdiction, given.own);
    if (!sale || !json_member(sale, "lines") || more <= 0)
        return ERR_OK;
    int64_t charged = tax_within(sale, jurisdiction);
    return given.all + more <= charged
               ? ERR_OK
               : fault_set(a->fault, ERR_REFUSED, "tax",
                           "tax_exceeds_charged: of the tax of %.64s the sale has %" PRId64
                           ", and %" PRId64 " were given back",
                           jurisdiction, charged, given.all);
}

/* --- Recording ------------------------------------------------------------------------------- */

static enum err record(struct adjusting *a, struct told *told)
{
    char device[DEVICE_ID_MAX + 1] = "";
    bool known = false;
    const struct centre_fact fact = {.correlation = a->correlation,
                                     .type = EVENT_TAX_ADJUSTED,
                                     .data = buf_slice(&a->data),
                                     .now_ms = a->adjustment->now_ms,
                                     .key = a->adjustment->key};
    enum err err = centre_knows(a->db, &fact, &known, a->fault);
    if (!err && !known)
        err = check_standing(a);
    for (size_t i = 0; !err && !known && i < a->asked.count; i++)
        err = check_jurisdiction(a, a->asked.pieces[i].jurisdiction);
    if (!err && !known)
        err = centre_record(a->db, &fact, device, a->fault);
    if (!err)
        told_add(told, device);
    return err;
}

enum err adjustment_record(struct database *db, const struct adjustment *adjustment,
                           struct told *told, struct fault *fault)
{
    struct adjusting a = {.db = db, .adjustment = adjustment, .fault = fault};
    arena_init(&a.arena, ARENA_MAX);
    buf_init(&a.data, DATA_MAX);
    enum err err = id_parse(slice_of(adjustment->return_id), &a.correlation) == ERR_OK
                       ? read_asked(&a)
                       : fault_set(fault, ERR_NOT_FOUND, "id", "must be the id of a return");
    if (!err)
        err = read_created(&a);
    if (!err)
        err = record(&a, told);
    json_free(a.created);
    json_free(a.position_json);
    json_free(a.json);
    buf_free(&a.data);
    arena_free(&a.arena);
    return err;
}
