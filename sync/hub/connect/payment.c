#include "sync/hub/connect/payment.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/json_scan.h"
#include "hal/base/jsonw.h"
#include "sync/contract/money.h"
#include "sync/hub/ingest/exception.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DATA_MAX = 4096, DETAIL_MAX = 500, NUMBER_TEXT = 24, LOOK_AGAIN_MS = 15 * 60 * 1000 };

/* A payment as it stands. */
struct standing {
    int64_t number;
    struct id event;
    int64_t position;
    int64_t round;
    int64_t tender;
    char type[32];
    char currency[4];
    int64_t amount_minor;
    char state[16];
    struct id correlation;
};

static const char *text_of(const struct cJSON *object, const char *name)
{
    const char *text = object ? json_member_text(object, name) : NULL;
    return text ? text : "";
}

static void write_key(const struct id *correlation, int64_t position, int64_t round,
                      char key[static PAYMENT_KEY_MAX + 1])
{
    char id[ID_TEXT + 1];
    id_format(correlation, id);
    (void)snprintf(key, PAYMENT_KEY_MAX + 1, "%s/%" PRId64 "/%" PRId64, id, position, round);
}

/* --- Requests -------------------------------------------------------------------------------- */

/* The plan's tender at a place among those that are paid out. */
static const struct cJSON *planned(const struct cJSON *created, int64_t position)
{
    const struct cJSON *refund = created ? json_member(created, "refund") : NULL;
    const struct cJSON *tender = refund ? json_first(json_member(refund, "tenders")) : NULL;
    for (; tender; tender = json_next(tender))
        if (strcmp(text_of(tender, "type"), "rounding") != 0 && position-- == 0)
            return tender;
    return NULL;
}

/* Why no machine may pay this; NULL: nothing speaks against it. */
static const char *objection(const struct payment_request *request, const char **code)
{
    const struct cJSON *data = request->data;
    const struct cJSON *plan = planned(request->created, json_member_int(data, "position", 0));
    *code = "not_as_planned";
    if (!plan)
        return "the return's plan has no such tender";
    if (strcmp(text_of(plan, "executor"), "hub") != 0 ||
        strcmp(text_of(plan, "type"), text_of(data, "type")) != 0 ||
        json_member_int(plan, "amount", -1) != json_member_int(data, "amount", 0))
        return "the return's plan says another amount, tender or payer";
    *code = "marketplace";
    return json_member(request->created, "marketplace")
               ? "the marketplace pays its customers itself: say so when it did"
               : NULL;
}

enum err payment_request(struct database *db, const struct payment_request *request,
                         struct fault *fault)
{
    const struct cJSON *data = request->data;
    const char *currency = text_of(data, "currency");
    const char *code;
    const char *against = objection(request, &code);
    struct statement *s;
    enum err err = database_statement(db, INGEST_PAYMENT_INSERT, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, request->event.bytes, ID_BYTES);
    bind_blob(s, 2, request->correlation.bytes, ID_BYTES);
    bind_int(s, 3, json_member_int(data, "position", 0));
    bind_int(s, 4, json_member_int(data, "tender", 0));
    bind_text(s, 5, text_of(data, "type"));
    bind_text(s, 6, text_of(data, "reference"));
    bind_text(s, 7, text_of(request->created, "number"));
    bind_text(s, 8, *currency ? currency : text_of(request->created, "currency"));
    bind_int(s, 9, json_member_int(data, "amount", 0));
    bind_text(s, 10, against ? "parked" : "ready");
    bind_text(s, 11, against ? code : NULL);
    bind_text(s, 12, against);
    bind_int(s, 13, request->now_ms);
    return database_run(db, s, fault);
}

/* --- Picking --------------------------------------------------------------------------------- */

static enum err read_payment(struct statement *s, struct payment *payment, struct fault *fault)
{
    *payment = (struct payment){.number = column_int(s, 0),
                                .position = column_int(s, 2),
                                .tender = column_int(s, 4),
                                .amount_minor = column_int(s, 9),
                                .pending = slice_is(column_slice(s, 10), "pending")};
    slice_copy(column_slice(s, 5), payment->type, sizeof payment->type);
    slice_copy(column_slice(s, 6), payment->token, sizeof payment->token);
    slice_copy(column_slice(s, 7), payment->return_number, sizeof payment->return_number);
    slice_copy(column_slice(s, 8), payment->currency, sizeof payment->currency);
    if (column_bytes(s, 1, payment->correlation.bytes, ID_BYTES) != ERR_OK)
        return fault_set(fault, ERR_CORRUPT, "payment", "a row isn't what it should be");
    write_key(&payment->correlation, payment->position, column_int(s, 3), payment->key);
    return ERR_OK;
}

enum err payment_pick(struct database *db, size_t limit, int64_t now_ms, int64_t lease_ms,
                      struct payment payments[static PAYMENT_BATCH_MAX], size_t *count,
                      struct fault *fault)
{
    struct statement *s;
    bool row = true;
    size_t found = 0;
    enum err err = database_statement(db, INGEST_PAYMENT_PICK, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, now_ms);
    bind_int(s, 2, now_ms + lease_ms);
    bind_int(s, 3, (int64_t)(limit < PAYMENT_BATCH_MAX ? limit : PAYMENT_BATCH_MAX));
    while (!err && (err = database_step(db, s, &row, fault)) == ERR_OK && row)
        err = read_payment(s, &payments[found++], fault);
    statement_reset(s);
    if (!err)
        *count = found;
    return err;
}

enum err payment_release(struct database *db, struct fault *fault)
{
    return database_run_plain(db, INGEST_PAYMENT_RELEASE, fault);
}

/* --- Answers --------------------------------------------------------------------------------- */

/* "/<number>", up to the next slash or the end; *at moves behind it. */
static bool read_part(const char **at, int64_t *number)
{
    if (**at != '/')
        return false;
    size_t len = strcspn(*at + 1, "/");
    const struct slice digits = {*at + 1, len};
    *at += 1 + len;
    return len && json_scan_int(digits, number) == ERR_OK;
}

/* "<return>/<position>/<round>" */
static enum err read_key(const char *key, struct id *correlation, int64_t *position, int64_t *round)
{
    const char *at = key + ID_TEXT;
    bool is_key = strlen(key) > ID_TEXT &&
                  id_parse((struct slice){key, ID_TEXT}, correlation) == ERR_OK &&
                  read_part(&at, position) && read_part(&at, round) && !*at;
    return is_key ? ERR_OK : ERR_NOT_FOUND;
}

static enum err read_standing(struct database *db, const struct id *correlation, int64_t position,
                              struct standing *standing, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_PAYMENT_OF_RETURN, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, correlation->bytes, ID_BYTES);
    bind_int(s, 2, position);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    if (!row)
        return fault_set(fault, ERR_NOT_FOUND, "reference", "no refund of this key was asked for");
    *standing = (struct standing){.number = column_int(s, 0),
                                  .position = position,
                                  .tender = column_int(s, 2),
                                  .amount_minor = column_int(s, 5),
                                  .round = column_int(s, 7),
                                  .correlation = *correlation};
    err = column_bytes(s, 1, standing->event.bytes, ID_BYTES);
    slice_copy(column_slice(s, 3), standing->type, sizeof standing->type);
    slice_copy(column_slice(s, 4), standing->currency, sizeof standing->currency);
    slice_copy(column_slice(s, 6), standing->state, sizeof standing->state);
    statement_reset(s);
    return err ? fault_set(fault, ERR_CORRUPT, "payment", "a row isn't what it should be") : ERR_OK;
}

struct change {
    const char *state;
    const char *reference; /* NULL: as it was */
    const char *code;
    const char *detail;
    int64_t next_ms;
};

static enum err set(struct database *db, const struct standing *standing,
                    const struct change *change, int64_t now_ms, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_PAYMENT_SET, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, standing->number);
    bind_text(s, 2, change->state);
    bind_text(s, 3, change->reference);
    bind_text(s, 4, change->code);
    bind_text(s, 5, change->detail);
    bind_int(s, 6, change->next_ms);
    bind_int(s, 7, now_ms);
    return database_run(db, s, fault);
}

static enum err record_event(struct database *db, const struct standing *standing,
                             const struct payment_answer *answer, int64_t now_ms, struct told *told,
                             struct fault *fault)
{
    struct buf data CLEANUP(buf_free);
    char key[PAYMENT_KEY_MAX + 1];
    char request[ID_TEXT + 1];
    char device[DEVICE_ID_MAX + 1] = "";
    bool issued = answer->kind == PAYMENT_ISSUED;
    id_format(&standing->event, request);
    write_key(&standing->correlation, standing->position, standing->round, key);
    buf_init(&data, DATA_MAX);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "position", standing->position);
    jsonw_int(&w, "tender", standing->tender);
    jsonw_text(&w, "type", standing->type);
    jsonw_int(&w, "amount", standing->amount_minor);
    if (issued) {
        jsonw_text(&w, "currency", standing->currency);
        jsonw_text(&w, "executor", "hub");
    } else {
        jsonw_text(&w, "failed", answer->reason && *answer->reason ? answer->reason : "declined");
    }
    if (answer->reference && *answer->reference)
        jsonw_text(&w, "reference", answer->reference);
    jsonw_text(&w, "refund", request);
    jsonw_end(&w);
    const struct centre_fact fact = {.correlation = standing->correlation,
                                     .type = issued ? EVENT_REFUND_ISSUED : EVENT_REFUND_FAILED,
                                     .data = buf_slice(&data),
                                     .now_ms = now_ms,
                                     .key = key};
    enum err err = buf_check(&data, fault, "refund");
    if (!err)
        err = centre_record(db, &fact, device, fault);
    if (!err)
        told_add(told, device);
    return err;
}

static enum err raise(struct database *db, const struct standing *standing, const char *code,
                      const char *detail, int64_t now_ms, struct told *told, struct fault *fault)
{
    char device[DEVICE_ID_MAX + 1] = "";
    const struct exception exception = {.code = code,
                                        .correlation = standing->correlation,
                                        .subject = standing->position,
                                        .detail = detail,
                                        .now_ms = now_ms};
    enum err err = exception_raise(db, &exception, device, fault);
    told_add(told, device);
    return err;
}

static enum err take_issued(struct database *db, const struct standing *standing,
                            const struct payment_answer *answer, int64_t now_ms, struct told *told,
                            struct fault *fault)
{
    const struct change change = {.state = "issued", .reference = answer->reference};
    enum err err = set(db, standing, &change, now_ms, fault);
    return err ? err : record_event(db, standing, answer, now_ms, told, fault);
}

static enum err take_declined(struct database *db, const struct standing *standing,
                              const struct payment_answer *answer, int64_t now_ms,
                              struct told *told, struct fault *fault)
{
    char detail[DETAIL_MAX];
    char amount[MONEY_TEXT_MAX];
    (void)snprintf(detail, sizeof detail, "the %s refund of %s was declined: %.300s",
                   standing->type, money_text(amount, standing->amount_minor, standing->currency),
                   answer->reason && *answer->reason ? answer->reason : "no reason given");
    const struct change change = {
        .state = "failed", .reference = answer->reference, .code = "declined", .detail = detail};
    enum err err = set(db, standing, &change, now_ms, fault);
    if (!err)
        err = record_event(db, standing, answer, now_ms, told, fault);
    return err ? err : raise(db, standing, "tender_not_allowed", detail, now_ms, told, fault);
}

static enum err take_otherwise(struct database *db, const struct standing *standing,
                               const struct payment_answer *answer, int64_t now_ms,
                               struct told *told, struct fault *fault)
{
    char detail[DETAIL_MAX];
    char said[MONEY_TEXT_MAX];
    char asked[MONEY_TEXT_MAX];
    (void)snprintf(detail, sizeof detail, "the provider says %s under %.100s, and %s was asked for",
                   money_text(said, answer->amount_minor, answer->currency), answer->key,
                   money_text(asked, standing->amount_minor, standing->currency));
    const struct change change = {.state = "parked",
                                  .reference = answer->reference,
                                  .code = "answered_otherwise",
                                  .detail = detail};
    enum err err = set(db, standing, &change, now_ms, fault);
    return err ? err : raise(db, standing, "settlement_variance", detail, now_ms, told, fault);
}

/* It was declined, asked for anew, and now the earlier one is said to be paid as well. */
static enum err take_earlier(struct database *db, const struct standing *standing,
                             const struct payment_answer *answer, int64_t now_ms, struct told *told,
                             struct fault *fault)
{
    char detail[DETAIL_MAX];
    if (answer->kind != PAYMENT_ISSUED)
        return ERR_OK;
    (void)snprintf(detail, sizeof detail,
                   "the provider paid %.100s after it had declined it; a later try is %s",
                   answer->key, standing->state);
    const struct change change = {.state = "parked",
                                  .reference = answer->reference,
                                  .code = "answered_otherwise",
                                  .detail = detail};
    enum err err =
        strcmp(standing->state, "issued") == 0 ? ERR_OK : set(db, standing, &change, now_ms, fault);
    return err ? err : raise(db, standing, "dual_refund", detail, now_ms, told, fault);
}

static bool fits(const struct standing *standing, const struct payment_answer *answer)
{
    return answer->kind != PAYMENT_ISSUED || !answer->currency ||
           (answer->amount_minor == standing->amount_minor &&
            strcmp(answer->currency, standing->currency) == 0);
}

enum err payment_take_answer(struct database *db, const struct payment_answer *answer,
                             int64_t now_ms, struct told *told, struct fault *fault)
{
    struct id correlation;
    struct standing standing;
    int64_t position;
    int64_t round;
    if (read_key(answer->key, &correlation, &position, &round) != ERR_OK)
        return fault_set(fault, ERR_NOT_FOUND, "reference", "is no key of ours");
    enum err err = read_standing(db, &correlation, position, &standing, fault);
    if (err)
        return err;
    bool issued = strcmp(standing.state, "issued") == 0;
    bool failed = strcmp(standing.state, "failed") == 0;
    if (round < standing.round)
        return take_earlier(db, &standing, answer, now_ms, told, fault);
    switch (answer->kind) {
    case PAYMENT_ISSUED:
        if (issued)
            return ERR_OK;
        return fits(&standing, answer) ? take_issued(db, &standing, answer, now_ms, told, fault)
                                       : take_otherwise(db, &standing, answer, now_ms, told, fault);
    case PAYMENT_DECLINED:
        return failed ? ERR_OK : take_declined(db, &standing, answer, now_ms, told, fault);
    default:
        if (issued || failed)
            return ERR_OK;
        return set(db, &standing,
                   &(struct change){.state = "pending",
                                    .reference = answer->reference,
                                    .next_ms = now_ms + LOOK_AGAIN_MS},
                   now_ms, fault);
    }
}

enum err payment_put_off(struct database *db, const struct payment *payment, int64_t next_ms,
                         int64_t now_ms, const struct fault *why, struct fault *fault)
{
    char detail[DETAIL_MAX];
    struct statement *s;
    enum err err = database_statement(db, INGEST_PAYMENT_PUT_OFF, &s, fault);
    if (err)
        return err;
    (void)snprintf(detail, sizeof detail, "%.100s%s%.380s", why->where, *why->where ? ": " : "",
                   why->text);
    bind_int(s, 1, payment->number);
    bind_text(s, 2, err_class(why->code) == ERR_CLASS_PARK ? "parked" : "ready");
    bind_text(s, 3, err_name(why->code));
    bind_text(s, 4, detail);
    bind_int(s, 5, next_ms);
    bind_int(s, 6, now_ms);
    return database_run(db, s, fault);
}

/* --- What a person decides ------------------------------------------------------------------- */

static enum err find_place(struct database *db, int64_t number, struct id *correlation,
                           int64_t *position, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_find(db, INGEST_PAYMENT_FIND, number, &s, &row, fault);
    if (err)
        return err;
    if (!row)
        return fault_set(fault, ERR_NOT_FOUND, "id", "there is no such payment");
    *position = column_int(s, 1);
    err = column_bytes(s, 0, correlation->bytes, ID_BYTES);
    statement_reset(s);
    return err ? fault_set(fault, ERR_CORRUPT, "payment", "a row isn't what it should be") : ERR_OK;
}

/* A declined one needs a key of its own: the provider would give the old answer under the old. */
static enum err ask_again(struct database *db, const struct standing *standing, int64_t now_ms,
                          struct fault *fault)
{
    struct statement *s;
    bool failed = strcmp(standing->state, "failed") == 0;
    enum err err = database_statement(db, INGEST_PAYMENT_AGAIN, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, standing->number);
    bind_int(s, 2, standing->round + failed);
    bind_int(s, 3, now_ms);
    return database_run(db, s, fault);
}

enum err payment_decide(struct database *db, int64_t number, enum payment_verdict verdict,
                        const char *reason, int64_t now_ms, struct told *told, struct fault *fault)
{
    struct id correlation;
    struct standing standing;
    int64_t position = 0;
    enum err err = find_place(db, number, &correlation, &position, fault);
    if (!err)
        err = read_standing(db, &correlation, position, &standing, fault);
    if (err)
        return err;
    bool parked = strcmp(standing.state, "parked") == 0;
    bool failed = strcmp(standing.state, "failed") == 0;
    if (!parked && (!failed || verdict == PAYMENT_SAY_FAILED))
        return fault_set(fault, ERR_CONFLICT, "id", "it is %s: nothing is to be decided",
                         standing.state);
    const struct payment_answer answer = {.kind = PAYMENT_DECLINED, .reason = reason};
    if (verdict == PAYMENT_ASK_AGAIN)
        return ask_again(db, &standing, now_ms, fault);
    if (verdict == PAYMENT_SAY_FAILED)
        return take_declined(db, &standing, &answer, now_ms, told, fault);
    const struct payment_answer by_hand = {.kind = PAYMENT_ISSUED};
    return take_issued(db, &standing, &by_hand, now_ms, told, fault);
}
