#include "sync/hub/connect/order.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "hal/base/sha256.h"
#include "sync/contract/money.h"
#include "sync/hub/connect/acceptance.h"
#include "sync/hub/connect/claim.h"
#include "sync/hub/ingest/inbox.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stddef.h>
#include <stdio.h>

enum {
    NAME_BYTES = 64,
    KEY_BYTES = 160,
    LINES_MAX = CLAIM_LINES_MAX,
    ARENA_MAX = 512 * 1024,
    DEPTH = 8
};

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define NAME(field, need, type, member)                                                            \
    {                                                                                              \
        .name = (field), .kind = JSON_TEXT, .presence = (need), .offset = offsetof(type, member),  \
        .min = 1, .max = NAME_BYTES                                                                \
    }
#define WHOLE(field, least, type, member)                                                          \
    {                                                                                              \
        .name = (field), .kind = JSON_INT, .offset = offsetof(type, member), .min = (least),       \
        .max = MONEY_MAX_MINOR                                                                     \
    }

struct order_line {
    int64_t line;
    int64_t quantity;
    int64_t amount_minor;
};

struct order_tender {
    int64_t tender;
    const char *type;
    int64_t amount_minor;
};

struct document {
    const char *receipt;
    const char *order;
    const char *store;
    const char *number;
    const char *return_id;
    const char *notice;
    const char *currency;
    int64_t at_ms;
    bool prices_include_tax;
    struct order_line *lines;
    size_t line_count;
    struct order_tender *tenders;
    size_t tender_count;
};

static const struct json_field line_fields[] = {WHOLE("line", 0, struct order_line, line),
                                                WHOLE("quantity", 1, struct order_line, quantity)};
static const struct json_field sold_fields[] = {
    WHOLE("line", 0, struct order_line, line), WHOLE("quantity", 1, struct order_line, quantity),
    WHOLE("amount", 0, struct order_line, amount_minor)};
static const struct json_field tender_fields[] = {
    WHOLE("tender", 0, struct order_tender, tender),
    NAME("type", JSON_REQUIRED, struct order_tender, type),
    {.name = "amount",
     .kind = JSON_INT,
     .offset = offsetof(struct order_tender, amount_minor),
     .min = -MONEY_MAX_MINOR,
     .max = MONEY_MAX_MINOR}};

static const struct json_table line_table = {line_fields, COUNT(line_fields),
                                             sizeof(struct order_line), true};
static const struct json_table sold_table = {sold_fields, COUNT(sold_fields),
                                             sizeof(struct order_line), true};
static const struct json_table tender_table = {tender_fields, COUNT(tender_fields),
                                               sizeof(struct order_tender), true};

#define LINES(table)                                                                               \
    {                                                                                              \
        .name = "lines", .kind = JSON_LIST, .offset = offsetof(struct document, lines), .min = 1,  \
        .max = LINES_MAX, .items = &(table), .count_offset = offsetof(struct document, line_count) \
    }

static const struct json_field sale_fields[] = {
    NAME("receipt", JSON_REQUIRED, struct document, receipt),
    NAME("order", JSON_OPTIONAL, struct document, order),
    NAME("store", JSON_REQUIRED, struct document, store),
    {.name = "currency",
     .kind = JSON_TEXT,
     .offset = offsetof(struct document, currency),
     .min = 3,
     .max = 3},
    {.name = "sold_at", .kind = JSON_TIME, .offset = offsetof(struct document, at_ms)},
    {.name = "prices_include_tax",
     .kind = JSON_FLAG,
     .offset = offsetof(struct document, prices_include_tax)},
    LINES(sold_table),
    {.name = "tenders",
     .kind = JSON_LIST,
     .offset = offsetof(struct document, tenders),
     .max = 50,
     .items = &tender_table,
     .count_offset = offsetof(struct document, tender_count)},
};
static const struct json_field authorise_fields[] = {
    NAME("receipt", JSON_REQUIRED, struct document, receipt),
    NAME("number", JSON_REQUIRED, struct document, number),
    {.name = "valid_until",
     .kind = JSON_TIME,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct document, at_ms)},
    LINES(line_table),
};
static const struct json_field receive_fields[] = {
    NAME("return", JSON_REQUIRED, struct document, return_id),
    NAME("notice", JSON_OPTIONAL, struct document, notice),
    LINES(line_table),
};

static const struct json_table sale_table = {sale_fields, COUNT(sale_fields),
                                             sizeof(struct document), true};
static const struct json_table authorise_table = {authorise_fields, COUNT(authorise_fields),
                                                  sizeof(struct document), true};
static const struct json_table receive_table = {receive_fields, COUNT(receive_fields),
                                                sizeof(struct document), true};

/* A document at work. */
struct intake_work {
    struct database *db;
    struct order *order;
    struct cJSON *json;
    struct arena arena;
    struct document document;
    struct buf text; /* the document, however it was spaced */
    struct buf body; /* of the event made of it */
    struct fault *fault;
};

static enum err open_work(struct intake_work *w, struct database *db, struct order *order,
                          const struct json_table *table, struct fault *fault)
{
    const struct json_limits limits = {.bytes = ORDER_BYTES_MAX, .depth = DEPTH};
    *w = (struct intake_work){.db = db, .order = order, .fault = fault};
    arena_init(&w->arena, ARENA_MAX);
    buf_init(&w->body, EVENT_BODY_MAX);
    buf_init(&w->text, ORDER_BYTES_MAX);
    enum err err = json_parse(order->text, limits, &w->json, fault);
    if (!err)
        err = json_read(w->json, table, &w->document, &w->arena, fault);
    if (err)
        return err;
    json_print(w->json, &w->text);
    return buf_check(&w->text, fault, "document");
}

static void close_work(struct intake_work *w)
{
    json_free(w->json);
    buf_free(&w->text);
    buf_free(&w->body);
    arena_free(&w->arena);
}

/* The document again, or another under the name that `field` gave. */
static enum err is_known(struct intake_work *w, const struct centre_fact *fact, const char *field,
                         bool *known)
{
    enum err err = centre_knows(w->db, fact, known, w->fault);
    return err == ERR_CONFLICT
               ? fault_set(w->fault, ERR_CONFLICT, field, "is known with other content")
               : err;
}

/* --- Pushing --------------------------------------------------------------------------------- */

static void add_told(void *context, const char *device)
{
    told_add(context, device);
}

/* Tells the stores of the list, or the one given. */
static enum err push(struct intake_work *w, const char *store)
{
    const struct order *order = w->order;
    const char *at = order->stores ? order->stores : store;
    enum err err = ERR_OK;
    for (int i = 0; !err && at && *at && i < ORDER_STORES_MAX; i++) {
        char name[NAME_BYTES + 1];
        const char *comma = strchr(at, ',');
        size_t len = comma ? (size_t)(comma - at) : strlen(at);
        if (len > NAME_BYTES)
            return fault_set(w->fault, ERR_INVALID, "stores", "must be store numbers with commas");
        memcpy(name, at, len);
        name[len] = '\0';
        err = centre_tell_store(w->db, name, buf_slice(&w->body), order->now_ms, add_told,
                                order->told, w->fault);
        at = comma ? comma + 1 : NULL;
    }
    return err;
}

/* --- Orders ---------------------------------------------------------------------------------- */

static enum err check_sale(const struct intake_work *w)
{
    const struct document *d = &w->document;
    if (!currency_find(slice_of(d->currency)))
        return fault_set(w->fault, ERR_INVALID, "currency", "is not an ISO 4217 code");
    for (size_t i = 0; i < d->line_count; i++)
        for (size_t k = 0; k < i; k++)
            if (d->lines[i].line == d->lines[k].line)
                return fault_set(w->fault, ERR_INVALID, "lines", "line %lld stands there twice",
                                 (long long)d->lines[i].line);
    return ERR_OK;
}

static enum err find_pushed(struct intake_work *w, const struct sha256 *hash, bool *known)
{
    struct statement *s;
    struct sha256 stored;
    enum err err = database_statement(w->db, INGEST_PUSHED_SALE_FIND, &s, w->fault);
    if (err)
        return err;
    bind_text(s, 1, w->document.receipt);
    err = database_step(w->db, s, known, w->fault);
    if (err || !*known)
        return err;
    bool same =
        column_bytes(s, 0, stored.bytes, SHA256_BYTES) == ERR_OK && sha256_equal(&stored, hash);
    statement_reset(s);
    return same ? ERR_OK
                : fault_set(w->fault, ERR_CONFLICT, "receipt", "is known with other content");
}

static enum err store_sale(struct intake_work *w, const struct sha256 *hash)
{
    char subject[sizeof "receipt/" + NAME_BYTES];
    struct statement *s;
    int64_t event_no = 0;
    (void)snprintf(subject, sizeof subject, "receipt/%s", w->document.receipt);
    const struct centre_fact fact = {.correlation = centre_id(NULL, "order", w->document.receipt),
                                     .subject = subject,
                                     .type = EVENT_SALE_PUSHED,
                                     .data = buf_slice(&w->text),
                                     .now_ms = w->order->now_ms,
                                     .key = "pushed"};
    enum err err = centre_store(w->db, &fact, &w->body, &event_no, w->fault);
    if (!err)
        err = database_statement(w->db, INGEST_PUSHED_SALE_INSERT, &s, w->fault);
    if (err)
        return err;
    bind_text(s, 1, w->document.receipt);
    bind_blob(s, 2, hash->bytes, SHA256_BYTES);
    bind_int(s, 3, event_no);
    return database_run(w->db, s, w->fault);
}

static void answer_sale(struct intake_work *w, bool known)
{
    struct jsonw j = jsonw_to(w->order->answer);
    jsonw_object(&j, NULL);
    jsonw_text(&j, "receipt", w->document.receipt);
    jsonw_bool(&j, "known", known);
    jsonw_end(&j);
}

static enum err take_sale(struct intake_work *w)
{
    const struct sha256 hash = sha256_of(buf_slice(&w->text));
    bool known = false;
    (void)snprintf(w->order->subject, sizeof w->order->subject, "%s", w->document.receipt);
    enum err err = check_sale(w);
    if (!err)
        err = find_pushed(w, &hash, &known);
    if (!err && !known)
        err = store_sale(w, &hash);
    if (!err && !known)
        err = push(w, w->document.store);
    if (!err)
        answer_sale(w, known);
    return err;
}

enum err order_take(struct database *db, struct order *order, struct fault *fault)
{
    struct intake_work w;
    enum err err = open_work(&w, db, order, &sale_table, fault);
    if (!err)
        err = take_sale(&w);
    close_work(&w);
    return err;
}

/* --- Authorisations -------------------------------------------------------------------------- */

/* The sale's lines and store, as a till recorded it or a shop pushed it. */
static enum err read_sold(struct intake_work *w, struct cJSON **json, struct document *sold)
{
    char subject[sizeof "receipt/" + NAME_BYTES];
    struct event event;
    struct statement *s;
    bool row;
    (void)snprintf(subject, sizeof subject, "receipt/%s", w->document.receipt);
    enum err err = database_statement(w->db, INGEST_SALE_BY_SUBJECT, &s, w->fault);
    if (err)
        return err;
    bind_text(s, 1, subject);
    err = database_step(w->db, s, &row, w->fault);
    if (err)
        return err;
    if (!row)
        return fault_set(w->fault, ERR_NOT_FOUND, "receipt", "no such sale is known");
    err = event_read(column_slice(s, 0), &w->arena, &event, w->fault);
    if (!err)
        err = json_parse(event.data, JSON_LIMITS_DEFAULT, json, w->fault);
    statement_reset(s);
    return err ? err : json_read(*json, &sale_table, sold, &w->arena, w->fault);
}

static int64_t sold_of(const struct document *sold, int64_t line)
{
    for (size_t i = 0; i < sold->line_count; i++)
        if (sold->lines[i].line == line)
            return sold->lines[i].quantity;
    return 0;
}

static enum err claim_lines(struct intake_work *w, const struct document *sold,
                            const struct id *correlation)
{
    struct claim_line lines[LINES_MAX];
    const struct document *d = &w->document;
    for (size_t i = 0; i < d->line_count; i++)
        lines[i] = (struct claim_line){d->lines[i].line, d->lines[i].quantity,
                                       sold_of(sold, d->lines[i].line)};
    const struct claim claim = {.correlation = *correlation,
                                .receipt = d->receipt,
                                .number = d->number,
                                .lines = lines,
                                .count = d->line_count,
                                .now_ms = w->order->now_ms,
                                .told = w->order->told};
    return claim_authorise(w->db, &claim, w->fault);
}

struct id order_authorisation_id(const char *number)
{
    return centre_id(NULL, "authorisation", number);
}

static enum err store_authorised(struct intake_work *w, const struct centre_fact *fact)
{
    struct cJSON *json CLEANUP(json_cleanup) = NULL;
    struct document sold = {0};
    int64_t event_no;
    enum err err = read_sold(w, &json, &sold);
    if (!err)
        err = claim_lines(w, &sold, &fact->correlation);
    if (!err)
        err = centre_store(w->db, fact, &w->body, &event_no, w->fault);
    return err ? err : push(w, sold.store);
}

static enum err authorise(struct intake_work *w)
{
    char id[ID_TEXT + 1];
    bool known = false;
    const struct centre_fact fact = {.correlation = order_authorisation_id(w->document.number),
                                     .type = EVENT_RETURN_AUTHORISED,
                                     .data = buf_slice(&w->text),
                                     .now_ms = w->order->now_ms,
                                     .key = "authorised"};
    (void)snprintf(w->order->subject, sizeof w->order->subject, "%s", w->document.number);
    enum err err = is_known(w, &fact, "number", &known);
    if (!err && !known)
        err = store_authorised(w, &fact);
    if (err)
        return err;
    id_format(&fact.correlation, id);
    struct jsonw j = jsonw_to(w->order->answer);
    jsonw_object(&j, NULL);
    jsonw_text(&j, "return_id", id);
    jsonw_text(&j, "number", w->document.number);
    jsonw_bool(&j, "known", known);
    jsonw_end(&j);
    return ERR_OK;
}

enum err order_authorise(struct database *db, struct order *order, struct fault *fault)
{
    struct intake_work w;
    enum err err = open_work(&w, db, order, &authorise_table, fault);
    if (!err)
        err = authorise(&w);
    close_work(&w);
    return err;
}

/* --- Goods received -------------------------------------------------------------------------- */

/* The centre pays out by itself what it accepted: not for goods that were never sold. */
static enum err check_goods(const struct intake_work *w)
{
    const struct cJSON *line = json_first(json_member(w->json, "lines"));
    for (; line; line = json_next(line)) {
        const char *condition = json_member_text(line, "condition");
        if (condition && strcmp(condition, "wrong_goods") == 0)
            return fault_set(w->fault, ERR_REFUSED, "lines",
                             "wrong_goods: a store must decide on what was never sold");
    }
    return ERR_OK;
}

/* The return by id or number; one that was only authorised, by its id, is accepted now. */
static enum err find_return(struct intake_work *w, struct id *correlation)
{
    struct statement *s;
    bool row;
    bool is_id = id_parse(slice_of(w->document.return_id), correlation) == ERR_OK;
    enum err err = database_statement(w->db, INGEST_RETURN_FIND, &s, w->fault);
    if (err)
        return err;
    bind_text(s, 1, w->document.return_id);
    if (is_id)
        bind_blob(s, 2, correlation->bytes, ID_BYTES);
    err = database_step(w->db, s, &row, w->fault);
    if (!err && row)
        err = column_bytes(s, 0, correlation->bytes, ID_BYTES);
    bool own = !row || slice_is(column_slice(s, 1), CENTRE_DEVICE);
    statement_reset(s);
    if (!err && own)
        err = check_goods(w);
    if (err || row)
        return err;
    if (!is_id)
        return fault_set(w->fault, ERR_NOT_FOUND, "return", "is not known");
    return acceptance_record(w->db, correlation, w->order->now_ms, w->order->told, w->fault);
}

/* The lines as they came, without what names the return. */
static enum err write_received(struct intake_work *w, struct buf *data)
{
    struct jsonw j = jsonw_to(data);
    struct buf lines CLEANUP(buf_free);
    buf_init(&lines, ORDER_BYTES_MAX);
    json_print(json_member(w->json, "lines"), &lines);
    jsonw_object(&j, NULL);
    jsonw_raw(&j, "lines", buf_slice(&lines));
    jsonw_end(&j);
    return buf_check(data, w->fault, "lines");
}

static void name_notice(const struct intake_work *w, struct slice data, char key[static KEY_BYTES])
{
    char text[SHA256_TEXT + 1];
    const struct sha256 hash = sha256_of(data);
    sha256_format(&hash, text);
    if (w->document.notice)
        (void)snprintf(key, KEY_BYTES, "notice/%s", w->document.notice);
    else if (w->order->key)
        (void)snprintf(key, KEY_BYTES, "key/%s", w->order->key);
    else
        (void)snprintf(key, KEY_BYTES, "content/%s", text);
}

static enum err receive(struct intake_work *w)
{
    struct buf data CLEANUP(buf_free);
    struct id correlation;
    char device[DEVICE_ID_MAX + 1] = "";
    char id[ID_TEXT + 1];
    char key[KEY_BYTES];
    bool known = false;
    buf_init(&data, ORDER_BYTES_MAX);
    enum err err = find_return(w, &correlation);
    if (!err)
        err = write_received(w, &data);
    name_notice(w, buf_slice(&data), key);
    const struct centre_fact fact = {.correlation = correlation,
                                     .type = EVENT_ITEM_RECEIVED,
                                     .data = buf_slice(&data),
                                     .now_ms = w->order->now_ms,
                                     .key = key};
    if (!err)
        err = is_known(w, &fact, w->document.notice ? "notice" : "Idempotency-Key", &known);
    if (!err && !known)
        err = centre_record(w->db, &fact, device, w->fault);
    if (err)
        return err;
    told_add(w->order->told, device);
    id_format(&correlation, id);
    (void)snprintf(w->order->subject, sizeof w->order->subject, "%s", id);
    struct jsonw j = jsonw_to(w->order->answer);
    jsonw_object(&j, NULL);
    jsonw_text(&j, "return_id", id);
    jsonw_bool(&j, "known", known);
    jsonw_end(&j);
    return ERR_OK;
}

enum err order_receive(struct database *db, struct order *order, struct fault *fault)
{
    struct intake_work w;
    enum err err = open_work(&w, db, order, &receive_table, fault);
    if (!err)
        err = receive(&w);
    close_work(&w);
    return err;
}
