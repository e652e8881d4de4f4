#include "sync/hub/ingest/inbox.h"
#include "sync/hub/ingest/ingest.sql.h"

static enum err take_number(struct database *db, const char *device, int64_t *number,
                            struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_INBOX_NUMBER, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    if (row)
        *number = column_int(s, 0);
    statement_reset(s);
    return row ? ERR_OK : fault_set(fault, ERR_NOT_FOUND, "device", "no such device");
}

enum err inbox_put(struct database *db, const char *device, struct slice body, int64_t now_ms,
                   int64_t *number, struct fault *fault)
{
    struct statement *s;
    int64_t taken = 0;
    enum err err = take_number(db, device, &taken, fault);
    if (!err)
        err = database_statement(db, INGEST_INBOX_INSERT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_int(s, 2, taken);
    bind_blob(s, 3, body.data, body.len);
    bind_int(s, 4, now_ms);
    err = database_run(db, s, fault);
    if (!err)
        *number = taken;
    return err;
}

enum err inbox_acknowledge(struct database *db, const char *device, int64_t through,
                           struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_INBOX_ACKNOWLEDGE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_int(s, 2, through);
    err = database_run(db, s, fault);
    if (!err)
        err = database_statement(db, INGEST_INBOX_FORGET, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    return database_run(db, s, fault);
}

enum err inbox_next(struct database *db, const char *device, struct buf *body,
                    struct inbox_place *place, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_INBOX_WAITING, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    place->number = row ? column_int(s, 0) : 0;
    place->after = row ? column_int(s, 2) : 0;
    struct slice found = row ? column_slice(s, 1) : (struct slice){"", 0};
    buf_append(body, found.data, found.len);
    statement_reset(s);
    return buf_check(body, fault, "inbox");
}
