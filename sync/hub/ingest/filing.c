#include "sync/hub/ingest/filing.h"
#include "sync/hub/ingest/desk.h"
#include "sync/hub/ingest/finding.h"
#include "sync/hub/ingest/gift_card.h"
#include "sync/hub/ingest/ingest.sql.h"

bool filing_wants(enum event_type type)
{
    switch (type) {
    case EVENT_SALE_RECORDED:
    case EVENT_SALE_PUSHED:
    case EVENT_PERIPHERAL_CHANGED:
    case EVENT_CONFIG_APPLIED:
    case EVENT_CLOCK_SYNCHRONISED:
    case EVENT_PARKED_ASKED:
    case EVENT_COMMAND_TAKEN:
    case EVENT_SELFTEST_RUN:
    case EVENT_ACCESS_CHANGED:
    case EVENT_PARKED_DECIDED:
    case EVENT_CUSTOMER_ERASED:
        return false;
    default:
        return true;
    }
}

static enum err insert_filed(struct database *db, int64_t event_no, const struct event *event,
                             struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_LEDGER_FILE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, event_no);
    bind_blob(s, 2, event->correlation.bytes, ID_BYTES);
    bind_slice(s, 3, event->source);
    bind_int(s, 4, event->sequence);
    return database_send(db, s, fault);
}

/* Nobody can tell where the return stands: its event waits for a person, other returns go on. */
static enum err park_unplaced(struct database *db, int64_t event_no, int64_t now_ms,
                              struct news *news, struct fault *fault)
{
    const struct fault why = *fault;
    struct filed filed;
    struct desk desk = {.db = db, .now_ms = now_ms, .news = news, .fault = fault};
    arena_init(&desk.arena, DESK_ARENA_MAX);
    enum err err = desk_load(&desk, event_no, &filed);
    if (!err)
        err = desk_park(&desk, &filed, desk_reason(why.code), &why);
    buf_free(&filed.body);
    desk_close(&desk);
    return err;
}

enum err filing_take(struct database *db, const struct books *books, int64_t event_no,
                     const struct event *event, int64_t now_ms, struct news *news,
                     struct fault *fault)
{
    const struct desk_place place = {db, books, now_ms, news};
    if (event->type == EVENT_SALE_RECORDED || event->type == EVENT_SALE_PUSHED)
        return gift_card_pay(db, event, now_ms, fault);
    if (!filing_wants(event->type))
        return ERR_OK;
    enum err err = insert_filed(db, event_no, event, fault);
    if (!err)
        err = database_savepoint(db, fault);
    if (err)
        return err;
    err = desk_work(&place, &event->correlation, fault);
    if (!err)
        err = database_release(db, fault);
    if (!err)
        return ERR_OK;
    database_rollback_savepoint(db);
    return err_class(err) == ERR_CLASS_PARK ? park_unplaced(db, event_no, now_ms, news, fault)
                                            : err;
}

/* --- What was parked ------------------------------------------------------------------------- */

/* The return of an event that the ledger has parked. */
static enum err find_parked(struct database *db, int64_t event_no, struct id *correlation,
                            struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_find(db, INGEST_LEDGER_STATE_OF, event_no, &s, &row, fault);
    if (err)
        return err;
    bool parked = row && slice_is(column_slice(s, 0), "parked") &&
                  column_bytes(s, 1, correlation->bytes, ID_BYTES) == ERR_OK;
    statement_reset(s);
    return parked ? ERR_OK
                  : fault_set(fault, ERR_NOT_FOUND, "event", "the ledger has no such event parked");
}

/* Opens the desk of a parked event's return. */
static enum err open_parked(struct desk *desk, const struct desk_place *place, int64_t event_no,
                            struct fault *fault)
{
    struct id correlation;
    enum err err = find_parked(place->db, event_no, &correlation, fault);
    if (err)
        return err;
    err = desk_open(desk, place, &correlation, fault);
    if (err)
        desk_close(desk);
    return err;
}

/* What wasn't mapped is settled, unless it was parked once more. */
static enum err settle_finding(struct database *db, int64_t event_no, const char *how,
                               int64_t now_ms, struct fault *fault)
{
    struct id correlation;
    enum err err = find_parked(db, event_no, &correlation, fault);
    return err == ERR_NOT_FOUND ? finding_mapped(db, event_no, how, now_ms, fault) : err;
}

/* Tells the event's log, keeps the position, and goes on with what is held of the return. */
static enum err finish_parked(struct desk *desk, int64_t event_no, const char *how, enum err err)
{
    struct filed filed = {0};
    if (!err)
        err = desk_load(desk, event_no, &filed);
    if (!err)
        err = desk_note_log(desk, filed.log_no);
    if (!err)
        err = desk_save(desk);
    buf_free(&filed.body);
    const struct desk_place place = {desk->db, desk->books, desk->now_ms, desk->news};
    const struct id correlation = desk->correlation;
    desk_close(desk);
    if (!err)
        err = desk_work(&place, &correlation, desk->fault);
    return err ? err : settle_finding(place.db, event_no, how, desk->now_ms, desk->fault);
}

enum err filing_retry(struct database *db, const struct books *books, int64_t event_no,
                      int64_t now_ms, struct news *news, struct fault *fault)
{
    struct desk desk;
    const struct desk_place place = {db, books, now_ms, news};
    enum err err = open_parked(&desk, &place, event_no, fault);
    if (err)
        return err;
    return finish_parked(&desk, event_no, "it was booked", desk_mark(&desk, event_no, "held"));
}

static enum err pass_over(struct desk *desk, int64_t event_no)
{
    struct filed filed;
    struct milestone nothing = {0};
    enum err err = desk_load(desk, event_no, &filed);
    if (!err)
        err = desk_nothing(desk, &filed.event, &nothing);
    if (!err && ledger_turn(&desk->position, &nothing) == LEDGER_DONE)
        err = desk_mark(desk, event_no, "discarded");
    else if (!err)
        err = desk_apply(desk, &filed, &nothing, "discarded");
    buf_free(&filed.body);
    return err;
}

enum err filing_let_go(struct database *db, const struct books *books, int64_t event_no,
                       int64_t now_ms, struct news *news, struct fault *fault)
{
    struct desk desk;
    const struct desk_place place = {db, books, now_ms, news};
    enum err err = open_parked(&desk, &place, event_no, fault);
    if (err)
        return err;
    return finish_parked(&desk, event_no, "it was discarded", pass_over(&desk, event_no));
}

enum err filing_replaced(struct database *db, int64_t event_no, int64_t now_ms, struct fault *fault)
{
    struct id correlation;
    struct desk desk = {.db = db, .fault = fault};
    enum err err = find_parked(db, event_no, &correlation, fault);
    if (!err)
        err = desk_mark(&desk, event_no, "replaced");
    return err ? err : finding_mapped(db, event_no, "it was mended", now_ms, fault);
}
