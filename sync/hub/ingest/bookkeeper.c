#include "sync/hub/ingest/bookkeeper.h"
#include "hal/base/cleanup.h"
#include "sync/hub/ingest/cursor.h"
#include "sync/hub/ingest/daybook.h"
#include "sync/hub/ingest/filing.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/parked.h"

#include <stdlib.h>

/* The event behind the cursor, its body copied; *found false at the end. */
static enum err next_event(struct database *db, int64_t *cursor, bool *found, bool *nameless,
                           struct buf *body, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_LEDGER_NEXT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, *cursor);
    err = database_step(db, s, found, fault);
    if (err || !*found)
        return err;
    struct slice text = column_slice(s, 2);
    *cursor = column_int(s, 0);
    *nameless = (int)column_int(s, 1) != 0;
    buf_reset(body);
    if (!*nameless)
        buf_append(body, text.data, text.len);
    statement_reset(s);
    return buf_check(body, fault, "event");
}

static enum err take(struct database *db, const struct books *books, int64_t event_no,
                     int64_t now_ms, struct news *news, struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    int64_t cursor = event_no - 1;
    bool found = false;
    bool nameless = true;
    buf_init(&body, EVENT_BODY_MAX);
    enum err err = next_event(db, &cursor, &found, &nameless, &body, fault);
    if (err || !found || nameless || cursor != event_no)
        return err ? err : fault_set(fault, ERR_NOT_FOUND, "event", "there is no such event");
    return parked_take(db, books, event_no, buf_slice(&body), now_ms, news, fault);
}

/* --- A step, event by event ------------------------------------------------------------------ */

static enum err step_singly(struct database *db, const struct books *books, int64_t now_ms,
                            int64_t *cursor, struct news *news, struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    enum err err = ERR_OK;
    bool found = true;
    bool nameless;
    buf_init(&body, EVENT_BODY_MAX);
    while (!err && found && news->seen < DAYBOOK_EVENTS_MAX) {
        err = next_event(db, cursor, &found, &nameless, &body, fault);
        if (err || !found)
            break;
        news->seen++;
        if (!nameless)
            err = parked_take(db, books, *cursor, buf_slice(&body), now_ms, news, fault);
    }
    news->more = found;
    return err;
}

/* --- A step, all together -------------------------------------------------------------------- */

enum { AHEAD_TEXT_MAX = 64 * 1024, AHEAD_BYTES_MAX = DAYBOOK_EVENTS_MAX * 1024 * 1024 };

/* An event to look at. */
struct ahead {
    bool nameless;
    bool is_long; /* it, or what there is of its return: not read here */
    struct id correlation;
    struct event event;
    struct slice body;
    struct daybook_event in_books;
};

struct step {
    struct database *db;
    const struct books *books;
    int64_t now_ms;
    struct news *news;
    struct fault *fault;
    struct arena arena; /* of all texts */
    struct ahead ahead[DAYBOOK_EVENTS_MAX];
    size_t count;
    struct daybook *daybook;
};

static enum err copy_column(struct step *step, struct statement *s, int column, struct slice *copy)
{
    struct slice text = column_slice(s, column);
    const char *copied = arena_slice_text(&step->arena, text);
    if (!copied)
        return fault_set(step->fault, ERR_NO_MEMORY, "event", "out of memory");
    *copy = (struct slice){copied, text.len};
    return ERR_OK;
}

static enum err read_row(struct step *step, struct statement *s, struct ahead *ahead)
{
    *ahead = (struct ahead){
        .nameless = (int)column_int(s, 1) != 0,
        .in_books = {.event_no = column_int(s, 0),
                     .received_ms = column_int(s, 2),
                     .event = &ahead->event,
                     .waits = column_int(s, 7) > 0},
    };
    if (ahead->nameless)
        return ERR_OK;
    ahead->is_long = column_is_null(s, 4) || column_int(s, 6) > AHEAD_TEXT_MAX;
    enum err err = column_bytes(s, 3, ahead->correlation.bytes, ID_BYTES);
    if (err || ahead->is_long)
        return err ? fault_set(step->fault, err, "event", "a row isn't what it should be") : ERR_OK;
    err = copy_column(step, s, 4, &ahead->body);
    return err || column_is_null(s, 5) ? err : copy_column(step, s, 5, &ahead->in_books.position);
}

static enum err read_ahead(struct step *step, int64_t cursor)
{
    struct statement *s;
    bool row = true;
    enum err err = database_statement(step->db, INGEST_LEDGER_AHEAD, &s, step->fault);
    if (err)
        return err;
    bind_int(s, 1, cursor);
    bind_int(s, 2, DAYBOOK_EVENTS_MAX);
    bind_int(s, 3, AHEAD_TEXT_MAX);
    while (!err && step->count < DAYBOOK_EVENTS_MAX &&
           (err = database_step(step->db, s, &row, step->fault)) == ERR_OK && row)
        err = read_row(step, s, &step->ahead[step->count++]);
    statement_reset(s);
    return err;
}

/* *last: what comes after it must be read anew. */
static enum err look_at(struct step *step, struct ahead *ahead, bool *last)
{
    bool booked = false;
    enum err err = ERR_OK;
    if (ahead->nameless)
        return ERR_OK;
    if (!ahead->is_long) {
        if (event_read(ahead->body, &step->arena, &ahead->event, NULL) != ERR_OK)
            return ERR_OK; /* it was parked when it came */
        if (filing_wants(ahead->event.type))
            err = daybook_book(step->daybook, &ahead->in_books, &booked);
        else if (ahead->event.type == EVENT_PARKED_ASKED)
            *last = true; /* of any return */
    }
    if (err || booked)
        return err;
    err = daybook_set_apart(step->daybook, &ahead->correlation);
    return err ? err
               : take(step->db, step->books, ahead->in_books.event_no, step->now_ms, step->news,
                      step->fault);
}

static enum err look_at_all(struct step *step, int64_t *cursor)
{
    bool last = false;
    enum err err = read_ahead(step, *cursor);
    if (!err)
        err = daybook_open(&step->daybook, step->db, step->books, step->now_ms, step->news,
                           step->fault);
    for (size_t i = 0; !err && !last && i < step->count; i++) {
        *cursor = step->ahead[i].in_books.event_no;
        step->news->seen++;
        err = look_at(step, &step->ahead[i], &last);
    }
    step->news->more = last || step->count == DAYBOOK_EVENTS_MAX;
    return err ? err : daybook_write(step->daybook);
}

static enum err step_together(struct database *db, const struct books *books, int64_t now_ms,
                              int64_t *cursor, struct news *news, struct fault *fault)
{
    struct step *step = calloc(1, sizeof *step);
    if (!step)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    step->db = db;
    step->books = books;
    step->now_ms = now_ms;
    step->news = news;
    step->fault = fault;
    arena_init(&step->arena, AHEAD_BYTES_MAX);
    enum err err = database_savepoint(db, fault);
    if (!err) {
        err = look_at_all(step, cursor);
        if (!err)
            err = database_release(db, fault);
        if (err)
            database_rollback_savepoint(db);
    }
    daybook_close(step->daybook);
    arena_free(&step->arena);
    free(step);
    return err;
}

/* What goes wrong with one event of many is found by taking them one by one. */
enum err bookkeeper_step(struct database *db, const struct books *books, int64_t now_ms,
                         struct news *news, struct fault *fault)
{
    int64_t cursor = 0;
    *news = (struct news){0};
    enum err err = cursor_read(db, INGEST_LEDGER_CURSOR, &cursor, fault);
    const int64_t from = cursor;
    if (!err)
        err = step_together(db, books, now_ms, &cursor, news, fault);
    if (err_class(err) == ERR_CLASS_PARK) {
        *news = (struct news){0};
        cursor = from;
        err = step_singly(db, books, now_ms, &cursor, news, fault);
    }
    return err || !news->seen ? err : cursor_move(db, INGEST_LEDGER_CURSOR_MOVE, cursor, fault);
}
