#include "sync/hub/connect/authorisation.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "sync/contract/money.h"
#include "sync/hub/connect/claim.h"
#include "sync/hub/connect/order_work.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stddef.h>
#include <stdio.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

struct authorisation {
    const char *receipt;
    const char *number;
    int64_t valid_until_ms;
    const struct cJSON *fee;
    struct order_line *lines;
    size_t line_count;
};

static const struct json_field authorisation_fields[] = {
    ORDER_NAME("receipt", JSON_REQUIRED, struct authorisation, receipt),
    ORDER_NAME("number", JSON_REQUIRED, struct authorisation, number),
    {.name = "valid_until",
     .kind = JSON_TIME,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct authorisation, valid_until_ms)},
    {.name = "fee",
     .kind = JSON_ANY,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct authorisation, fee)},
    ORDER_LINES(&order_line_table, struct authorisation),
};
static const struct json_table authorisation_table = {
    authorisation_fields, COUNT(authorisation_fields), sizeof(struct authorisation), true};

/* What is asked of the sale. */
struct sold {
    const char *store;
    struct order_line *lines;
    size_t line_count;
};

static const struct json_field sold_fields[] = {
    ORDER_NAME("store", JSON_REQUIRED, struct sold, store),
    ORDER_LINES(&order_line_table, struct sold),
};
static const struct json_table sold_table = {sold_fields, COUNT(sold_fields), sizeof(struct sold),
                                             true};

/* An authorisation at work. */
struct authorising {
    struct order_work work;
    struct authorisation document;
};

/* As it was agreed. */
struct fee_text {
    const char *rate;
    bool taxed;
};

static const struct json_field fee_fields[] = {
    {.name = "rate", .kind = JSON_TEXT, .offset = offsetof(struct fee_text, rate), .max = 20},
    {.name = "taxed",
     .kind = JSON_FLAG,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct fee_text, taxed)},
};
static const struct json_table fee_table = {fee_fields, COUNT(fee_fields), sizeof(struct fee_text),
                                            false};

enum err authorisation_fee_read(const struct cJSON *json, struct arena *arena,
                                struct acceptance_fee *fee, struct fault *fault)
{
    struct fee_text text = {.rate = ""};
    struct decimal rate = {0};
    enum err err = json_read(json, &fee_table, &text, arena, fault);
    if (err) {
        fault_within(fault, "fee");
        return err;
    }
    bool in_range = decimal_parse(slice_of(text.rate), &rate) == ERR_OK && rate.digits >= 0 &&
                    money_times(1000000, rate) <= 100 * 1000000;
    if (!in_range)
        return fault_set(fault, ERR_INVALID, "fee.rate", "must be a percentage of 0 to 100");
    *fee = (struct acceptance_fee){rate, text.taxed};
    return ERR_OK;
}

struct id authorisation_id(const char *number)
{
    return centre_id(NULL, "authorisation", number);
}

/* The sale's lines and store, as a till recorded it or a shop pushed it. */
static enum err read_sold(struct authorising *a, struct cJSON **json, struct sold *sold)
{
    char subject[sizeof "receipt/" + ORDER_NAME_BYTES];
    struct event event;
    struct statement *s;
    bool row;
    (void)snprintf(subject, sizeof subject, "receipt/%s", a->document.receipt);
    enum err err = database_statement(a->work.db, INGEST_SALE_BY_SUBJECT, &s, a->work.fault);
    if (err)
        return err;
    bind_text(s, 1, subject);
    err = database_step(a->work.db, s, &row, a->work.fault);
    if (err)
        return err;
    if (!row)
        return fault_set(a->work.fault, ERR_NOT_FOUND, "receipt", "no such sale is known");
    err = event_read(column_slice(s, 0), &a->work.arena, &event, a->work.fault);
    if (!err)
        err = json_parse(event.data, JSON_LIMITS_DEFAULT, json, a->work.fault);
    statement_reset(s);
    return err ? err : json_read(*json, &sold_table, sold, &a->work.arena, a->work.fault);
}

static int64_t sold_of(const struct sold *sold, int64_t line)
{
    for (size_t i = 0; i < sold->line_count; i++)
        if (sold->lines[i].line == line)
            return sold->lines[i].quantity;
    return 0;
}

static enum err claim_lines(struct authorising *a, const struct cJSON *sale,
                            const struct sold *sold, const struct id *correlation)
{
    struct claim_line lines[CLAIM_LINES_MAX];
    const struct authorisation *d = &a->document;
    for (size_t i = 0; i < d->line_count; i++)
        lines[i] = (struct claim_line){.line = d->lines[i].line,
                                       .quantity = d->lines[i].quantity,
                                       .sold = sold_of(sold, d->lines[i].line),
                                       .item = claim_item_of_sale(sale, d->lines[i].line)};
    const struct claim claim = {.correlation = *correlation,
                                .receipt = d->receipt,
                                .number = d->number,
                                .lines = lines,
                                .count = d->line_count,
                                .expires_ms = d->valid_until_ms,
                                .now_ms = a->work.order->now_ms,
                                .told = a->work.order->told};
    return claim_authorise(a->work.db, &claim, a->work.fault);
}

static enum err store_authorised(struct authorising *a, const struct centre_fact *fact)
{
    struct cJSON *json CLEANUP(json_cleanup) = NULL;
    struct sold sold = {0};
    struct acceptance_fee fee;
    int64_t event_no;
    enum err err = a->document.fee ? authorisation_fee_read(a->document.fee, &a->work.arena, &fee,
                                                            a->work.fault)
                                   : ERR_OK;
    if (!err)
        err = read_sold(a, &json, &sold);
    if (!err)
        err = claim_lines(a, json, &sold, &fact->correlation);
    if (!err)
        err = centre_store(a->work.db, fact, &a->work.body, &event_no, a->work.fault);
    return err ? err : order_work_push(&a->work, sold.store, NULL);
}

static enum err authorise(struct authorising *a)
{
    char id[ID_TEXT + 1];
    bool known = false;
    const struct centre_fact fact = {.correlation = authorisation_id(a->document.number),
                                     .type = EVENT_RETURN_AUTHORISED,
                                     .data = buf_slice(&a->work.text),
                                     .now_ms = a->work.order->now_ms,
                                     .key = "authorised"};
    (void)snprintf(a->work.order->subject, sizeof a->work.order->subject, "%s", a->document.number);
    enum err err = order_work_known(&a->work, &fact, "number", &known);
    if (!err && !known)
        err = store_authorised(a, &fact);
    if (err)
        return err;
    id_format(&fact.correlation, id);
    struct jsonw j = jsonw_to(a->work.order->answer);
    jsonw_object(&j, NULL);
    jsonw_text(&j, "return_id", id);
    jsonw_text(&j, "number", a->document.number);
    jsonw_bool(&j, "known", known);
    jsonw_end(&j);
    return ERR_OK;
}

enum err authorisation_take(struct database *db, struct order *order, struct fault *fault)
{
    struct authorising a = {0};
    enum err err = order_work_open(&a.work, db, order, &authorisation_table, &a.document, fault);
    if (!err)
        err = authorise(&a);
    order_work_close(&a.work);
    return err;
}
