#include "sync/hub/connect/revocation.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"
#include "sync/hub/connect/acceptance.h"
#include "sync/hub/ingest/centre.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/journal.h"

enum { ARENA_MAX = 16 * 1024 * 1024, DATA_MAX = 4096 };

static enum err find_return(struct database *db, const char *return_id, struct id *correlation,
                            struct fault *fault)
{
    struct statement *s;
    bool row;
    bool is_id = id_parse(slice_of(return_id), correlation) == ERR_OK;
    enum err err = database_statement(db, INGEST_RETURN_FIND, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, return_id);
    if (is_id)
        bind_blob(s, 2, correlation->bytes, ID_BYTES);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    if (!row)
        return fault_set(fault, ERR_NOT_FOUND, "id", "there is no such return");
    err = column_bytes(s, 0, correlation->bytes, ID_BYTES);
    bool ours = slice_is(column_slice(s, 1), CENTRE_DEVICE);
    statement_reset(s);
    return err || ours ? err
                       : fault_set(fault, ERR_REFUSED, "id",
                                   "a store took this return: it is voided there");
}

/* They may be all that was missing. */
static enum err check_booked(struct database *db, const struct id *correlation, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_GOODS_UNBOOKED, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, correlation->bytes, ID_BYTES);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    statement_reset(s);
    return row ? fault_set(fault, ERR_BUSY, "id", "goods of it have yet to be booked; ask again")
               : ERR_OK;
}

static enum err check_standing(struct database *db, const struct id *correlation,
                               struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    struct position position;
    bool whole = false;
    arena_init(&arena, ARENA_MAX);
    enum err err = journal_position(db, correlation, &arena, &document, &position, fault);
    if (!err && position.standing != STANDING_OPEN)
        err = fault_set(fault, ERR_REFUSED, "id", "the return doesn't stand any more");
    if (!err)
        err = acceptance_is_whole(db, correlation, &whole, fault);
    return err || !whole ? err
                         : fault_set(fault, ERR_REFUSED, "id",
                                     "all of its goods are here, and its refund is asked for");
}

static enum err record(struct database *db, const struct revocation *revocation,
                       const struct id *correlation, struct told *told, struct fault *fault)
{
    struct buf data CLEANUP(buf_free);
    char device[DEVICE_ID_MAX + 1] = "";
    buf_init(&data, DATA_MAX);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "person", revocation->by);
    jsonw_text(&w, "note", revocation->reason);
    jsonw_end(&w);
    const struct centre_fact fact = {.correlation = *correlation,
                                     .type = EVENT_RETURN_VOIDED,
                                     .data = buf_slice(&data),
                                     .now_ms = revocation->now_ms,
                                     .key = "voided"};
    enum err err = buf_check(&data, fault, "return");
    if (!err)
        err = centre_record(db, &fact, device, fault);
    if (!err)
        told_add(told, device);
    return err;
}

enum err revocation_record(struct database *db, const struct revocation *revocation,
                           struct told *told, struct fault *fault)
{
    struct id correlation;
    enum err err = find_return(db, revocation->return_id, &correlation, fault);
    if (!err)
        err = check_booked(db, &correlation, fault);
    if (!err)
        err = check_standing(db, &correlation, fault);
    return err ? err : record(db, revocation, &correlation, told, fault);
}
