#include "sync/hub/connect/follow.h"
#include "sync/hub/connect/expected.h"
#include "sync/hub/connect/home_store.h"
#include "sync/hub/connect/unpaid.h"
#include "sync/hub/ingest/cursor.h"
#include "sync/hub/ingest/exception.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ledger/period.h"

#include <string.h>

enum {
    ARENA_MAX = 1024 * 1024,
    AHEAD_TEXT_MAX = 64 * 1024, /* of a body that is read ahead */
    AHEAD_BYTES_MAX = EXPECTED_EVENTS_MAX * (EVENT_BODY_MAX + 1024),
    MS_PER_S = 1000,
    OFFLINE_S = 60,
};

const char *follow_text(const struct cJSON *object, const char *name)
{
    const char *text = object ? json_member_text(object, name) : NULL;
    return text ? text : "";
}

bool follow_is_ours(const struct follow *f)
{
    return slice_is(f->event.source, "/centre");
}

enum err follow_read_created(struct follow *f)
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

enum err follow_measure(struct follow *f, enum measure measure, int64_t at_ms)
{
    enum err err = follow_read_created(f);
    if (err || !f->created)
        return err;
    return measure_time(f->db, measure, (at_ms - f->created_ms) / MS_PER_S, f->fault);
}

/* It happened a minute or more before it arrived: without the centre. */
bool follow_was_offline(const struct follow *f)
{
    return (f->received_ms - f->event.time_ms) / MS_PER_S >= OFFLINE_S;
}

int64_t follow_day(const struct follow *f)
{
    int64_t day = day_of_ms(f->event.time_ms);
    (void)!day_parse(follow_text(f->data, "business_date"), &day); /* absent: the event's own day */
    return day;
}

enum err follow_count(struct follow *f, const char *name, const char *currency,
                      int64_t amount_minor)
{
    const struct measure_money money = {name, follow_day(f), currency, amount_minor};
    return measure_day(f->db, &money, f->fault);
}

/* --- Exceptions of stores -------------------------------------------------------------------- */

static enum err follow_raised(struct follow *f)
{
    struct id id;
    char device[DEVICE_ID_MAX + 1];
    if (follow_is_ours(f) || id_parse(slice_of(follow_text(f->data, "exception")), &id) != ERR_OK)
        return ERR_OK;
    const struct exception exception = {.code = follow_text(f->data, "code"),
                                        .correlation = f->event.correlation,
                                        .subject = f->event_no,
                                        .detail = follow_text(f->data, "detail"),
                                        .id = &id,
                                        .now_ms = f->now_ms};
    return exception_raise(f->db, &exception, device, f->fault);
}

static enum err follow_resolved(struct follow *f)
{
    struct id id;
    if (follow_is_ours(f) || strcmp(follow_text(f->data, "state"), "resolved") != 0 ||
        id_parse(slice_of(follow_text(f->data, "exception")), &id) != ERR_OK)
        return ERR_OK;
    return exception_resolved_by_store(f->db, &id, follow_text(f->data, "how"), f->now_ms,
                                       f->fault);
}

/* Tax was corrected, or is no longer taken back. */
static enum err follow_taxed(struct follow *f)
{
    return unpaid_end(f->db, &f->event.correlation, f->now_ms, f->fault);
}

/* --- The events ------------------------------------------------------------------------------ */

static const struct handler {
    enum err (*follow)(struct follow *f);
    enum event_type type;
    bool reads_created; /* as a rule */
} handlers[] = {
    {follow_issued, EVENT_REFUND_ISSUED, true},
    {follow_failed, EVENT_REFUND_FAILED, true},
    {follow_disputed, EVENT_RETURN_DISPUTED, false},
    {follow_raised, EVENT_EXCEPTION_RAISED, false},
    {follow_resolved, EVENT_EXCEPTION_RESOLVED, false},
    {follow_created, EVENT_RETURN_CREATED, false},
    {follow_disposed, EVENT_ITEM_DISPOSITIONED, true},
    {follow_settled, EVENT_REFUND_SETTLED, true},
    {follow_completed, EVENT_RETURN_COMPLETED, true},
    {follow_approved, EVENT_RETURN_APPROVED, true},
    {follow_declined, EVENT_RETURN_DECLINED, false},
    {follow_voided, EVENT_RETURN_VOIDED, true},
    {follow_checked, EVENT_RETURN_CHECKED, true},
    {follow_requested, EVENT_REFUND_REQUESTED, false},
    {follow_received, EVENT_ITEM_RECEIVED, false},
    {follow_taxed, EVENT_TAX_ADJUSTED, false},
    {follow_taxed, EVENT_RETURN_CONFLICTED, false},
};

static const struct handler *handler_of(enum event_type type)
{
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
        if (handlers[i].type == type)
            return &handlers[i];
    return NULL;
}

static enum err run_handler(struct follow *f, struct slice body)
{
    /* The ledger read it before: what it can't read is never applied. */
    if (event_read(body, &f->arena, &f->event, NULL) != ERR_OK)
        return ERR_OK;
    const struct handler *handler = handler_of(f->event.type);
    enum err err = home_store_tell(f->db, &f->event, body, f->now_ms, f->told, f->fault);
    if (err || !handler || json_parse(f->event.data, JSON_LIMITS_DEFAULT, &f->data, NULL) != ERR_OK)
        return err;
    return handler->follow(f);
}

/* Applied events in their order, their texts in an arena. */
struct ahead {
    struct next {
        int64_t applied_no;
        int64_t event_no;
        int64_t received_ms;
        const struct handler *handler; /* NULL: nobody cares for it */
        struct id correlation;
        bool ours;         /* the centre said it */
        bool is_long;      /* its body is read when its turn comes */
        struct slice body; /* empty: it isn't followed */
    } events[EXPECTED_EVENTS_MAX];
    size_t count;
    struct arena arena;
};

static enum err copy_body(struct ahead *ahead, struct slice text, struct slice *body,
                          struct fault *fault)
{
    const char *copy = arena_slice_text(&ahead->arena, text);
    if (!copy)
        return fault_set(fault, ERR_NO_MEMORY, "event", "out of memory");
    *body = (struct slice){copy, text.len};
    return ERR_OK;
}

static enum err read_row(struct ahead *ahead, struct statement *s, struct fault *fault)
{
    struct next *next = &ahead->events[ahead->count++];
    *next = (struct next){.applied_no = column_int(s, 0),
                          .event_no = column_int(s, 1),
                          .received_ms = column_int(s, 5)};
    enum event_type type;
    if (!slice_is(column_slice(s, 2), "applied") ||
        event_type_find(column_slice(s, 3), &type) != ERR_OK ||
        (next->handler = handler_of(type)) == NULL)
        return ERR_OK;
    next->ours = column_int(s, 7) != 0;
    if (column_bytes(s, 6, next->correlation.bytes, ID_BYTES) != ERR_OK)
        return fault_set(fault, ERR_CORRUPT, "ledger_event", "a row isn't what it should be");
    next->is_long = column_is_null(s, 4);
    return next->is_long ? ERR_OK : copy_body(ahead, column_slice(s, 4), &next->body, fault);
}

static enum err read_ahead(struct database *db, int64_t cursor, struct ahead *ahead,
                           struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = database_statement(db, INGEST_FOLLOW_AHEAD, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, cursor);
    bind_int(s, 2, EXPECTED_EVENTS_MAX);
    bind_int(s, 3, AHEAD_TEXT_MAX);
    while (!err && ahead->count < EXPECTED_EVENTS_MAX &&
           (err = database_step(db, s, &row, fault)) == ERR_OK && row)
        err = read_row(ahead, s, fault);
    statement_reset(s);
    return err;
}

static enum err ask_of_return(struct database *db, size_t statement, const struct id *correlation,
                              struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, statement, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, correlation->bytes, ID_BYTES);
    return database_ask(db, s, fault);
}

/* Asks a server at once for all that these events will need and that none of them changes. */
static enum err ask_ahead(struct database *db, const struct ahead *ahead, int64_t now_ms,
                          struct fault *fault)
{
    enum err err = ERR_OK;
    for (size_t i = 0; !err && database_asks(db) && i < ahead->count; i++) {
        const struct next *next = &ahead->events[i];
        const struct id *correlation = &next->correlation;
        if (!next->handler)
            continue;
        err = home_store_ask(db, next->handler->type, next->ours, correlation, now_ms, fault);
        if (!err && next->handler->reads_created)
            err = ask_of_return(db, INGEST_CREATED_OF_RETURN, correlation, fault);
        if (!err && next->handler->type == EVENT_REFUND_ISSUED)
            err = ask_of_return(db, INGEST_COMPANY_OF_RETURN, correlation, fault);
    }
    return err;
}

static enum err read_long(struct database *db, struct ahead *ahead, struct next *next,
                          struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_LEDGER_EVENT_BODY, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, next->event_no);
    err = database_step(db, s, &row, fault);
    if (!err && row)
        err = copy_body(ahead, column_slice(s, 0), &next->body, fault);
    statement_reset(s);
    return err;
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
    enum err err = run_handler(&f, next->body);
    json_free(f.data);
    json_free(f.created);
    arena_free(&f.arena);
    return err;
}

static enum err follow_all(struct database *db, struct ahead *ahead, int64_t now_ms,
                           struct told *told, struct fault *fault)
{
    enum err err = ask_ahead(db, ahead, now_ms, fault);
    for (size_t i = 0; !err && i < ahead->count; i++) {
        struct next *next = &ahead->events[i];
        if (next->is_long)
            err = read_long(db, ahead, next, fault);
        if (!err && next->body.len)
            err = follow_one(db, next, now_ms, told, fault);
    }
    return err;
}

enum err expected_follow(struct database *db, int64_t now_ms, struct told *told, bool *more,
                         struct fault *fault)
{
    struct ahead ahead = {.count = 0};
    int64_t cursor = 0;
    arena_init(&ahead.arena, AHEAD_BYTES_MAX);
    enum err err = cursor_read(db, INGEST_FOLLOW_CURSOR, &cursor, fault);
    if (!err)
        err = read_ahead(db, cursor, &ahead, fault);
    if (!err)
        err = follow_all(db, &ahead, now_ms, told, fault);
    if (!err && ahead.count)
        err = cursor_move(db, INGEST_FOLLOW_CURSOR_MOVE, ahead.events[ahead.count - 1].applied_no,
                          fault);
    arena_free(&ahead.arena);
    if (!err)
        *more = ahead.count == EXPECTED_EVENTS_MAX;
    return err;
}
