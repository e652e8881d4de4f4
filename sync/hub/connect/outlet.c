#include "sync/hub/connect/outlet.h"
#include "sync/hub/connect/connector_list.h"
#include "sync/hub/connect/outlet_message.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stdlib.h>

enum { BATCH_MAX = 20, SCAN_MAX = 1000, LEASE_MS = 60 * 1000 };

/* One event on its way. */
struct delivery {
    int64_t event_no;
    int64_t applied_no; /* 0: it was parked, and is tried once more out of its turn */
    struct buf body;
    enum err err;
    bool answered; /* it failed by an answer, and not for want of one */
    struct fault why;
};

struct outlet {
    struct outlet_parts parts;
    struct courier *courier;
    struct http_call *http;
    struct http_answer answer;
    struct id holder; /* this process, among hubs on one database */
    int64_t cursor;   /* passed in the database */
    int64_t scanned;  /* looked at in this batch */
    int64_t tries;    /* of the first that wasn't taken */
    struct delivery items[BATCH_MAX];
    size_t count;
    size_t carried;
};

/* --- Picking --------------------------------------------------------------------------------- */

static enum err add(struct outlet *outlet, struct database *db, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_OUTLET_ADD, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, outlet->parts.config->name);
    return database_run(db, s, fault);
}

/* *held: no other hub is at it. */
static enum err hold(struct outlet *outlet, struct database *db, int64_t now_ms, bool *held,
                     struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_OUTLET_HOLD, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, outlet->parts.config->name);
    bind_blob(s, 2, outlet->holder.bytes, ID_BYTES);
    bind_int(s, 3, now_ms);
    bind_int(s, 4, now_ms + LEASE_MS);
    err = database_step(db, s, held, fault);
    if (err)
        return err;
    if (*held) {
        outlet->cursor = column_int(s, 0);
        outlet->tries = column_int(s, 1);
    }
    statement_reset(s);
    return ERR_OK;
}

static enum err keep(struct outlet *outlet, int64_t event_no, int64_t applied_no, struct slice body,
                     struct fault *fault)
{
    struct delivery *item = &outlet->items[outlet->count++];
    item->event_no = event_no;
    item->applied_no = applied_no;
    item->err = ERR_OK;
    item->answered = false;
    buf_reset(&item->body);
    buf_append(&item->body, body.data, body.len);
    return buf_check(&item->body, fault, "event");
}

static enum err pick_again(struct outlet *outlet, struct database *db, size_t limit,
                           struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = database_statement(db, INGEST_DELIVERY_READY, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, outlet->parts.config->name);
    bind_int(s, 2, (int64_t)limit);
    while (!err && (err = database_step(db, s, &row, fault)) == ERR_OK && row)
        err = keep(outlet, column_int(s, 0), 0, column_slice(s, 1), fault);
    statement_reset(s);
    return err;
}

static bool wants(const struct outlet *outlet, struct slice type)
{
    enum event_type found;
    return event_type_find(type, &found) == ERR_OK && outlet->parts.config->wanted[found];
}

static enum err pick_next(struct outlet *outlet, struct database *db, bool *found,
                          struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_OUTLET_NEXT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, outlet->scanned);
    err = database_step(db, s, found, fault);
    if (err || !*found)
        return err;
    outlet->scanned = column_int(s, 0);
    if (slice_is(column_slice(s, 2), "applied") && wants(outlet, column_slice(s, 3)))
        err = keep(outlet, column_int(s, 1), outlet->scanned, column_slice(s, 4), fault);
    statement_reset(s);
    return err;
}

static enum err move(struct outlet *outlet, struct database *db, int64_t cursor, int64_t tries,
                     struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_OUTLET_MOVE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, outlet->parts.config->name);
    bind_blob(s, 2, outlet->holder.bytes, ID_BYTES);
    bind_int(s, 3, cursor);
    bind_int(s, 4, tries);
    return database_run(db, s, fault);
}

static enum err pick(void *self, struct database *db, size_t limit, int64_t now_ms, size_t *count,
                     struct fault *fault)
{
    struct outlet *outlet = self;
    bool held = false;
    bool found = true;
    outlet->count = 0;
    outlet->carried = 0;
    enum err err = add(outlet, db, fault);
    if (!err)
        err = hold(outlet, db, now_ms, &held, fault);
    if (err || !held)
        return err;
    outlet->scanned = outlet->cursor;
    err = pick_again(outlet, db, limit, fault);
    for (int i = 0; !err && found && outlet->count < limit && i < SCAN_MAX; i++)
        err = pick_next(outlet, db, &found, fault);
    *count = outlet->count;
    /*
     * No event that was looked at is for this outlet: the cursor passes them, and another hub may
     * hold the outlet next.
     */
    if (!err && !outlet->count)
        err = move(outlet, db, outlet->scanned, outlet->tries, fault);
    return err;
}

/* --- Carrying -------------------------------------------------------------------------------- */

/*
 * The other side is busy or away, and would answer this to any message: waited for like one that
 * can't be reached.
 */
static bool is_away(int status)
{
    return status == 429 || status == 503;
}

static bool is_refusal(int status)
{
    static const int refusals[] = {400, 409, 410, 413, 415, 422};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (refusals[i] == status)
            return true;
    return false;
}

static enum err deliver(struct outlet *outlet, struct delivery *item)
{
    struct outlet_message message;
    int64_t now_ms = clock_wall_ms(outlet->parts.clock);
    outlet_message_init(&message);
    enum err err = outlet_message_write(&message, outlet->parts.config, buf_slice(&item->body),
                                        now_ms, &item->why);
    if (!err)
        err = http_call_run(outlet->http, &message.request, &outlet->answer, &item->why);
    outlet_message_free(&message);
    item->answered = err == ERR_OK || err == ERR_UNKNOWN_OUTCOME;
    if (err)
        return err;
    int status = outlet->answer.status;
    if (status >= 200 && status < 300)
        return ERR_OK;
    item->answered = !is_away(status);
    bool moved = status >= 300 && status < 400;
    return fault_set(&item->why, is_refusal(status) ? ERR_REFUSED : ERR_BUSY,
                     outlet->parts.config->name, "answers %d%s", status,
                     moved ? ": redirects are not followed, give its new address" : "");
}

static int64_t asked_pause_ms(void *self)
{
    const struct outlet *outlet = self;
    return outlet->answer.retry_after_ms;
}

static enum err carry(void *self, size_t job, struct fault *fault)
{
    struct outlet *outlet = self;
    struct delivery *item = &outlet->items[job];
    item->err = deliver(outlet, item);
    outlet->carried = job + 1;
    if (item->err)
        *fault = item->why;
    return item->err;
}

/* --- Recording ------------------------------------------------------------------------------- */

static enum err park(struct outlet *outlet, struct database *db, const struct delivery *item,
                     int64_t now_ms, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_DELIVERY_PARK, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, outlet->parts.config->name);
    bind_int(s, 2, item->event_no);
    bind_text(s, 3, err_name(item->err));
    bind_text(s, 4, item->why.text);
    bind_int(s, 5, now_ms);
    return database_run(db, s, fault);
}

static enum err note_delivered(struct outlet *outlet, struct database *db,
                               const struct delivery *item, int64_t now_ms, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_DELIVERY_DONE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, outlet->parts.config->name);
    bind_int(s, 2, item->event_no);
    bind_int(s, 3, now_ms);
    return database_run(db, s, fault);
}

/* True for one that isn't tried again by itself. Counts the try. */
static bool is_given_up(struct outlet *outlet, const struct delivery *item)
{
    if (err_class(item->err) == ERR_CLASS_PARK)
        return true;
    outlet->tries += item->answered;
    return outlet->tries >= outlet->parts.config->park_after;
}

static enum err record(void *self, struct database *db, int64_t now_ms, struct fault *fault)
{
    struct outlet *outlet = self;
    int64_t passed = outlet->cursor;
    bool waits = outlet->carried < outlet->count;
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < outlet->carried; i++) {
        const struct delivery *item = &outlet->items[i];
        if (item->err && !is_given_up(outlet, item)) {
            waits = true;
            break;
        }
        outlet->tries = 0;
        if (item->err)
            err = park(outlet, db, item, now_ms, fault);
        else if (!item->applied_no)
            err = note_delivered(outlet, db, item, now_ms, fault);
        if (item->applied_no)
            passed = item->applied_no;
    }
    return err ? err : move(outlet, db, waits ? passed : outlet->scanned, outlet->tries, fault);
}

static void told(void *self)
{
    (void)self;
}

/* --- Life ------------------------------------------------------------------------------------ */

static void destroy(void *self)
{
    struct outlet *outlet = self;
    http_call_close(outlet->http);
    buf_free(&outlet->answer.body);
    for (size_t i = 0; i < BATCH_MAX; i++)
        buf_free(&outlet->items[i].body);
    free(outlet);
}

static const struct courier_ops ops = {
    .name = CONNECTOR_OUTLET,
    .batch_max = BATCH_MAX,
    .batch_bytes = sizeof(struct outlet),
    .pick = pick,
    .carry = carry,
    .asked_pause_ms = asked_pause_ms,
    .record = record,
    .told = told,
    .close = destroy,
};

enum err outlet_open(struct outlet **out, struct loop *loop, const struct outlet_parts *parts,
                     struct fault *fault)
{
    struct id_source ids;
    const struct http_call_config http = {parts->config->ca_file, parts->config->timeout_ms};
    struct outlet *outlet = calloc(1, sizeof *outlet);
    if (!outlet)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    id_source_init(&ids, NULL, NULL);
    outlet->parts = *parts;
    outlet->holder = id_next(&ids, clock_wall_ms(parts->clock));
    buf_init(&outlet->answer.body, HTTP_ANSWER_MAX);
    for (size_t i = 0; i < BATCH_MAX; i++)
        buf_init(&outlet->items[i].body, EVENT_BODY_MAX);
    enum err err = http_call_open(&outlet->http, &http, fault);
    if (err) {
        destroy(outlet);
        return err;
    }
    const struct courier_config courier = {
        .ops = &ops,
        .name = parts->config->name,
        .self = outlet,
        .worker = parts->worker,
        .clock = parts->clock,
        .diag = parts->diag,
        .gate = parts->gate,
    };
    err = courier_open(&outlet->courier, loop, &courier, fault);
    if (!err)
        *out = outlet;
    return err;
}

void outlet_close(struct outlet *outlet)
{
    if (outlet)
        courier_close(outlet->courier);
}

void outlet_wake(struct outlet *outlet)
{
    courier_wake(outlet->courier);
}

bool outlet_waits(const struct outlet *outlet)
{
    return courier_waits(outlet->courier);
}

enum err outlet_release(struct database *db, struct fault *fault)
{
    return database_run_plain(db, INGEST_OUTLET_RELEASE, fault);
}

enum err outlet_decide(struct database *db, int64_t delivery_no, bool discard, int64_t now_ms,
                       struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_DELIVERY_DECIDE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, delivery_no);
    bind_text(s, 2, discard ? "discarded" : "ready");
    bind_int(s, 3, now_ms);
    err = database_run(db, s, fault);
    if (!err && database_changes(db) == 0)
        return fault_set(fault, ERR_NOT_FOUND, "id", "no such delivery is parked");
    return err;
}
