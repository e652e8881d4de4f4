#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"
#include "sync/hub/connect/acceptance.h"
#include "sync/hub/connect/claim.h"
#include "sync/hub/connect/expected.h"
#include "sync/hub/connect/home_store.h"
#include "sync/hub/connect/order.h"
#include "sync/hub/connect/payment.h"
#include "sync/hub/ingest/gift_card.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/measure.h"
#include "sync/hub/ledger/period.h"

#include <inttypes.h>
#include <stdio.h>

enum { ARENA_MAX = 1024 * 1024, MS_PER_S = 1000, DAY_MS = 86400 * 1000, OFFLINE_S = 60 };
enum { DATA_MAX = 4096 };

/* One applied event at work, and what was read of it. */
struct follow {
    struct database *db;
    int64_t now_ms;
    struct told *told;
    struct fault *fault;
    int64_t event_no;
    int64_t received_ms;
    struct event event;
    struct arena arena;
    struct cJSON *data;
    struct cJSON *created; /* the data of its return.created; NULL: not looked for */
    int64_t created_ms;
    bool created_here; /* the centre accepted the return itself */
};

static const char *text_of(const struct cJSON *object, const char *name)
{
    const char *text = object ? json_member_text(object, name) : NULL;
    return text ? text : "";
}

static bool is_ours(const struct follow *f)
{
    return slice_is(f->event.source, "/centre");
}

/* --- Refunds --------------------------------------------------------------------------------- */

/* Cash, vouchers and the like are settled when they are handed over. */
static bool settles_elsewhere(const char *tender)
{
    return strcmp(tender, "card") == 0 || strcmp(tender, "wallet") == 0 ||
           strcmp(tender, "online_payment") == 0;
}

static enum err read_created(struct follow *f)
{
    struct statement *s;
    struct event event = {.source = {"", 0}};
    bool row;
    enum err err = database_statement(f->db, INGEST_CREATED_OF_RETURN, &s, f->fault);
    if (err)
        return err;
    bind_blob(s, 1, f->event.correlation.bytes, ID_BYTES);
    err = database_step(f->db, s, &row, f->fault);
    if (err)
        return err;
    /* One that can't be read was parked; then the refund is known by its own event alone. */
    if (row && event_read(column_slice(s, 0), &f->arena, &event, NULL) == ERR_OK &&
        json_parse(event.data, JSON_LIMITS_DEFAULT, &f->created, NULL) == ERR_OK)
        f->created_ms = event.time_ms;
    f->created_here = f->created && slice_is(event.source, "/centre");
    statement_reset(s);
    return ERR_OK;
}

static enum err measure_since_created(struct follow *f, enum measure measure, int64_t at_ms)
{
    enum err err = read_created(f);
    if (err || !f->created)
        return err;
    return measure_time(f->db, measure, (at_ms - f->created_ms) / MS_PER_S, f->fault);
}

/* The token of the payment that this tender was paid by. */
static const char *payment_of(const struct follow *f, int64_t tender_no)
{
    const struct cJSON *refund = f->created ? json_member(f->created, "refund") : NULL;
    const struct cJSON *tender = refund ? json_first(json_member(refund, "tenders")) : NULL;
    for (; tender; tender = json_next(tender))
        if (json_member_int(tender, "tender", -1) == tender_no)
            return text_of(tender, "reference");
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

/* It happened a minute or more before it arrived: without the centre. */
static bool was_offline(const struct follow *f)
{
    return (f->received_ms - f->event.time_ms) / MS_PER_S >= OFFLINE_S;
}

static int64_t document_day(const struct follow *f)
{
    int64_t day = day_of_ms(f->event.time_ms);
    (void)!day_parse(text_of(f->data, "business_date"), &day); /* absent: the event's own day */
    return day;
}

static enum err count_on_day(struct follow *f, const char *name, const char *currency,
                             int64_t amount_minor)
{
    const struct measure_money money = {name, document_day(f), currency, amount_minor};
    return measure_day(f->db, &money, f->fault);
}

/* A refund whose payment was charged back before: the customer has the money twice. */
static enum err tell_dual(struct follow *f, int64_t expected_no, const char *payment)
{
    char detail[300];
    char key[EXPECTED_TEXT_MAX * 2];
    char device[DEVICE_ID_MAX + 1];
    (void)snprintf(key, sizeof key, "%" PRId64 "/%.140s", json_member_int(f->data, "position", 0),
                   text_of(f->data, "refund"));
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

static enum err insert_expected(struct follow *f, const char *company, const char *payment)
{
    const struct cJSON *data = f->data;
    const struct cJSON *exchange = f->created ? json_member(f->created, "exchange") : NULL;
    int64_t paid_minor = json_member_int(data, "paid", -1);
    bool abroad = exchange && paid_minor >= 0;
    const char *currency = abroad ? text_of(exchange, "currency") : text_of(data, "currency");
    struct statement *s;
    bool row;
    enum err err = database_statement(f->db, INGEST_EXPECTED_INSERT, &s, f->fault);
    if (err)
        return err;
    bind_int(s, 1, f->event_no);
    bind_blob(s, 2, f->event.correlation.bytes, ID_BYTES);
    bind_text(s, 3, company);
    bind_text(s, 4, text_of(f->created, "number"));
    bind_text(s, 5, text_of(f->created, "receipt"));
    bind_text(s, 6, text_of(data, "lane"));
    bind_text(s, 7, text_of(data, "refund"));
    bind_text(s, 8, text_of(data, "reference"));
    bind_text(s, 9, payment);
    bind_int(s, 10, json_member_int(data, "tender", 0));
    bind_text(s, 11, text_of(data, "type"));
    bind_text(s, 12, *currency ? currency : text_of(f->created, "currency"));
    bind_int(s, 13, abroad ? paid_minor : json_member_int(data, "amount", 0));
    bind_int(s, 14, document_day(f));
    bind_int(s, 15, json_member_int(data, "position", 0));
    bind_int(s, 16, was_offline(f));
    err = database_step(f->db, s, &row, f->fault);
    if (err)
        return err;
    int64_t expected_no = row ? column_int(s, 0) : 0;
    bool dual = row && (int)column_int(s, 1) != 0;
    statement_reset(s);
    err = count_on_day(f, "refunded", text_of(f->created, "currency"),
                       json_member_int(data, "amount", 0));
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
    const char *reference = text_of(f->data, "reference");
    const struct gift_card card = {.reference = reference,
                                   .currency = text_of(f->created, "currency"),
                                   .amount_minor = json_member_int(f->data, "amount", 0),
                                   .correlation = f->event.correlation,
                                   .now_ms = f->now_ms};
    if (!gift_card_is(text_of(f->data, "type")) ||
        strcmp(reference, payment_of(f, json_member_int(f->data, "tender", 0))) == 0)
        return ERR_OK;
    enum err err = change(f->db, &card, device, f->fault);
    told_add(f->told, device);
    return err;
}

static enum err follow_issued(struct follow *f)
{
    char company[EXPECTED_TEXT_MAX + 1] = "";
    enum err err = measure_since_created(f, MEASURE_REFUND, f->event.time_ms);
    if (!err)
        err = follow_card(f, gift_card_load);
    if (err || !settles_elsewhere(text_of(f->data, "type")))
        return err;
    err = read_company(f, company);
    return err ? err
               : insert_expected(f, company, payment_of(f, json_member_int(f->data, "tender", 0)));
}

static enum err follow_failed(struct follow *f)
{
    struct statement *s;
    enum err err = read_created(f);
    if (!err)
        err = follow_card(f, gift_card_void);
    if (!err)
        err = database_statement(f->db, INGEST_EXPECTED_FAIL, &s, f->fault);
    if (err)
        return err;
    bind_blob(s, 1, f->event.correlation.bytes, ID_BYTES);
    bind_text(s, 2, text_of(f->data, "refund"));
    bind_int(s, 3, json_member_int(f->data, "tender", 0));
    bind_int(s, 4, f->event_no);
    return database_send(f->db, s, f->fault);
}

static enum err follow_disputed(struct follow *f)
{
    struct statement *s;
    if (is_ours(f) || strcmp(text_of(f->data, "stage"), "opened") != 0)
        return ERR_OK;
    enum err err = database_statement(f->db, INGEST_EXPECTED_CHARGE_BACK, &s, f->fault);
    if (err)
        return err;
    bind_blob(s, 1, f->event.correlation.bytes, ID_BYTES);
    bind_text(s, 2, text_of(f->data, "type"));
    return database_send(f->db, s, f->fault);
}

/* --- What the hub pays out ------------------------------------------------------------------- */

static enum err follow_requested(struct follow *f)
{
    if (strcmp(text_of(f->data, "executor"), "hub") != 0)
        return ERR_OK;
    enum err err = read_created(f);
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
    jsonw_text(&w, "type", text_of(tender, "type"));
    jsonw_int(&w, "amount", json_member_int(tender, "amount", 0));
    jsonw_text(&w, "currency", text_of(f->created, "currency"));
    jsonw_text(&w, "executor", "hub");
    if (*text_of(tender, "reference"))
        jsonw_text(&w, "reference", text_of(tender, "reference"));
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
        if (strcmp(text_of(tender, "type"), "rounding") == 0)
            continue;
        if (strcmp(text_of(tender, "executor"), "hub") == 0)
            err = request_tender(f, tender, position);
        position++;
    }
    return err;
}

/* The store held these back until the check was passed. */
static enum err request_refunds(struct follow *f)
{
    enum err err = read_created(f);
    return err ? err : request_planned(f);
}

/* A return of no store: nobody but the centre asks for its refunds, once all of it came. */
static enum err follow_received(struct follow *f)
{
    bool all = false;
    if (!is_ours(f))
        return ERR_OK;
    enum err err = read_created(f);
    if (!err && f->created_here)
        err = acceptance_is_whole(f->db, &f->event.correlation, &all, f->fault);
    return err || !all ? err : request_planned(f);
}

/* --- Exceptions of stores -------------------------------------------------------------------- */

static enum err follow_raised(struct follow *f)
{
    struct id id;
    char device[DEVICE_ID_MAX + 1];
    if (is_ours(f) || id_parse(slice_of(text_of(f->data, "exception")), &id) != ERR_OK)
        return ERR_OK;
    const struct exception exception = {.code = text_of(f->data, "code"),
                                        .correlation = f->event.correlation,
                                        .subject = f->event_no,
                                        .detail = text_of(f->data, "detail"),
                                        .id = &id,
                                        .now_ms = f->now_ms};
    return exception_raise(f->db, &exception, device, f->fault);
}

static enum err follow_resolved(struct follow *f)
{
    struct id id;
    if (is_ours(f) || strcmp(text_of(f->data, "state"), "resolved") != 0 ||
        id_parse(slice_of(text_of(f->data, "exception")), &id) != ERR_OK)
        return ERR_OK;
    return exception_resolved_by_store(f->db, &id, text_of(f->data, "how"), f->now_ms, f->fault);
}

/* --- Measures -------------------------------------------------------------------------------- */

/* Whoever asked for the receipt is done with it. */
static enum err end_lease(struct follow *f, const char *receipt)
{
    struct statement *s;
    enum err err = database_statement(f->db, INGEST_LEASE_END, &s, f->fault);
    if (err)
        return err;
    bind_text(s, 1, receipt);
    return database_send(f->db, s, f->fault);
}

/* How many units of the line the receipt had; 0 without a sale. */
static int64_t sold_of(const struct cJSON *sale, int64_t number)
{
    const struct cJSON *line = sale ? json_first(json_member(sale, "lines")) : NULL;
    for (; line; line = json_next(line))
        if (json_member_int(line, "line", -1) == number)
            return json_member_int(line, "quantity", 0);
    return 0;
}

/* The goods of an accepted return are claimed: nobody else can have returned them. */
static enum err claim_goods(struct follow *f, const struct cJSON *created, bool pending_check)
{
    struct claim_line lines[CLAIM_LINES_MAX];
    const struct cJSON *line = json_first(json_member(created, "lines"));
    const char *shown = text_of(created, "authorisation");
    const struct id authorisation = order_authorisation_id(shown);
    struct claim claim = {.correlation = f->event.correlation,
                          .receipt = text_of(created, "receipt"),
                          .number = text_of(created, "number"),
                          .authorisation = *shown ? &authorisation : NULL,
                          .lines = lines,
                          .pending_check = pending_check,
                          .now_ms = f->now_ms,
                          .told = f->told};
    for (; line && claim.count < CLAIM_LINES_MAX; line = json_next(line)) {
        int64_t number = json_member_int(line, "line", -1);
        lines[claim.count++] = (struct claim_line){number, json_member_int(line, "quantity", 0),
                                                   sold_of(json_member(created, "sale"), number)};
    }
    if (!*claim.receipt)
        return ERR_OK;
    enum err err = end_lease(f, claim.receipt);
    return err ? err : claim_return(f->db, &claim, f->fault);
}

/* The money of the whole return, on the day of this event. */
static enum err count_total(struct follow *f, const char *name, const struct cJSON *created)
{
    const struct cJSON *refund = json_member(created, "refund");
    return count_on_day(f, name, text_of(created, "currency"),
                        refund ? json_member_int(refund, "total", 0) : 0);
}

static enum err follow_approved(struct follow *f)
{
    enum err err = read_created(f);
    bool pending = strcmp(text_of(f->data, "decision"), "accepted_pending_check") == 0;
    if (!err && f->created)
        err = count_total(f, "accepted", f->created);
    return err || !f->created ? err : claim_goods(f, f->created, pending);
}

static enum err follow_declined(struct follow *f)
{
    return claim_end(f->db, &f->event.correlation, f->fault);
}

/* It was accepted, and came to nothing. */
static enum err follow_voided(struct follow *f)
{
    enum err err = read_created(f);
    if (!err && f->created)
        err = count_total(f, "voided", f->created);
    return err ? err : claim_end(f->db, &f->event.correlation, f->fault);
}

static enum err follow_checked(struct follow *f)
{
    return strcmp(text_of(f->data, "result"), "passed") == 0 ? request_refunds(f)
                                                             : follow_voided(f);
}

static enum err follow_created(struct follow *f)
{
    const struct cJSON *refund = json_member(f->data, "refund");
    const char *decision = text_of(f->data, "decision");
    bool pending = strcmp(decision, "accepted_pending_check") == 0;
    bool given = pending || strcmp(decision, "accepted") == 0;
    int64_t delay_s = (f->received_ms - f->event.time_ms) / MS_PER_S;
    enum err err = measure_time(f->db, MEASURE_ARRIVAL, delay_s, f->fault);
    if (!err && given)
        err = count_total(f, "accepted", f->data);
    if (!err && given)
        err = claim_goods(f, f->data, pending);
    if (err || !given || !was_offline(f))
        return err;
    return measure_sum(f->db, "offline", text_of(f->data, "currency"),
                       refund ? json_member_int(refund, "total", 0) : 0, f->fault);
}

static enum err follow_disposed(struct follow *f)
{
    const struct cJSON *line = json_first(json_member(f->data, "lines"));
    for (; line; line = json_next(line))
        if (strcmp(text_of(line, "disposition"), "restock") == 0)
            return measure_since_created(f, MEASURE_RESTOCK, f->event.time_ms);
    return ERR_OK;
}

static enum err follow_settled(struct follow *f)
{
    const char *kind = text_of(f->data, "kind");
    if (*kind && strcmp(kind, "refund") != 0)
        return ERR_OK;
    enum err err = measure_since_created(f, MEASURE_SETTLEMENT, document_day(f) * DAY_MS);
    return err ? err
               : count_on_day(f, "settled", text_of(f->created, "currency"),
                              json_member_int(f->data, "amount", 0));
}

static enum err follow_completed(struct follow *f)
{
    return measure_since_created(f, MEASURE_COMPLETION, f->event.time_ms);
}

/* --- The events ------------------------------------------------------------------------------ */

static const struct {
    enum event_type type;
    enum err (*follow)(struct follow *f);
} handlers[] = {
    {EVENT_REFUND_ISSUED, follow_issued},        {EVENT_REFUND_FAILED, follow_failed},
    {EVENT_RETURN_DISPUTED, follow_disputed},    {EVENT_EXCEPTION_RAISED, follow_raised},
    {EVENT_EXCEPTION_RESOLVED, follow_resolved}, {EVENT_RETURN_CREATED, follow_created},
    {EVENT_ITEM_DISPOSITIONED, follow_disposed}, {EVENT_REFUND_SETTLED, follow_settled},
    {EVENT_RETURN_COMPLETED, follow_completed},  {EVENT_RETURN_APPROVED, follow_approved},
    {EVENT_RETURN_DECLINED, follow_declined},    {EVENT_RETURN_VOIDED, follow_voided},
    {EVENT_RETURN_CHECKED, follow_checked},      {EVENT_REFUND_REQUESTED, follow_requested},
    {EVENT_ITEM_RECEIVED, follow_received},
};

static enum err run_handler(struct follow *f, struct slice body)
{
    /* The ledger read it before: what it can't read is never applied. */
    if (event_read(body, &f->arena, &f->event, NULL) != ERR_OK)
        return ERR_OK;
    enum err err = home_store_tell(f->db, &f->event, body, f->now_ms, f->told, f->fault);
    for (size_t i = 0; !err && i < sizeof handlers / sizeof *handlers; i++) {
        if (handlers[i].type != f->event.type)
            continue;
        if (json_parse(f->event.data, JSON_LIMITS_DEFAULT, &f->data, NULL) != ERR_OK)
            return ERR_OK;
        return handlers[i].follow(f);
    }
    return err;
}

static bool is_followed(struct slice type)
{
    enum event_type found;
    if (event_type_find(type, &found) != ERR_OK)
        return false;
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
        if (handlers[i].type == found)
            return true;
    return false;
}

/* An applied event. */
struct next {
    int64_t event_no;
    int64_t received_ms;
    struct buf body; /* empty: nobody cares for its type */
};

/* The next applied event; its body is copied if somebody cares for its type. */
static enum err next_event(struct database *db, int64_t *cursor, struct next *next, bool *found,
                           struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_FOLLOW_NEXT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, *cursor);
    err = database_step(db, s, found, fault);
    if (err || !*found)
        return err;
    *cursor = column_int(s, 0);
    next->event_no = column_int(s, 1);
    next->received_ms = column_int(s, 5);
    buf_reset(&next->body);
    if (slice_is(column_slice(s, 2), "applied") && is_followed(column_slice(s, 3))) {
        struct slice text = column_slice(s, 4);
        buf_append(&next->body, text.data, text.len);
    }
    statement_reset(s);
    return buf_check(&next->body, fault, "event");
}

static enum err follow_one(struct database *db, const struct next *next, int64_t now_ms,
                           struct told *told, struct fault *fault)
{
    struct follow f = {.db = db,
                       .now_ms = now_ms,
                       .told = told,
                       .fault = fault,
                       .event_no = next->event_no,
                       .received_ms = next->received_ms};
    arena_init(&f.arena, ARENA_MAX);
    enum err err = run_handler(&f, buf_slice(&next->body));
    json_free(f.data);
    json_free(f.created);
    arena_free(&f.arena);
    return err;
}

static enum err read_cursor(struct database *db, int64_t *cursor, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_FOLLOW_CURSOR, &s, fault);
    if (!err)
        err = database_step(db, s, &row, fault);
    if (err)
        return err;
    *cursor = row ? column_int(s, 0) : 0;
    statement_reset(s);
    return ERR_OK;
}

static enum err move_cursor(struct database *db, int64_t cursor, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_FOLLOW_CURSOR_MOVE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, cursor);
    return database_send(db, s, fault);
}

enum err expected_follow(struct database *db, int64_t now_ms, struct told *told, bool *more,
                         struct fault *fault)
{
    struct next next = {0};
    int64_t cursor = 0;
    int64_t seen = 0;
    bool found = true;
    buf_init(&next.body, EVENT_BODY_MAX);
    enum err err = read_cursor(db, &cursor, fault);
    for (; !err && found && seen < EXPECTED_EVENTS_MAX; seen++) {
        err = next_event(db, &cursor, &next, &found, fault);
        if (!err && found && next.body.len)
            err = follow_one(db, &next, now_ms, told, fault);
    }
    buf_free(&next.body);
    if (err)
        return err;
    *more = found;
    return move_cursor(db, cursor, fault);
}
