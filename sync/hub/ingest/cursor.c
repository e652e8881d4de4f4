#include "sync/hub/ingest/cursor.h"

enum err cursor_read(struct database *db, size_t statement, int64_t *cursor, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_first(db, statement, &s, &row, fault);
    if (err)
        return err;
    *cursor = row ? column_int(s, 0) : 0;
    statement_reset(s);
    return ERR_OK;
}

enum err cursor_move(struct database *db, size_t statement, int64_t cursor, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, statement, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, cursor);
    return database_send(db, s, fault);
}
