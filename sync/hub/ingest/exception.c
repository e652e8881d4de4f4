#include "sync/hub/ingest/exception.h"
#include "sync/hub/ingest/ingest.sql.h"

static enum err run_change(struct database *db, sqlite3_stmt *s, struct fault *fault)
{
    enum err err = database_run(db, s, fault);
    if (!err && sqlite3_changes(database_handle(db)) == 0)
        return fault_set(fault, ERR_NOT_FOUND, "id", "there is no such open exception");
    return err;
}

enum err exception_assign(struct database *db, int64_t number, const char *owner,
                          struct fault *fault)
{
    sqlite3_stmt *s;
    enum err err = database_statement(db, INGEST_EXCEPTION_ASSIGN, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, number);
    bind_text(s, 2, owner);
    return run_change(db, s, fault);
}

enum err exception_resolve(struct database *db, int64_t number, const char *how, int64_t now_ms,
                           struct fault *fault)
{
    sqlite3_stmt *s;
    enum err err = database_statement(db, INGEST_EXCEPTION_RESOLVE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, number);
    bind_text(s, 2, how);
    bind_int(s, 3, now_ms);
    return run_change(db, s, fault);
}
