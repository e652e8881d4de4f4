#include "sync/hub/connect/goods_received.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "hal/base/sha256.h"
#include "sync/contract/money.h"
#include "sync/hub/connect/acceptance.h"
#include "sync/hub/connect/claim.h"
#include "sync/hub/connect/order_work.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { KEY_BYTES = 160 };

struct notice {
    const char *return_id;
    const char *notice;
    struct order_line *lines;
    size_t line_count;
};

static const struct json_field notice_fields[] = {
    ORDER_NAME("return", JSON_REQUIRED, struct notice, return_id),
    ORDER_NAME("notice", JSON_OPTIONAL, struct notice, notice),
    ORDER_LINES(&order_line_table, struct notice),
};
static const struct json_table notice_table = {
    notice_fields, sizeof notice_fields / sizeof *notice_fields, sizeof(struct notice), true};

/* A notice at work. */
struct receiving {
    struct order_work work;
    struct notice document;
};

/* The centre pays out by itself what it accepted: not for goods that were never sold. */
static enum err check_goods(const struct receiving *r)
{
    const struct cJSON *line = json_first(json_member(r->work.json, "lines"));
    for (; line; line = json_next(line)) {
        const char *condition = json_member_text(line, "condition");
        if (condition && strcmp(condition, "wrong_goods") == 0)
            return fault_set(r->work.fault, ERR_REFUSED, "lines",
                             "wrong_goods: a store must decide on what was never sold");
    }
    return ERR_OK;
}

/* What comes of a return that finance took back is not paid for. */
static enum err check_stands(const struct receiving *r, const struct id *correlation)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(r->work.db, INGEST_RETURN_VOIDED, &s, r->work.fault);
    if (err)
        return err;
    bind_blob(s, 1, correlation->bytes, ID_BYTES);
    err = database_step(r->work.db, s, &row, r->work.fault);
    if (err)
        return err;
    statement_reset(s);
    return row ? fault_set(r->work.fault, ERR_REFUSED, "return",
                           "it was taken back; authorise it anew, or give the goods back")
               : ERR_OK;
}

/* The return by id or number; one that was only authorised, by its id, is accepted now. */
static enum err find_return(struct receiving *r, struct id *correlation)
{
    struct statement *s;
    bool row;
    bool is_id = id_parse(slice_of(r->document.return_id), correlation) == ERR_OK;
    enum err err = database_statement(r->work.db, INGEST_RETURN_FIND, &s, r->work.fault);
    if (err)
        return err;
    bind_text(s, 1, r->document.return_id);
    if (is_id)
        bind_blob(s, 2, correlation->bytes, ID_BYTES);
    err = database_step(r->work.db, s, &row, r->work.fault);
    if (!err && row)
        err = column_bytes(s, 0, correlation->bytes, ID_BYTES);
    bool own = !row || slice_is(column_slice(s, 1), CENTRE_DEVICE);
    statement_reset(s);
    if (!err && own)
        err = check_goods(r);
    if (!err && own && row)
        err = check_stands(r, correlation);
    if (err || row)
        return err;
    if (!is_id)
        return fault_set(r->work.fault, ERR_NOT_FOUND, "return", "is not known");
    return acceptance_record(r->work.db, correlation, r->work.order->now_ms, r->work.order->told,
                             r->work.fault);
}

/* The lines as they came, without what names the return. */
static enum err write_received(struct receiving *r, struct buf *data)
{
    struct jsonw j = jsonw_to(data);
    struct buf lines CLEANUP(buf_free);
    buf_init(&lines, ORDER_BYTES_MAX);
    json_print(json_member(r->work.json, "lines"), &lines);
    jsonw_object(&j, NULL);
    jsonw_raw(&j, "lines", buf_slice(&lines));
    jsonw_end(&j);
    return buf_check(data, r->work.fault, "lines");
}

static void name_notice(const struct receiving *r, struct slice data, char key[static KEY_BYTES])
{
    char text[SHA256_TEXT + 1];
    const struct sha256 hash = sha256_of(data);
    sha256_format(&hash, text);
    if (r->document.notice)
        (void)snprintf(key, KEY_BYTES, "notice/%s", r->document.notice);
    else if (r->work.order->key)
        (void)snprintf(key, KEY_BYTES, "key/%s", r->work.order->key);
    else
        (void)snprintf(key, KEY_BYTES, "content/%s", text);
}

static enum err receive(struct receiving *r)
{
    struct buf data CLEANUP(buf_free);
    struct id correlation;
    char device[DEVICE_ID_MAX + 1] = "";
    char id[ID_TEXT + 1];
    char key[KEY_BYTES];
    bool known = false;
    buf_init(&data, ORDER_BYTES_MAX);
    enum err err = find_return(r, &correlation);
    if (!err)
        err = write_received(r, &data);
    name_notice(r, buf_slice(&data), key);
    const struct centre_fact fact = {.correlation = correlation,
                                     .type = EVENT_ITEM_RECEIVED,
                                     .data = buf_slice(&data),
                                     .now_ms = r->work.order->now_ms,
                                     .key = key};
    if (!err)
        err = order_work_known(&r->work, &fact, r->document.notice ? "notice" : "Idempotency-Key",
                               &known);
    if (!err && !known)
        err = centre_record(r->work.db, &fact, device, r->work.fault);
    if (err)
        return err;
    told_add(r->work.order->told, device);
    id_format(&correlation, id);
    (void)snprintf(r->work.order->subject, sizeof r->work.order->subject, "%s", id);
    struct jsonw j = jsonw_to(r->work.order->answer);
    jsonw_object(&j, NULL);
    jsonw_text(&j, "return_id", id);
    jsonw_bool(&j, "known", known);
    jsonw_end(&j);
    return ERR_OK;
}

enum err goods_received_take(struct database *db, struct order *order, struct fault *fault)
{
    struct receiving r = {0};
    enum err err = order_work_open(&r.work, db, order, &notice_table, &r.document, fault);
    if (!err)
        err = receive(&r);
    order_work_close(&r.work);
    return err;
}
