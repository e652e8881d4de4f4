#include "sync/hub/ingest/bookkeeper.h"
#include "hal/base/cleanup.h"
#include "sync/contract/ack.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/journal.h"
#include "sync/hub/ledger/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    ARENA_MAX = 128 * 1024 * 1024,
    CANDIDATES_MAX = 64,
    ROUNDS_MAX = 16, /* at one desk, which only grows */
};

/* One return at work: its position as it grows, written back once. */
struct desk {
    struct database *db;
    const struct books *books;
    int64_t now_ms;
    struct bookkeeper_news *news;
    struct id correlation;
    struct arena arena;
    struct cJSON *document; /* the stored position's */
    struct position position;
    bool moved;
    bool unfinished; /* more of what is held may have its turn */
    struct fault *fault;
};

/* An event with the row it came from; the body is its own copy. */
struct filed {
    int64_t event_no;
    int64_t received_ms;
    int64_t log_no;
    int64_t seq;
    struct buf body;
    struct event event;
};

enum outcome { APPLIED, HELD, PARKED };

static enum err desk_open(struct desk *desk, struct database *db, const struct books *books,
                          const struct id *correlation, int64_t now_ms,
                          struct bookkeeper_news *news, struct fault *fault)
{
    *desk = (struct desk){.db = db,
                          .books = books,
                          .now_ms = now_ms,
                          .news = news,
                          .correlation = *correlation,
                          .fault = fault};
    arena_init(&desk->arena, ARENA_MAX);
    return journal_position(db, correlation, &desk->arena, &desk->document, &desk->position, fault);
}

static void desk_close(struct desk *desk)
{
    json_free(desk->document);
    arena_free(&desk->arena);
}

static enum err desk_save(struct desk *desk)
{
    return desk->moved
               ? journal_keep_position(desk->db, &desk->correlation, &desk->position, desk->fault)
               : ERR_OK;
}

/* --- Events ---------------------------------------------------------------------------------- */

static enum err load_body(struct desk *desk, int64_t event_no, struct filed *filed)
{
    sqlite3_stmt *s;
    bool row;
    enum err err = database_statement(desk->db, INGEST_LEDGER_EVENT_BODY, &s, desk->fault);
    if (err)
        return err;
    bind_int(s, 1, event_no);
    err = database_step(desk->db, s, &row, desk->fault);
    if (err)
        return err;
    if (row) {
        struct slice body = column_slice(s, 0);
        buf_append(&filed->body, body.data, body.len);
        filed->event_no = event_no;
        filed->received_ms = sqlite3_column_int64(s, 1);
        filed->log_no = sqlite3_column_int64(s, 2);
        filed->seq = sqlite3_column_int64(s, 3);
    }
    sqlite3_reset(s);
    return row ? buf_check(&filed->body, desk->fault, "event")
               : fault_set(desk->fault, ERR_REFUSED, "event", "a filed event is missing");
}

/* The stored event; its texts live in the desk's arena or in filed->body. */
static enum err load(struct desk *desk, int64_t event_no, struct filed *filed)
{
    *filed = (struct filed){0};
    buf_init(&filed->body, EVENT_BODY_MAX);
    enum err err = load_body(desk, event_no, filed);
    if (!err)
        err = event_read(buf_slice(&filed->body), &desk->arena, &filed->event, desk->fault);
    return err;
}

static enum err mark(struct desk *desk, int64_t event_no, const char *state)
{
    sqlite3_stmt *s;
    enum err err = database_statement(desk->db, INGEST_LEDGER_MARK, &s, desk->fault);
    if (err)
        return err;
    bind_int(s, 1, event_no);
    bind_text(s, 2, state);
    return database_run(desk->db, s, desk->fault);
}

/* --- Parking --------------------------------------------------------------------------------- */

static const char *reason_code(enum err err)
{
    switch (err) {
    case ERR_INVALID:
        return "invalid_data";
    case ERR_REFUSED:
        return "refused_by_ledger";
    case ERR_CONFLICT:
        return "contradicts_return";
    case ERR_NOT_FOUND:
        return "unmapped_code";
    default:
        return "beyond_limits";
    }
}

enum err bookkeeper_tell(struct database *db, int64_t log_no, int64_t now_ms,
                         struct bookkeeper_news *news, struct fault *fault)
{
    sqlite3_stmt *s;
    bool row;
    enum err err = database_statement(db, INGEST_LOG_NEWS, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log_no);
    bind_int(s, 2, now_ms);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    if (row && news->log_count < BOOKKEEPER_LOGS_MAX) {
        struct bookkeeper_log *log = &news->logs[news->log_count];
        struct slice device = column_slice(s, 1);
        (void)snprintf(log->device, sizeof log->device, "%.*s", (int)device.len, device.data);
        if (column_bytes(s, 0, log->id.bytes, ID_BYTES) == ERR_OK)
            news->log_count++;
    }
    sqlite3_reset(s);
    return ERR_OK;
}

static enum err note_log(struct desk *desk, int64_t log_no)
{
    return bookkeeper_tell(desk->db, log_no, desk->now_ms, desk->news, desk->fault);
}

static enum err park(struct desk *desk, const struct filed *filed, const char *code,
                     const struct fault *why)
{
    char detail[ACK_DETAIL_MAX];
    sqlite3_stmt *s;
    (void)snprintf(detail, sizeof detail, "%.60s%s%.180s", why->where, *why->where ? ": " : "",
                   why->text);
    enum err err = database_statement(desk->db, INGEST_PARKED_BY_LEDGER, &s, desk->fault);
    if (err)
        return err;
    bind_int(s, 1, filed->log_no);
    bind_int(s, 2, filed->seq);
    bind_int(s, 3, filed->event_no);
    bind_blob(s, 4, filed->event.id.bytes, ID_BYTES);
    bind_text(s, 5, code);
    bind_text(s, 6, detail);
    bind_int(s, 7, desk->now_ms);
    err = database_run(desk->db, s, desk->fault);
    if (!err)
        err = mark(desk, filed->event_no, "parked");
    if (!err)
        err = note_log(desk, filed->log_no);
    if (!err)
        desk->news->parked++;
    return err;
}

/* --- Applying -------------------------------------------------------------------------------- */

static enum err keep_entries(struct desk *desk, const struct filed *filed,
                             const struct ledger_result *result)
{
    const struct journal_origin origin = {desk->correlation, filed->event_no, filed->received_ms};
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < result->count; i++)
        err = journal_add(desk->db, &origin, &result->entries[i], desk->fault);
    return err;
}

static enum err apply_milestone(struct desk *desk, const struct filed *filed,
                                const struct milestone *milestone, const char *state)
{
    struct ledger_result result = {0};
    enum err err =
        ledger_apply(desk->books, &desk->position, milestone, &desk->arena, &result, desk->fault);
    if (!err)
        err = database_savepoint(desk->db, desk->fault);
    if (err)
        return err;
    err = keep_entries(desk, filed, &result);
    if (!err)
        err = mark(desk, filed->event_no, state);
    if (err) {
        database_rollback_savepoint(desk->db);
        return err;
    }
    desk->position = result.after;
    desk->moved = true;
    desk->news->applied++;
    desk->news->entries += (int64_t)result.count;
    return database_release(desk->db, desk->fault);
}

static enum err apply_or_park(struct desk *desk, const struct filed *filed,
                              const struct milestone *milestone, enum outcome *outcome)
{
    struct fault why = {0};
    enum ledger_turn turn = ledger_turn(&desk->position, milestone);
    *outcome = HELD;
    if (turn == LEDGER_HELD)
        return ERR_OK;
    if (turn == LEDGER_DONE) {
        *outcome = PARKED;
        (void)fault_set(&why, ERR_CONFLICT, "sequence",
                        "another event took the place %" PRId64 " of its return",
                        milestone->sequence);
        return park(desk, filed, "sequence_conflict", &why);
    }
    enum err err = apply_milestone(desk, filed, milestone, "applied");
    if (err == ERR_BUSY)
        return ERR_OK;
    *outcome = err ? PARKED : APPLIED;
    if (err_class(err) != ERR_CLASS_PARK)
        return err;
    why = *desk->fault;
    return park(desk, filed, reason_code(err), &why);
}

static enum err try_event(struct desk *desk, int64_t event_no, enum outcome *outcome)
{
    struct filed filed;
    struct milestone milestone = {0};
    enum err err = load(desk, event_no, &filed);
    if (!err) {
        err = milestone_read(&filed.event, &desk->arena, &milestone, desk->fault);
        if (!err) {
            err = apply_or_park(desk, &filed, &milestone, outcome);
        } else if (err_class(err) == ERR_CLASS_PARK) {
            const struct fault why = *desk->fault;
            *outcome = PARKED;
            err = park(desk, &filed, "invalid_data", &why);
        }
    }
    milestone_close(&milestone);
    buf_free(&filed.body);
    return err;
}

static enum err list_candidates(struct desk *desk, int64_t events[static CANDIDATES_MAX],
                                size_t *count)
{
    sqlite3_stmt *s;
    bool row = true;
    *count = 0;
    enum err err = database_statement(desk->db, INGEST_LEDGER_CANDIDATES, &s, desk->fault);
    if (err)
        return err;
    bind_blob(s, 1, desk->correlation.bytes, ID_BYTES);
    while ((err = database_step(desk->db, s, &row, desk->fault)) == ERR_OK && row)
        if (*count < CANDIDATES_MAX)
            events[(*count)++] = sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    return err;
}

/* Applies what is held of the return, as far as its order allows. */
static enum err work_through(struct desk *desk)
{
    int64_t events[CANDIDATES_MAX];
    size_t count;
    bool progress = true;
    enum err err = ERR_OK;
    for (int rounds = 0; !err && progress && rounds < ROUNDS_MAX; rounds++) {
        progress = false;
        err = list_candidates(desk, events, &count);
        for (size_t i = 0; !err && i < count; i++) {
            enum outcome outcome = HELD;
            err = try_event(desk, events[i], &outcome);
            progress = progress || outcome != HELD;
        }
    }
    desk->unfinished = progress;
    return err;
}

static enum err work_at_desk(struct desk *desk)
{
    enum err err = work_through(desk);
    return err ? err : desk_save(desk);
}

/* The same at fresh desks until nothing has its turn any more. */
static enum err work_return(struct database *db, const struct books *books,
                            const struct id *correlation, int64_t now_ms,
                            struct bookkeeper_news *news, struct fault *fault)
{
    bool unfinished = true;
    enum err err = ERR_OK;
    while (!err && unfinished) {
        struct desk desk;
        err = desk_open(&desk, db, books, correlation, now_ms, news, fault);
        if (!err)
            err = work_at_desk(&desk);
        if (err == ERR_NO_MEMORY && desk.arena.used > ARENA_MAX / 2)
            err = fault_set(fault, ERR_TOO_LARGE, "return", "has grown beyond what can be booked");
        unfinished = desk.unfinished;
        desk_close(&desk);
    }
    return err;
}

/* --- New events ------------------------------------------------------------------------------ */

/* True for events that have a place in the life of a return. */
static bool is_of_return(const struct event *event)
{
    switch (event->type) {
    case EVENT_SALE_RECORDED:
    case EVENT_SALE_PUSHED:
    case EVENT_PERIPHERAL_CHANGED:
    case EVENT_CONFIG_APPLIED:
    case EVENT_CLOCK_SYNCHRONISED:
        return false;
    default:
        return true;
    }
}

static enum err insert_filed(struct database *db, int64_t event_no, const struct event *event,
                             struct fault *fault)
{
    sqlite3_stmt *s;
    enum err err = database_statement(db, INGEST_LEDGER_FILE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, event_no);
    bind_blob(s, 2, event->correlation.bytes, ID_BYTES);
    bind_slice(s, 3, event->source);
    bind_int(s, 4, event->sequence);
    return database_run(db, s, fault);
}

/* Nobody can tell where the return stands: its event waits for a person, other returns go on. */
static enum err park_unplaced(struct database *db, int64_t event_no, int64_t now_ms,
                              struct bookkeeper_news *news, struct fault *fault)
{
    const struct fault why = *fault;
    struct filed filed;
    struct desk desk = {.db = db, .now_ms = now_ms, .news = news, .fault = fault};
    arena_init(&desk.arena, ARENA_MAX);
    enum err err = load(&desk, event_no, &filed);
    if (!err)
        err = park(&desk, &filed, reason_code(why.code), &why);
    buf_free(&filed.body);
    desk_close(&desk);
    return err;
}

static enum err take_in(struct database *db, const struct books *books, int64_t event_no,
                        struct slice body, int64_t now_ms, struct bookkeeper_news *news,
                        struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    struct event event;
    arena_init(&arena, EVENT_BODY_MAX);
    /* What can't be read as an event was parked when it came. */
    if (event_read(body, &arena, &event, NULL) != ERR_OK || !is_of_return(&event))
        return ERR_OK;
    enum err err = insert_filed(db, event_no, &event, fault);
    if (!err)
        err = database_savepoint(db, fault);
    if (err)
        return err;
    err = work_return(db, books, &event.correlation, now_ms, news, fault);
    if (!err)
        return database_release(db, fault);
    database_rollback_savepoint(db);
    return err_class(err) == ERR_CLASS_PARK ? park_unplaced(db, event_no, now_ms, news, fault)
                                            : err;
}

static enum err read_cursor(struct database *db, int64_t *cursor, struct fault *fault)
{
    sqlite3_stmt *s;
    bool row;
    enum err err = database_statement(db, INGEST_LEDGER_CURSOR, &s, fault);
    if (!err)
        err = database_step(db, s, &row, fault);
    if (err)
        return err;
    *cursor = row ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_reset(s);
    return ERR_OK;
}

static enum err move_cursor(struct database *db, int64_t cursor, struct fault *fault)
{
    sqlite3_stmt *s;
    enum err err = database_statement(db, INGEST_LEDGER_CURSOR_MOVE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, cursor);
    return database_run(db, s, fault);
}

/* The event behind the cursor, its body copied; *found false at the end. */
static enum err next_event(struct database *db, int64_t *cursor, bool *found, bool *nameless,
                           struct buf *body, struct fault *fault)
{
    sqlite3_stmt *s;
    enum err err = database_statement(db, INGEST_LEDGER_NEXT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, *cursor);
    err = database_step(db, s, found, fault);
    if (err || !*found)
        return err;
    struct slice text = column_slice(s, 2);
    *cursor = sqlite3_column_int64(s, 0);
    *nameless = sqlite3_column_int(s, 1) != 0;
    buf_reset(body);
    if (!*nameless)
        buf_append(body, text.data, text.len);
    sqlite3_reset(s);
    return buf_check(body, fault, "event");
}

enum err bookkeeper_step(struct database *db, const struct books *books, int64_t now_ms,
                         struct bookkeeper_news *news, struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    int64_t cursor = 0;
    bool found = true;
    bool nameless;
    *news = (struct bookkeeper_news){0};
    buf_init(&body, EVENT_BODY_MAX);
    enum err err = read_cursor(db, &cursor, fault);
    while (!err && found && news->seen < BOOKKEEPER_EVENTS_MAX) {
        err = next_event(db, &cursor, &found, &nameless, &body, fault);
        if (err || !found)
            break;
        news->seen++;
        if (!nameless)
            err = take_in(db, books, cursor, buf_slice(&body), now_ms, news, fault);
    }
    news->more = found;
    return err || !news->seen ? err : move_cursor(db, cursor, fault);
}

enum err bookkeeper_take(struct database *db, const struct books *books, int64_t event_no,
                         int64_t now_ms, struct bookkeeper_news *news, struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    int64_t cursor = event_no - 1;
    bool found = false;
    bool nameless = true;
    buf_init(&body, EVENT_BODY_MAX);
    enum err err = next_event(db, &cursor, &found, &nameless, &body, fault);
    if (err || !found || nameless || cursor != event_no)
        return err ? err : fault_set(fault, ERR_NOT_FOUND, "event", "there is no such event");
    return take_in(db, books, event_no, buf_slice(&body), now_ms, news, fault);
}

/* --- What a person decides ------------------------------------------------------------------- */

/* Opens the desk of a parked event's return. */
static enum err open_parked(struct desk *desk, struct database *db, const struct books *books,
                            int64_t event_no, int64_t now_ms, struct bookkeeper_news *news,
                            struct fault *fault)
{
    sqlite3_stmt *s;
    bool row;
    struct id correlation;
    enum err err = database_statement(db, INGEST_LEDGER_STATE_OF, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, event_no);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    bool parked = row && slice_is(column_slice(s, 0), "parked") &&
                  column_bytes(s, 1, correlation.bytes, ID_BYTES) == ERR_OK;
    sqlite3_reset(s);
    if (!parked)
        return fault_set(fault, ERR_NOT_FOUND, "event", "the ledger has no such event parked");
    err = desk_open(desk, db, books, &correlation, now_ms, news, fault);
    if (err)
        desk_close(desk);
    return err;
}

/* Tells the event's log, keeps the position, and goes on with what is held of the return. */
static enum err finish_parked(struct desk *desk, int64_t event_no, enum err err)
{
    struct filed filed = {0};
    if (!err)
        err = load(desk, event_no, &filed);
    if (!err)
        err = note_log(desk, filed.log_no);
    if (!err)
        err = desk_save(desk);
    buf_free(&filed.body);
    struct database *db = desk->db;
    const struct books *books = desk->books;
    const struct id correlation = desk->correlation;
    desk_close(desk);
    return err ? err : work_return(db, books, &correlation, desk->now_ms, desk->news, desk->fault);
}

enum err bookkeeper_retry(struct database *db, const struct books *books, int64_t event_no,
                          int64_t now_ms, struct bookkeeper_news *news, struct fault *fault)
{
    struct desk desk;
    enum err err = open_parked(&desk, db, books, event_no, now_ms, news, fault);
    if (err)
        return err;
    return finish_parked(&desk, event_no, mark(&desk, event_no, "held"));
}

/* The event as one that moves its return's count on and means nothing. */
static enum err make_nothing(struct desk *desk, const struct event *event, struct milestone *out)
{
    struct milestone nothing = {.type = EVENT_EXCEPTION_RESOLVED, .sequence = event->sequence};
    nothing.source = arena_slice_text(&desk->arena, event->source);
    if (!nothing.source)
        return fault_set(desk->fault, ERR_NO_MEMORY, "source", "out of memory");
    id_format(&event->id, nothing.event_id);
    id_format(&event->correlation, nothing.return_id);
    *out = nothing;
    return ERR_OK;
}

static enum err pass_over(struct desk *desk, int64_t event_no)
{
    struct filed filed;
    struct milestone nothing = {0};
    enum err err = load(desk, event_no, &filed);
    if (!err)
        err = make_nothing(desk, &filed.event, &nothing);
    if (!err && ledger_turn(&desk->position, &nothing) == LEDGER_DONE)
        err = mark(desk, event_no, "discarded");
    else if (!err)
        err = apply_milestone(desk, &filed, &nothing, "discarded");
    buf_free(&filed.body);
    return err;
}

enum err bookkeeper_let_go(struct database *db, const struct books *books, int64_t event_no,
                           int64_t now_ms, struct bookkeeper_news *news, struct fault *fault)
{
    struct desk desk;
    enum err err = open_parked(&desk, db, books, event_no, now_ms, news, fault);
    if (err)
        return err;
    return finish_parked(&desk, event_no, pass_over(&desk, event_no));
}

/* --- Rebuilding ------------------------------------------------------------------------------ */

static enum err next_in_order(struct database *db, int64_t *applied_no, int64_t *event_no,
                              bool *discarded, struct id *correlation, bool *found,
                              struct fault *fault)
{
    sqlite3_stmt *s;
    enum err err = database_statement(db, INGEST_LEDGER_IN_ORDER, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, *applied_no);
    err = database_step(db, s, found, fault);
    if (err || !*found)
        return err;
    *event_no = sqlite3_column_int64(s, 0);
    *discarded = slice_is(column_slice(s, 1), "discarded");
    *applied_no = sqlite3_column_int64(s, 2);
    err = column_bytes(s, 3, correlation->bytes, ID_BYTES);
    sqlite3_reset(s);
    return err ? fault_set(fault, err, "ledger_event", "a row isn't what it should be") : ERR_OK;
}

static enum err apply_again(struct desk *desk, int64_t event_no, bool discarded)
{
    struct filed filed;
    struct milestone m = {0};
    struct ledger_result result = {0};
    enum err err = load(desk, event_no, &filed);
    if (!err)
        err = discarded ? make_nothing(desk, &filed.event, &m)
                        : milestone_read(&filed.event, &desk->arena, &m, desk->fault);
    if (!err)
        err = ledger_apply(desk->books, &desk->position, &m, &desk->arena, &result, desk->fault);
    if (!err)
        err = keep_entries(desk, &filed, &result);
    if (!err) {
        desk->position = result.after;
        desk->moved = true;
        err = desk_save(desk);
    }
    milestone_close(&m);
    buf_free(&filed.body);
    return err;
}

static enum err replay(struct database *db, const struct books *books, int64_t *events,
                       struct fault *fault)
{
    struct bookkeeper_news news = {0};
    int64_t applied_no = 0;
    int64_t event_no = 0;
    bool discarded = false;
    bool found = true;
    struct id correlation;
    enum err err = ERR_OK;
    while (!err) {
        struct desk desk;
        err = next_in_order(db, &applied_no, &event_no, &discarded, &correlation, &found, fault);
        if (err || !found)
            break;
        err = desk_open(&desk, db, books, &correlation, 0, &news, fault);
        if (!err)
            err = apply_again(&desk, event_no, discarded);
        desk_close(&desk);
        (*events)++;
    }
    return err;
}

static enum err compare(struct database *db, struct bookkeeper_rebuilt *rebuilt,
                        struct fault *fault)
{
    sqlite3_stmt *s;
    bool row;
    enum err err = database_statement(db, INGEST_REBUILD_COMPARE, &s, fault);
    if (!err)
        err = database_step(db, s, &row, fault);
    if (err)
        return err;
    rebuilt->entries = sqlite3_column_int64(s, 0);
    rebuilt->differing = sqlite3_column_int64(s, 1);
    int64_t posted = sqlite3_column_int64(s, 2);
    sqlite3_reset(s);
    if (posted)
        return fault_set(fault, ERR_CONFLICT, "rebuild",
                         "%" PRId64 " entries that were posted would change", posted);
    return ERR_OK;
}

enum err bookkeeper_rebuild(struct database *db, const struct books *books,
                            struct bookkeeper_rebuilt *rebuilt, struct fault *fault)
{
    struct bookkeeper_rebuilt made = {0};
    static const size_t before[] = {INGEST_REBUILD_DROP, INGEST_REBUILD_KEEP,
                                    INGEST_REBUILD_FORGET_ENTRIES, INGEST_REBUILD_FORGET_POSITIONS};
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < sizeof before / sizeof *before; i++)
        err = database_run_plain(db, before[i], fault);
    if (!err)
        err = replay(db, books, &made.events, fault);
    if (!err)
        err = compare(db, &made, fault);
    if (!err)
        err = database_run_plain(db, INGEST_REBUILD_DROP, fault);
    if (!err)
        *rebuilt = made;
    return err;
}
