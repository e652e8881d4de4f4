#include "sync/hub/ingest/parked.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/json_scan.h"
#include "hal/base/jsonw.h"
#include "hal/base/sha256.h"
#include "sync/contract/ack.h"
#include "sync/hub/ingest/centre.h"
#include "sync/hub/ingest/filing.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/log_exception.h"
#include "sync/hub/ingest/reread.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DATA_MAX = 4096, KEY_MAX = 128 };

struct parked {
    int64_t number;
    int64_t event_no;
    int64_t log_no;
    bool open;
    bool by_ledger;
    struct id log;
    int64_t seq;
    bool has_id;
    struct id id;
    char code[ACK_CODE_MAX];
    bool has_correlation;
    struct id correlation;
    char device[DEVICE_ID_MAX + 1];
    int64_t decided; /* how often before */
};

/* --- Finding --------------------------------------------------------------------------------- */

static bool column_id(struct statement *s, int column, struct id *id)
{
    return !column_is_null(s, column) && column_bytes(s, column, id->bytes, ID_BYTES) == ERR_OK;
}

static void read_row(struct statement *s, struct parked *parked)
{
    struct slice code = column_slice(s, 8);
    struct slice device = column_slice(s, 10);
    *parked = (struct parked){.number = column_int(s, 0),
                              .event_no = column_int(s, 1),
                              .log_no = column_int(s, 2),
                              .open = slice_is(column_slice(s, 3), "open"),
                              .by_ledger = (int)column_int(s, 4) != 0,
                              .seq = column_int(s, 6),
                              .decided = column_int(s, 11)};
    (void)column_id(s, 5, &parked->log);
    parked->has_id = column_id(s, 7, &parked->id);
    (void)snprintf(parked->code, sizeof parked->code, "%.*s", (int)code.len, code.data);
    parked->has_correlation = column_id(s, 9, &parked->correlation);
    (void)snprintf(parked->device, sizeof parked->device, "%.*s", (int)device.len, device.data);
}

static enum err find(struct database *db, const char *key, struct parked *parked,
                     struct fault *fault)
{
    struct id id;
    int64_t number = 0;
    struct statement *s;
    bool row;
    bool is_id = id_parse(slice_of(key), &id) == ERR_OK;
    if (!is_id && json_scan_int(slice_of(key), &number) != ERR_OK)
        return fault_set(fault, ERR_NOT_FOUND, "id", "nothing is parked under it");
    enum err err = database_statement(db, INGEST_PARKED_FIND, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, number);
    if (is_id)
        bind_blob(s, 2, id.bytes, ID_BYTES);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    if (row)
        read_row(s, parked);
    statement_reset(s);
    if (!row)
        return fault_set(fault, ERR_NOT_FOUND, "id", "nothing is parked under it");
    return parked->open ? ERR_OK : fault_set(fault, ERR_CONFLICT, "id", "this was decided before");
}

/* --- Telling --------------------------------------------------------------------------------- */

static const char *const verdicts[] = {
    [PARKED_RESUBMIT] = "resubmitted",
    [PARKED_MEND] = "mended",
    [PARKED_DISCARD] = "discarded",
};

static void write_id(struct jsonw *w, const char *key, const struct id *id)
{
    char text[ID_TEXT + 1];
    id_format(id, text);
    jsonw_text(w, key, text);
}

/*
 * The key of the decision's event: the place in the log and which decision of it this is, so that a
 * restored hub that decides it again gives the event the same id.
 */
static void name_decision(const struct parked *parked, enum parked_verdict verdict,
                          char key[static KEY_MAX])
{
    char log[ID_TEXT + 1];
    id_format(&parked->log, log);
    (void)snprintf(key, KEY_MAX, "%s/%" PRId64 "/%" PRId64 "/%s", log, parked->seq, parked->decided,
                   verdicts[verdict]);
}

/* The decision as an event; `replacement` may be NULL. */
static enum err record(struct database *db, const struct parked *parked,
                       const struct parked_decision *decision, const struct id *replacement,
                       struct fault *fault)
{
    struct buf data CLEANUP(buf_free);
    char told[DEVICE_ID_MAX + 1];
    char key[KEY_MAX];
    buf_init(&data, DATA_MAX);
    name_decision(parked, decision->verdict, key);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    if (parked->has_id)
        write_id(&w, "event_id", &parked->id);
    write_id(&w, "log_id", &parked->log);
    jsonw_int(&w, "seq", parked->seq);
    jsonw_text(&w, "code", parked->code);
    jsonw_text(&w, "verdict", verdicts[decision->verdict]);
    jsonw_text(&w, "reason", decision->reason);
    jsonw_text(&w, "by", decision->by);
    if (replacement)
        write_id(&w, "replacement", replacement);
    jsonw_end(&w);
    struct centre_fact fact = {
        .correlation = parked->correlation,
        .type = EVENT_PARKED_DECIDED,
        .data = buf_slice(&data),
        .now_ms = decision->now_ms,
        .device = parked->device,
        .unordered = true,
        .key = key,
    };
    if (!parked->has_correlation) /* nobody can tell what it was about */
        fact.correlation = parked->has_id ? parked->id : centre_id(&parked->log, "parked", key);
    enum err err = buf_check(&data, fault, "decision");
    return err ? err : centre_record(db, &fact, told, fault);
}

/* --- Deciding -------------------------------------------------------------------------------- */

static enum err set_state(struct database *db, int64_t number, enum parked_verdict verdict,
                          struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_PARKED_STATE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, number);
    bind_text(s, 2, verdicts[verdict]);
    return database_run(db, s, fault);
}

static enum err load_body(struct database *db, int64_t number, struct buf *body,
                          struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_find(db, INGEST_PARKED_BODY, number, &s, &row, fault);
    if (err)
        return err;
    struct slice found = row ? column_slice(s, 0) : (struct slice){"", 0};
    buf_append(body, found.data, found.len);
    statement_reset(s);
    return buf_check(body, fault, "event");
}

static enum err let_go(struct database *db, const struct books *books, const struct parked *parked,
                       int64_t now_ms, struct news *news, struct fault *fault)
{
    if (parked->by_ledger)
        return filing_let_go(db, books, parked->event_no, now_ms, news, fault);
    return news_tell(db, parked->log_no, now_ms, news, fault);
}

static enum err try_again(struct database *db, const struct books *books,
                          const struct parked *parked, int64_t now_ms, struct news *news,
                          struct fault *fault)
{
    if (parked->by_ledger)
        return filing_retry(db, books, parked->event_no, now_ms, news, fault);
    struct buf body CLEANUP(buf_free);
    buf_init(&body, EVENT_BODY_MAX);
    enum err err = reread_event(db, parked->event_no, fault);
    if (!err)
        err = load_body(db, parked->number, &body, fault);
    if (!err)
        err = parked_take(db, books, parked->event_no, buf_slice(&body), now_ms, news, fault);
    return err ? err : news_tell(db, parked->log_no, now_ms, news, fault);
}

static enum err check_data(struct slice data, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    enum err err = json_parse(data, JSON_LIMITS_DEFAULT, &doc, fault);
    if (!err && data.data[strspn(data.data, " \t\r\n")] != '{')
        err = fault_set(fault, ERR_INVALID, "data", "must be an object");
    return err;
}

/* The same data give the same id, other data another. */
static struct id replacement_id(const struct parked *parked, const struct parked_decision *decision)
{
    char hash[SHA256_TEXT + 1];
    char key[KEY_MAX];
    char text[KEY_MAX + SHA256_TEXT + 1];
    const struct sha256 said = sha256_of(decision->data);
    sha256_format(&said, hash);
    name_decision(parked, decision->verdict, key);
    (void)snprintf(text, sizeof text, "%s/%s", key, hash);
    return centre_id(&parked->log, "replacement", text);
}

/* The event as it was, with other data: the fact is the same, and so are its time and its place. */
static enum err say_anew(struct database *db, const struct parked *parked,
                         const struct parked_decision *decision, struct id *replacement,
                         struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    struct arena arena CLEANUP(arena_free);
    struct event event;
    int64_t event_no;
    buf_init(&body, EVENT_BODY_MAX);
    arena_init(&arena, EVENT_BODY_MAX);
    enum err err = check_data(decision->data, fault);
    if (!err)
        err = load_body(db, parked->number, &body, fault);
    if (!err && event_read(buf_slice(&body), &arena, &event, fault) != ERR_OK)
        err = fault_set(fault, ERR_REFUSED, "id", "it can't be read at all, so not be mended");
    if (err)
        return err;
    event.has_replaces = true;
    event.replaces = event.id;
    event.id = replacement_id(parked, decision);
    event.idempotency_key = (struct slice){"", 0};
    event.request_hash = (struct slice){"", 0};
    event.data = decision->data;
    *replacement = event.id;
    return centre_mend(db, &event, parked->device, decision->now_ms, &event_no, fault);
}

static enum err mend(struct database *db, const struct parked *parked,
                     const struct parked_decision *decision, struct id *replacement,
                     struct news *news, struct fault *fault)
{
    enum err err = say_anew(db, parked, decision, replacement, fault);
    if (!err && parked->by_ledger)
        err = filing_replaced(db, parked->event_no, decision->now_ms, fault);
    return err ? err : news_tell(db, parked->log_no, decision->now_ms, news, fault);
}

enum err parked_decide(struct database *db, const struct books *books, const char *key,
                       const struct parked_decision *decision, struct news *news,
                       struct fault *fault)
{
    struct parked parked = {0};
    struct id replacement;
    enum err err = find(db, key, &parked, fault);
    /* First the state: an event that is refused again opens it again. */
    if (!err)
        err = set_state(db, parked.number, decision->verdict, fault);
    if (!err && decision->verdict == PARKED_MEND)
        err = mend(db, &parked, decision, &replacement, news, fault);
    else if (!err && decision->verdict == PARKED_DISCARD)
        err = let_go(db, books, &parked, decision->now_ms, news, fault);
    else if (!err)
        err = try_again(db, books, &parked, decision->now_ms, news, fault);
    return err ? err
               : record(db, &parked, decision,
                        decision->verdict == PARKED_MEND ? &replacement : NULL, fault);
}

/* --- What an appliance asks ------------------------------------------------------------------ */

struct asked {
    struct id log;
    int64_t seq;
    bool discard;
    const char *reason;
};

/* False for what says nothing that could be done. */
static bool read_asked(const struct cJSON *data, struct asked *asked)
{
    const char *log = json_member_text(data, "log_id");
    const char *action = json_member_text(data, "action");
    asked->reason = json_member_text(data, "reason");
    asked->seq = json_member_int(data, "seq", 0);
    asked->discard = action && strcmp(action, "discard") == 0;
    return log && action && asked->reason && id_parse(slice_of(log), &asked->log) == ERR_OK &&
           (asked->discard || strcmp(action, "resubmit") == 0);
}

/* *number is 0 when that device has nothing parked there. */
static enum err find_at(struct database *db, const struct asked *asked, int64_t event_no,
                        int64_t *number, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_PARKED_AT, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, asked->log.bytes, ID_BYTES);
    bind_int(s, 2, asked->seq);
    bind_int(s, 3, event_no);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    *number = row ? column_int(s, 0) : 0;
    statement_reset(s);
    return ERR_OK;
}

/* Whatever a person must decide undoes only this. */
static enum err do_asked(struct database *db, const struct books *books, const struct asked *asked,
                         int64_t number, int64_t now_ms, struct news *news, struct fault *fault)
{
    char key[24];
    struct parked parked = {0};
    (void)snprintf(key, sizeof key, "%lld", (long long)number);
    enum err err = find(db, key, &parked, fault);
    const struct parked_decision decision = {
        .verdict = PARKED_RESUBMIT, .by = parked.device, .reason = asked->reason, .now_ms = now_ms};
    const struct log_exception exception = {.code = "discard_asked",
                                            .device = parked.device,
                                            .log = parked.log,
                                            .seq = parked.seq,
                                            .detail = asked->reason,
                                            .now_ms = now_ms};
    if (!err && asked->discard)
        return log_exception_raise(db, &exception, fault);
    return err ? err : parked_decide(db, books, key, &decision, news, fault);
}

static enum err hear(struct database *db, const struct books *books, int64_t event_no,
                     const struct event *event, int64_t now_ms, struct news *news,
                     struct fault *fault)
{
    struct cJSON *data CLEANUP(json_cleanup) = NULL;
    struct asked asked = {0};
    int64_t number = 0;
    if (json_parse(event->data, JSON_LIMITS_DEFAULT, &data, NULL) != ERR_OK ||
        !read_asked(data, &asked))
        return ERR_OK;
    enum err err = find_at(db, &asked, event_no, &number, fault);
    if (err || !number)
        return err;
    err = database_savepoint(db, fault);
    if (err)
        return err;
    err = do_asked(db, books, &asked, number, now_ms, news, fault);
    if (!err)
        err = database_release(db, fault);
    if (!err)
        return ERR_OK;
    database_rollback_savepoint(db);
    return err_class(err) == ERR_CLASS_PARK ? ERR_OK : err;
}

enum err parked_take(struct database *db, const struct books *books, int64_t event_no,
                     struct slice body, int64_t now_ms, struct news *news, struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    struct event event;
    arena_init(&arena, EVENT_BODY_MAX);
    /* What can't be read as an event was parked when it came. */
    if (event_read(body, &arena, &event, NULL) != ERR_OK)
        return ERR_OK;
    return event.type == EVENT_PARKED_ASKED
               ? hear(db, books, event_no, &event, now_ms, news, fault)
               : filing_take(db, books, event_no, &event, now_ms, news, fault);
}
