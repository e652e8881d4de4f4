#include "sync/hub/ingest/desk.h"
#include "sync/contract/ack.h"
#include "sync/hub/ingest/finding.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    CANDIDATES_MAX = 64,
    ROUNDS_MAX = 16, /* at one desk, which only grows */
};

enum outcome { APPLIED, HELD, PARKED };

static void begin(struct desk *desk, const struct desk_place *place, const struct id *correlation,
                  struct fault *fault)
{
    *desk = (struct desk){.db = place->db,
                          .books = place->books,
                          .now_ms = place->now_ms,
                          .news = place->news,
                          .correlation = *correlation,
                          .fault = fault};
    arena_init(&desk->arena, DESK_ARENA_MAX);
}

enum err desk_open(struct desk *desk, const struct desk_place *place, const struct id *correlation,
                   struct fault *fault)
{
    begin(desk, place, correlation, fault);
    return journal_position(place->db, correlation, &desk->arena, &desk->document, &desk->position,
                            fault);
}

enum err desk_open_at(struct desk *desk, const struct desk_place *place,
                      const struct id *correlation, struct slice position, struct fault *fault)
{
    begin(desk, place, correlation, fault);
    return position.len ? journal_read_position(position, &desk->arena, &desk->document,
                                                &desk->position, fault)
                        : ERR_OK;
}

void desk_close(struct desk *desk)
{
    json_free(desk->document);
    arena_free(&desk->arena);
}

enum err desk_save(struct desk *desk)
{
    return desk->moved
               ? journal_keep_position(desk->db, &desk->correlation, &desk->position, desk->fault)
               : ERR_OK;
}

/* --- Events ---------------------------------------------------------------------------------- */

static enum err load_body(struct desk *desk, int64_t event_no, struct filed *filed)
{
    struct statement *s;
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
        filed->received_ms = column_int(s, 1);
        filed->log_no = column_int(s, 2);
        filed->seq = column_int(s, 3);
    }
    statement_reset(s);
    return row ? buf_check(&filed->body, desk->fault, "event")
               : fault_set(desk->fault, ERR_REFUSED, "event", "a filed event is missing");
}

enum err desk_load(struct desk *desk, int64_t event_no, struct filed *filed)
{
    *filed = (struct filed){0};
    buf_init(&filed->body, EVENT_BODY_MAX);
    enum err err = load_body(desk, event_no, filed);
    if (!err)
        err = event_read(buf_slice(&filed->body), &desk->arena, &filed->event, desk->fault);
    return err;
}

enum err desk_mark(struct desk *desk, int64_t event_no, const char *state)
{
    struct statement *s;
    enum err err = database_statement(desk->db, INGEST_LEDGER_MARK, &s, desk->fault);
    if (err)
        return err;
    bind_int(s, 1, event_no);
    bind_text(s, 2, state);
    return database_send(desk->db, s, desk->fault);
}

/* --- Parking --------------------------------------------------------------------------------- */

const char *desk_reason(enum err err)
{
    switch (err) {
    case ERR_INVALID:
        return "invalid_data";
    case ERR_REFUSED:
        return "refused_by_ledger";
    case ERR_CONFLICT:
        return "contradicts_return";
    case ERR_NOT_FOUND:
        return FINDING_UNMAPPED;
    default:
        return "beyond_limits";
    }
}

enum err desk_note_log(struct desk *desk, int64_t log_no)
{
    return news_tell(desk->db, log_no, desk->now_ms, desk->news, desk->fault);
}

enum err desk_park(struct desk *desk, const struct filed *filed, const char *code,
                   const struct fault *why)
{
    char detail[ACK_DETAIL_MAX];
    struct statement *s;
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
    err = database_send(desk->db, s, desk->fault);
    if (!err)
        err = desk_mark(desk, filed->event_no, "parked");
    if (!err && strcmp(code, FINDING_UNMAPPED) == 0)
        err = finding_unmapped(desk->db, &filed->event, filed->event_no, detail, desk->now_ms,
                               desk->fault);
    if (!err)
        err = desk_note_log(desk, filed->log_no);
    if (!err)
        desk->news->parked++;
    return err;
}

/* --- Applying -------------------------------------------------------------------------------- */

enum err desk_keep_entries(struct desk *desk, const struct filed *filed,
                           const struct ledger_result *result)
{
    const struct journal_origin origin = {desk->correlation, filed->event_no, filed->received_ms};
    if (!result->count)
        return ERR_OK;
    struct journal_item *items = arena_alloc(&desk->arena, result->count, sizeof *items);
    if (!items)
        return fault_set(desk->fault, ERR_NO_MEMORY, "entry", "out of memory");
    for (size_t i = 0; i < result->count; i++)
        items[i] = (struct journal_item){origin, &result->entries[i]};
    return journal_add(desk->db, items, result->count, desk->fault);
}

enum err desk_apply(struct desk *desk, const struct filed *filed, const struct milestone *milestone,
                    const char *state)
{
    struct ledger_result result = {0};
    enum err err =
        ledger_apply(desk->books, &desk->position, milestone, &desk->arena, &result, desk->fault);
    if (!err)
        err = database_savepoint(desk->db, desk->fault);
    if (err)
        return err;
    err = desk_keep_entries(desk, filed, &result);
    if (!err)
        err = desk_mark(desk, filed->event_no, state);
    if (!err)
        err = finding_paid(desk->db, &desk->correlation, &desk->position, &result.after,
                           desk->now_ms, desk->fault);
    if (!err)
        err = database_release(desk->db, desk->fault);
    if (err) {
        database_rollback_savepoint(desk->db);
        return err;
    }
    desk->position = result.after;
    desk->moved = true;
    desk->news->applied++;
    desk->news->entries += (int64_t)result.count;
    return ERR_OK;
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
        return desk_park(desk, filed, "sequence_conflict", &why);
    }
    enum err err = desk_apply(desk, filed, milestone, "applied");
    if (err == ERR_BUSY)
        return ERR_OK;
    *outcome = err ? PARKED : APPLIED;
    if (err_class(err) != ERR_CLASS_PARK)
        return err;
    why = *desk->fault;
    return desk_park(desk, filed, desk_reason(err), &why);
}

static enum err try_event(struct desk *desk, int64_t event_no, enum outcome *outcome)
{
    struct filed filed;
    struct milestone milestone = {0};
    enum err err = desk_load(desk, event_no, &filed);
    if (!err) {
        err = milestone_read(&filed.event, &desk->arena, &milestone, desk->fault);
        if (!err) {
            err = apply_or_park(desk, &filed, &milestone, outcome);
        } else if (err_class(err) == ERR_CLASS_PARK) {
            const struct fault why = *desk->fault;
            *outcome = PARKED;
            err = desk_park(desk, &filed, "invalid_data", &why);
        }
    }
    milestone_close(&milestone);
    buf_free(&filed.body);
    return err;
}

/* *held: events of the return in all, those among them that have not their turn. */
static enum err list_candidates(struct desk *desk, int64_t events[static CANDIDATES_MAX],
                                size_t *count, int64_t *held)
{
    struct statement *s;
    bool row = true;
    *count = 0;
    *held = 0;
    enum err err = database_statement(desk->db, INGEST_LEDGER_CANDIDATES, &s, desk->fault);
    if (err)
        return err;
    bind_blob(s, 1, desk->correlation.bytes, ID_BYTES);
    while ((err = database_step(desk->db, s, &row, desk->fault)) == ERR_OK && row) {
        *held = column_int(s, 1);
        if (*count < CANDIDATES_MAX)
            events[(*count)++] = column_int(s, 0);
    }
    statement_reset(s);
    return err;
}

/* Applies what is held of the return, as far as its order allows. */
static enum err work_through(struct desk *desk)
{
    int64_t events[CANDIDATES_MAX];
    size_t count;
    int64_t held;
    bool progress = true;
    enum err err = ERR_OK;
    for (int rounds = 0; !err && progress && rounds < ROUNDS_MAX; rounds++) {
        progress = false;
        err = list_candidates(desk, events, &count, &held);
        for (size_t i = 0; !err && i < count; i++) {
            enum outcome outcome = HELD;
            err = try_event(desk, events[i], &outcome);
            progress = progress || outcome != HELD;
            held -= outcome != HELD;
        }
        progress = progress && held;
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
enum err desk_work(const struct desk_place *place, const struct id *correlation,
                   struct fault *fault)
{
    bool unfinished = true;
    enum err err = ERR_OK;
    while (!err && unfinished) {
        struct desk desk;
        err = desk_open(&desk, place, correlation, fault);
        if (!err)
            err = work_at_desk(&desk);
        if (err == ERR_NO_MEMORY && desk.arena.used > DESK_ARENA_MAX / 2)
            err = fault_set(fault, ERR_TOO_LARGE, "return", "has grown beyond what can be booked");
        unfinished = desk.unfinished;
        desk_close(&desk);
    }
    return err;
}

enum err desk_nothing(struct desk *desk, const struct event *event, struct milestone *out)
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
