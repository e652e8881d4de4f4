#include "sync/hub/ingest/rebuild.h"
#include "sync/hub/ingest/desk.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <inttypes.h>

static enum err next_in_order(struct database *db, int64_t *applied_no, int64_t *event_no,
                              bool *discarded, struct id *correlation, bool *found,
                              struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_LEDGER_IN_ORDER, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, *applied_no);
    err = database_step(db, s, found, fault);
    if (err || !*found)
        return err;
    *event_no = column_int(s, 0);
    *discarded = slice_is(column_slice(s, 1), "discarded");
    *applied_no = column_int(s, 2);
    err = column_bytes(s, 3, correlation->bytes, ID_BYTES);
    statement_reset(s);
    return err ? fault_set(fault, err, "ledger_event", "a row isn't what it should be") : ERR_OK;
}

static enum err apply_again(struct desk *desk, int64_t event_no, bool discarded)
{
    struct filed filed;
    struct milestone m = {0};
    struct ledger_result result = {0};
    enum err err = desk_load(desk, event_no, &filed);
    if (!err)
        err = discarded ? desk_nothing(desk, &filed.event, &m)
                        : milestone_read(&filed.event, &desk->arena, &m, desk->fault);
    if (!err)
        err = ledger_apply(desk->books, &desk->position, &m, &desk->arena, &result, desk->fault);
    if (!err)
        err = desk_keep_entries(desk, &filed, &result);
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
    struct news news = {0};
    const struct desk_place place = {.db = db, .books = books, .news = &news};
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
        err = desk_open(&desk, &place, &correlation, fault);
        if (!err)
            err = apply_again(&desk, event_no, discarded);
        desk_close(&desk);
        (*events)++;
    }
    return err;
}

static enum err compare(struct database *db, struct rebuilt *rebuilt, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_first(db, INGEST_REBUILD_COMPARE, &s, &row, fault);
    if (err)
        return err;
    rebuilt->entries = column_int(s, 0);
    rebuilt->differing = column_int(s, 1);
    int64_t posted = column_int(s, 2);
    statement_reset(s);
    if (posted)
        return fault_set(fault, ERR_CONFLICT, "rebuild",
                         "%" PRId64 " entries that were posted would change", posted);
    return ERR_OK;
}

enum err rebuild_ledger(struct database *db, const struct books *books, struct rebuilt *rebuilt,
                        struct fault *fault)
{
    struct rebuilt made = {0};
    static const size_t before[] = {INGEST_REBUILD_DROP, INGEST_REBUILD_KEEP,
                                    INGEST_REBUILD_FORGET_ENTRIES, INGEST_REBUILD_FORGET_POSITIONS,
                                    INGEST_REBUILD_FORGET_BALANCES};
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
