#include "sync/hub/connect/order.h"
#include "hal/base/jsonw.h"
#include "hal/base/sha256.h"
#include "sync/contract/money.h"
#include "sync/hub/connect/claim.h"
#include "sync/hub/connect/order_work.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stddef.h>
#include <stdio.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

struct sold_line {
    int64_t line;
    int64_t quantity;
    int64_t amount_minor;
};

struct tender {
    int64_t tender;
    const char *type;
    int64_t amount_minor;
};

/* Of a sale that was made elsewhere. */
struct sale {
    const char *receipt;
    const char *order;
    const char *store;
    const char *currency;
    int64_t sold_at_ms;
    bool prices_include_tax;
    struct sold_line *lines;
    size_t line_count;
    struct tender *tenders;
    size_t tender_count;
};

static const struct json_field line_fields[] = {
    ORDER_WHOLE("line", 0, struct sold_line, line),
    ORDER_WHOLE("quantity", 1, struct sold_line, quantity),
    ORDER_WHOLE("amount", 0, struct sold_line, amount_minor),
};
static const struct json_table line_table = {line_fields, COUNT(line_fields),
                                             sizeof(struct sold_line), true};

static const struct json_field tender_fields[] = {
    ORDER_WHOLE("tender", 0, struct tender, tender),
    ORDER_NAME("type", JSON_REQUIRED, struct tender, type),
    {.name = "amount",
     .kind = JSON_INT,
     .offset = offsetof(struct tender, amount_minor),
     .min = -MONEY_MAX_MINOR,
     .max = MONEY_MAX_MINOR},
};
static const struct json_table tender_table = {tender_fields, COUNT(tender_fields),
                                               sizeof(struct tender), true};

static const struct json_field sale_fields[] = {
    ORDER_NAME("receipt", JSON_REQUIRED, struct sale, receipt),
    ORDER_NAME("order", JSON_OPTIONAL, struct sale, order),
    ORDER_NAME("store", JSON_REQUIRED, struct sale, store),
    {.name = "currency",
     .kind = JSON_TEXT,
     .offset = offsetof(struct sale, currency),
     .min = 3,
     .max = 3},
    {.name = "sold_at", .kind = JSON_TIME, .offset = offsetof(struct sale, sold_at_ms)},
    {.name = "prices_include_tax",
     .kind = JSON_FLAG,
     .offset = offsetof(struct sale, prices_include_tax)},
    ORDER_LINES(&line_table, struct sale),
    {.name = "tenders",
     .kind = JSON_LIST,
     .offset = offsetof(struct sale, tenders),
     .max = 50,
     .items = &tender_table,
     .count_offset = offsetof(struct sale, tender_count)},
};
static const struct json_table sale_table = {sale_fields, COUNT(sale_fields), sizeof(struct sale),
                                             true};

/* A sale at work. */
struct taking {
    struct order_work work;
    struct sale sale;
};

static enum err check_sale(const struct taking *t)
{
    const struct sale *sale = &t->sale;
    if (!currency_find(slice_of(sale->currency)))
        return fault_set(t->work.fault, ERR_INVALID, "currency", "is not an ISO 4217 code");
    for (size_t i = 0; i < sale->line_count; i++)
        for (size_t k = 0; k < i; k++)
            if (sale->lines[i].line == sale->lines[k].line)
                return fault_set(t->work.fault, ERR_INVALID, "lines",
                                 "line %lld stands there twice", (long long)sale->lines[i].line);
    return ERR_OK;
}

static enum err find_pushed(struct taking *t, const struct sha256 *hash, bool *known)
{
    struct statement *s;
    struct sha256 stored;
    enum err err = database_statement(t->work.db, INGEST_PUSHED_SALE_FIND, &s, t->work.fault);
    if (err)
        return err;
    bind_text(s, 1, t->sale.receipt);
    err = database_step(t->work.db, s, known, t->work.fault);
    if (err || !*known)
        return err;
    bool same =
        column_bytes(s, 0, stored.bytes, SHA256_BYTES) == ERR_OK && sha256_equal(&stored, hash);
    statement_reset(s);
    return same ? ERR_OK
                : fault_set(t->work.fault, ERR_CONFLICT, "receipt", "is known with other content");
}

static enum err store_sale(struct taking *t, const struct sha256 *hash)
{
    char subject[sizeof "receipt/" + ORDER_NAME_BYTES];
    struct statement *s;
    int64_t event_no = 0;
    (void)snprintf(subject, sizeof subject, "receipt/%s", t->sale.receipt);
    const struct centre_fact fact = {.correlation = centre_id(NULL, "order", t->sale.receipt),
                                     .subject = subject,
                                     .type = EVENT_SALE_PUSHED,
                                     .data = buf_slice(&t->work.text),
                                     .now_ms = t->work.order->now_ms,
                                     .key = "pushed"};
    enum err err = centre_store(t->work.db, &fact, &t->work.body, &event_no, t->work.fault);
    if (!err)
        err = database_statement(t->work.db, INGEST_PUSHED_SALE_INSERT, &s, t->work.fault);
    if (err)
        return err;
    bind_text(s, 1, t->sale.receipt);
    bind_blob(s, 2, hash->bytes, SHA256_BYTES);
    bind_int(s, 3, event_no);
    return database_run(t->work.db, s, t->work.fault);
}

static void answer_sale(struct taking *t, bool known)
{
    struct jsonw j = jsonw_to(t->work.order->answer);
    jsonw_object(&j, NULL);
    jsonw_text(&j, "receipt", t->sale.receipt);
    jsonw_bool(&j, "known", known);
    jsonw_end(&j);
}

static enum err take_sale(struct taking *t)
{
    const struct sha256 hash = sha256_of(buf_slice(&t->work.text));
    bool known = false;
    (void)snprintf(t->work.order->subject, sizeof t->work.order->subject, "%s", t->sale.receipt);
    enum err err = check_sale(t);
    if (!err)
        err = find_pushed(t, &hash, &known);
    if (!err && !known)
        err = store_sale(t, &hash);
    if (!err && !known)
        err = order_work_push(&t->work, t->sale.store, t->sale.receipt);
    if (!err)
        answer_sale(t, known);
    return err;
}

enum err order_take(struct database *db, struct order *order, struct fault *fault)
{
    struct taking taking = {0};
    enum err err = order_work_open(&taking.work, db, order, &sale_table, &taking.sale, fault);
    if (!err)
        err = take_sale(&taking);
    order_work_close(&taking.work);
    return err;
}
