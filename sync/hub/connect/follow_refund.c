#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "sync/hub/connect/acceptance.h"
#include "sync/hub/connect/expected.h"
#include "sync/hub/connect/follow.h"
#include "sync/hub/connect/payment.h"
#include "sync/hub/connect/unpaid.h"
#include "sync/hub/ingest/gift_card.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DATA_MAX = 4096 };

/* --- What is expected ------------------------------------------------------------------------ */

/* Cash, vouchers and the like are settled when they are handed over. */
static bool settles_elsewhere(const char *tender)
{
    return strcmp(tender, "card") == 0 || strcmp(tender, "wallet") == 0 ||
           strcmp(tender, "online_payment") == 0;
}

/* The token of the payment that this tender was paid by. */
static const char *payment_of(const struct follow *f, int64_t tender_no)
{
    const struct cJSON *refund = f->created ? json_member(f->created, "refund") : NULL;
    const struct cJSON *tender = refund ? json_first(json_member(refund, "tenders")) : NULL;
    for (; tender; tender = json_next(tender))
        if (json_member_int(tender, "tender", -1) == tender_no)
            return follow_text(tender, "reference");
    return "";
}

static enum err read_company(struct follow *f, char company[static EXPECTED_TEXT_MAX + 1])
{
    struct statement *s;
    bool row;
    enum err err = database_statement(f->db, INGEST_COMPANY_OF_RETURN, &s, f->fault);
    if (err)
        return err;
    bind_blob(s, 1, f->event.correlation.bytes, ID_BYTES);
    err = database_step(f->db, s, &row, f->fault);
    if (err)
        return err;
    struct slice found = row ? column_slice(s, 0) : (struct slice){"", 0};
    (void)snprintf(company, EXPECTED_TEXT_MAX + 1, "%.*s", (int)found.len, found.data);
    statement_reset(s);
    return ERR_OK;
}

/* A refund whose payment was charged back before: the customer has the money twice. */
static enum err tell_dual(struct follow *f, int64_t expected_no, const char *payment)
{
    char detail[300];
    char key[EXPECTED_TEXT_MAX * 2];
    char device[DEVICE_ID_MAX + 1];
    (void)snprintf(key, sizeof key, "%" PRId64 "/%.140s", json_member_int(f->data, "position", 0),
                   follow_text(f->data, "refund"));
    (void)snprintf(detail, sizeof detail,
                   "dual_refund: payment %.140s was charged back before it was refunded", payment);
    const struct exception exception = {.code = "dual_refund",
                                        .correlation = f->event.correlation,
                                        .subject = -expected_no,
                                        .key = key,
                                        .detail = detail,
                                        .now_ms = f->now_ms};
    enum err err = exception_raise(f->db, &exception, device, f->fault);
    told_add(f->told, device);
    return err;
}

/* A settlement may have told of it before its store did. */
static enum err look_again(struct follow *f, const char *payment)
{
    struct statement *s;
    enum err err = database_statement(f->db, INGEST_SETTLEMENT_LINE_AGAIN, &s, f->fault);
    if (err)
        return err;
    bind_text(s, 1, follow_text(f->data, "reference"));
    bind_text(s, 2, payment);
    bind_text(s, 3, follow_text(f->data, "refund"));
    bind_text(s, 4, follow_text(f->created, "number"));
    bind_text(s, 5, follow_text(f->created, "receipt"));
    return database_send(f->db, s, f->fault);
}

static void bind_expected(struct statement *s, const struct follow *f, const char *company,
                          const char *payment)
{
    const struct cJSON *data = f->data;
    const struct cJSON *exchange = f->created ? json_member(f->created, "exchange") : NULL;
    int64_t paid_minor = json_member_int(data, "paid", -1);
    bool abroad = exchange && paid_minor >= 0;
    const char *currency =
        abroad ? follow_text(exchange, "currency") : follow_text(data, "currency");
    bind_int(s, 1, f->event_no);
    bind_blob(s, 2, f->event.correlation.bytes, ID_BYTES);
    bind_text(s, 3, company);
    bind_text(s, 4, follow_text(f->created, "number"));
    bind_text(s, 5, follow_text(f->created, "receipt"));
    bind_text(s, 6, follow_text(data, "lane"));
    bind_text(s, 7, follow_text(data, "refund"));
    bind_text(s, 8, follow_text(data, "reference"));
    bind_text(s, 9, payment);
    bind_int(s, 10, json_member_int(data, "tender", 0));
    bind_text(s, 11, follow_text(data, "type"));
    bind_text(s, 12, *currency ? currency : follow_text(f->created, "currency"));
    bind_int(s, 13, abroad ? paid_minor : json_member_int(data, "amount", 0));
    bind_int(s, 14, follow_day(f));
    bind_int(s, 15, json_member_int(data, "position", 0));
    bind_int(s, 16, follow_was_offline(f));
}

static enum err insert_expected(struct follow *f, const char *company, const char *payment)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(f->db, INGEST_EXPECTED_INSERT, &s, f->fault);
    if (err)
        return err;
    bind_expected(s, f, company, payment);
    err = database_step(f->db, s, &row, f->fault);
    if (err)
        return err;
    int64_t expected_no = row ? column_int(s, 0) : 0;
    bool dual = row && (int)column_int(s, 1) != 0;
    statement_reset(s);
    if (row)
        err = look_again(f, payment);
    if (!err)
        err = follow_count(f, "refunded", follow_text(f->created, "currency"),
                           json_member_int(f->data, "amount", 0));
    if (err)
        return err;
    return dual ? tell_dual(f, expected_no, payment) : ERR_OK;
}

/*
 * Money put on a gift card, or taken from it again. The card that the sale was paid by is the
 * issuer's: what is on it besides, nobody here knows.
 */
static enum err follow_card(struct follow *f,
                            enum err (*change)(struct database *db, const struct gift_card *card,
                                               char device[static DEVICE_ID_MAX + 1],
                                               struct fault *fault))
{
    char device[DEVICE_ID_MAX + 1];
    const char *reference = follow_text(f->data, "reference");
    const struct gift_card card = {.reference = reference,
                                   .currency = follow_text(f->created, "currency"),
                                   .amount_minor = json_member_int(f->data, "amount", 0),
                                   .correlation = f->event.correlation,
                                   .now_ms = f->now_ms};
    if (!gift_card_is(follow_text(f->data, "type")) ||
        strcmp(reference, payment_of(f, json_member_int(f->data, "tender", 0))) == 0)
        return ERR_OK;
    enum err err = change(f->db, &card, device, f->fault);
    told_add(f->told, device);
    return err;
}

enum err follow_issued(struct follow *f)
{
    char company[EXPECTED_TEXT_MAX + 1] = "";
    enum err err = follow_measure(f, MEASURE_REFUND, f->event.time_ms);
    if (!err)
        err = follow_paid(f);
    if (!err)
        err = follow_card(f, gift_card_load);
    if (err || !settles_elsewhere(follow_text(f->data, "type")))
        return err;
    err = read_company(f, company);
    return err ? err
               : insert_expected(f, company, payment_of(f, json_member_int(f->data, "tender", 0)));
}

enum err follow_paid(struct follow *f)
{
    enum { DAY_MS = 86400 * 1000 };
    return f->event.time_ms - f->created_ms < DAY_MS
               ? ERR_OK /* as nearly all are */
               : unpaid_end(f->db, &f->event.correlation, f->now_ms, f->fault);
}

/* *missed: people were told that it isn't settled. */
static enum err fail_expected(struct follow *f, int64_t *number, bool *missed)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(f->db, INGEST_EXPECTED_FAIL, &s, f->fault);
    if (err)
        return err;
    bind_blob(s, 1, f->event.correlation.bytes, ID_BYTES);
    bind_text(s, 2, follow_text(f->data, "refund"));
    bind_int(s, 3, json_member_int(f->data, "tender", 0));
    bind_int(s, 4, f->event_no);
    err = database_step(f->db, s, &row, f->fault);
    if (err)
        return err;
    *number = row ? column_int(s, 0) : 0;
    *missed = row && (int)column_int(s, 1) != 0;
    statement_reset(s);
    return ERR_OK;
}

enum err follow_failed(struct follow *f)
{
    int64_t number = 0;
    bool missed = false;
    enum err err = follow_read_created(f);
    if (!err)
        err = follow_card(f, gift_card_void);
    if (!err)
        err = fail_expected(f, &number, &missed);
    const struct expected refund = {.number = number, .correlation = f->event.correlation};
    return err || !missed ? err
                          : expected_found(f->db, &refund, "it failed", f->now_ms, NULL, f->fault);
}

enum err follow_disputed(struct follow *f)
{
    struct statement *s;
    if (follow_is_ours(f) || strcmp(follow_text(f->data, "stage"), "opened") != 0)
        return ERR_OK;
    enum err err = database_statement(f->db, INGEST_EXPECTED_CHARGE_BACK, &s, f->fault);
    if (err)
        return err;
    bind_blob(s, 1, f->event.correlation.bytes, ID_BYTES);
    bind_text(s, 2, follow_text(f->data, "type"));
    return database_send(f->db, s, f->fault);
}

/* --- What the hub pays out ------------------------------------------------------------------- */

enum err follow_requested(struct follow *f)
{
    if (strcmp(follow_text(f->data, "executor"), "hub") != 0)
        return ERR_OK;
    enum err err = follow_read_created(f);
    const struct payment_request request = {.event = f->event.id,
                                            .correlation = f->event.correlation,
                                            .data = f->data,
                                            .created = f->created,
                                            .now_ms = f->now_ms};
    return err ? err : payment_request(f->db, &request, f->fault);
}

static enum err request_tender(struct follow *f, const struct cJSON *tender, int64_t position)
{
    struct buf data CLEANUP(buf_free);
    char device[DEVICE_ID_MAX + 1] = "";
    char key[32];
    buf_init(&data, DATA_MAX);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "position", position);
    jsonw_int(&w, "tender", json_member_int(tender, "tender", 0));
    jsonw_text(&w, "type", follow_text(tender, "type"));
    jsonw_int(&w, "amount", json_member_int(tender, "amount", 0));
    jsonw_text(&w, "currency", follow_text(f->created, "currency"));
    jsonw_text(&w, "executor", "hub");
    if (*follow_text(tender, "reference"))
        jsonw_text(&w, "reference", follow_text(tender, "reference"));
    jsonw_end(&w);
    (void)snprintf(key, sizeof key, "%" PRId64, position);
    const struct centre_fact fact = {.correlation = f->event.correlation,
                                     .type = EVENT_REFUND_REQUESTED,
                                     .data = buf_slice(&data),
                                     .now_ms = f->now_ms,
                                     .key = key};
    enum err err = buf_check(&data, f->fault, "refund");
    if (!err)
        err = centre_record(f->db, &fact, device, f->fault);
    told_add(f->told, device);
    return err;
}

static enum err request_planned(struct follow *f)
{
    enum err err = ERR_OK;
    const struct cJSON *refund = f->created ? json_member(f->created, "refund") : NULL;
    const struct cJSON *tender = refund ? json_first(json_member(refund, "tenders")) : NULL;
    int64_t position = 0;
    for (; !err && tender; tender = json_next(tender)) {
        if (strcmp(follow_text(tender, "type"), "rounding") == 0)
            continue;
        if (strcmp(follow_text(tender, "executor"), "hub") == 0)
            err = request_tender(f, tender, position);
        position++;
    }
    return err;
}

/* The store held these back until the check was passed. */
enum err follow_request_refunds(struct follow *f)
{
    enum err err = follow_read_created(f);
    return err ? err : request_planned(f);
}

/* A return of no store: nobody but the centre asks for its refunds, once all of it came. */
enum err follow_received(struct follow *f)
{
    bool all = false;
    if (!follow_is_ours(f))
        return ERR_OK;
    enum err err = follow_read_created(f);
    if (!err && f->created_here)
        err = acceptance_is_whole(f->db, &f->event.correlation, &all, f->fault);
    return err || !all ? err : request_planned(f);
}
