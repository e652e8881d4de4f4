#include "sync/hub/ingest/parked.h"
#include "hal/base/json_scan.h"
#include "sync/hub/ingest/fact.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <string.h>

struct parked {
    int64_t number;
    int64_t event_no;
    int64_t log_no;
    bool open;
    bool by_ledger;
};

static enum err find(struct database *db, const char *key, struct parked *parked,
                     struct fault *fault)
{
    struct id id;
    int64_t number = 0;
    sqlite3_stmt *s;
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
        *parked = (struct parked){.number = sqlite3_column_int64(s, 0),
                                  .event_no = sqlite3_column_int64(s, 1),
                                  .log_no = sqlite3_column_int64(s, 2),
                                  .open = slice_is(column_slice(s, 3), "open"),
                                  .by_ledger = sqlite3_column_int(s, 4) != 0};
    sqlite3_reset(s);
    if (!row)
        return fault_set(fault, ERR_NOT_FOUND, "id", "nothing is parked under it");
    return parked->open ? ERR_OK : fault_set(fault, ERR_CONFLICT, "id", "this was decided before");
}

static enum err set_state(struct database *db, int64_t number, enum parked_verdict verdict,
                          struct fault *fault)
{
    sqlite3_stmt *s;
    enum err err = database_statement(db, INGEST_PARKED_STATE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, number);
    bind_text(s, 2, verdict == PARKED_DISCARD ? "discarded" : "resubmitted");
    return database_run(db, s, fault);
}

enum err parked_decide(struct database *db, const struct books *books, const char *key,
                       enum parked_verdict verdict, int64_t now_ms, struct bookkeeper_news *news,
                       struct fault *fault)
{
    struct parked parked = {0};
    bool discard = verdict == PARKED_DISCARD;
    enum err err = find(db, key, &parked, fault);
    /* First the state: an event that is refused again opens it again. */
    if (!err)
        err = set_state(db, parked.number, verdict, fault);
    if (err)
        return err;
    if (parked.by_ledger)
        return discard ? bookkeeper_let_go(db, books, parked.event_no, now_ms, news, fault)
                       : bookkeeper_retry(db, books, parked.event_no, now_ms, news, fault);
    if (!discard)
        err = fact_reread(db, parked.event_no, fault);
    if (!err && !discard)
        err = bookkeeper_take(db, books, parked.event_no, now_ms, news, fault);
    return err ? err : bookkeeper_tell(db, parked.log_no, now_ms, news, fault);
}
