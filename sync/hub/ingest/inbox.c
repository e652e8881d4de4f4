#include "sync/hub/ingest/inbox.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stdio.h>

enum { INBOX_AT_ONCE = 200 };

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
    int64_t taken = 0;
    enum err err = take_number(db, device, &taken, fault);
    if (!err)
        err = inbox_put_at(db, device, taken, body, now_ms, fault);
    if (!err)
        *number = taken;
    return err;
}

static enum err run_for(struct database *db, size_t statement, const char *device, int64_t value,
                        bool with_value, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, statement, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    if (with_value)
        bind_int(s, 2, value);
    return database_send(db, s, fault);
}

enum err inbox_put_at(struct database *db, const char *device, int64_t number, struct slice body,
                      int64_t now_ms, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_INBOX_INSERT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_int(s, 2, number);
    bind_blob(s, 3, body.data, body.len);
    bind_int(s, 4, now_ms);
    return database_send_row(db, s, fault);
}

enum err inbox_count_on(struct database *db, const char *device, int64_t count, struct fault *fault)
{
    return run_for(db, INGEST_INBOX_COUNT_ON, device, count, true, fault);
}

enum err inbox_add(struct database *db, const char *device, struct slice body, int64_t now_ms,
                   struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_INBOX_ADD, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_blob(s, 2, body.data, body.len);
    bind_int(s, 3, now_ms);
    err = database_send(db, s, fault);
    return err ? err : inbox_count_on(db, device, 1, fault);
}

/* --- What an appliance holds ----------------------------------------------------------------- */

struct mark {
    int64_t next; /* the number of the next message */
    int64_t through;
};

static enum err read_mark(struct database *db, const char *device, struct mark *mark,
                          struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_INBOX_MARK, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    *mark = row ? (struct mark){column_int(s, 0), column_int(s, 1)} : (struct mark){INT64_MAX, 0};
    statement_reset(s);
    return ERR_OK;
}

/* By way of negative numbers, so that no two rows have the same number meanwhile. */
static enum err lift(struct database *db, const char *device, int64_t by, struct fault *fault)
{
    enum err err = run_for(db, INGEST_INBOX_LIFT, device, by, true, fault);
    if (!err)
        err = run_for(db, INGEST_INBOX_LIFTED, device, 0, false, fault);
    if (!err)
        err = run_for(db, INGEST_INBOX_LIFT_ERASURES, device, by, true, fault);
    return err ? err : run_for(db, INGEST_INBOX_LIFT_MARK, device, by, true, fault);
}

static enum err forget(struct database *db, const char *device, int64_t now_ms, struct fault *fault)
{
    const int64_t oldest_ms = now_ms - (int64_t)INBOX_KEPT_DAYS * 24 * 3600 * 1000;
    enum err err = run_for(db, INGEST_INBOX_FORGET, device, INBOX_KEPT, true, fault);
    return err ? err : run_for(db, INGEST_INBOX_FORGET_OLD, device, oldest_ms, true, fault);
}

enum err inbox_acknowledge(struct database *db, const char *device, int64_t through, int64_t now_ms,
                           struct fault *fault)
{
    struct mark mark = {0};
    enum err err = read_mark(db, device, &mark, fault);
    if (!err && through >= mark.next)
        err = lift(db, device, through - mark.through, fault);
    else if (!err)
        err = run_for(db, INGEST_INBOX_ACKNOWLEDGE, device, through, true, fault);
    return err ? err : forget(db, device, now_ms, fault);
}

/* --- What it has from those before it -------------------------------------------------------- */

static enum err move(struct database *db, size_t statement, const char *device, const char *former,
                     const struct mark *mark, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, statement, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_text(s, 2, former);
    bind_int(s, 3, mark->through);
    bind_int(s, 4, mark->next);
    return database_run(db, s, fault);
}

static enum err inherit_from(struct database *db, const char *device, const char *former,
                             const struct mark *mark, struct fault *fault)
{
    enum err err = move(db, INGEST_INBOX_MOVE, device, former, mark, fault);
    if (!err)
        err = move(db, INGEST_INBOX_MOVE_ERASURES, device, former, mark, fault);
    if (!err)
        err = run_for(db, INGEST_INBOX_MOVE_MARK, device, 0, false, fault);
    return err ? err : run_for(db, INGEST_INBOX_MOVED, former, 0, false, fault);
}

static enum err inherit(struct database *db, const char *device, struct fault *fault)
{
    bool row = true;
    enum err err = ERR_OK;
    while (!err && row) {
        char former[DEVICE_ID_MAX + 1];
        struct mark mark;
        struct statement *s;
        err = database_statement(db, INGEST_INBOX_PREDECESSOR, &s, fault);
        if (err)
            return err;
        bind_text(s, 1, device);
        err = database_step(db, s, &row, fault);
        if (err || !row)
            return err;
        (void)snprintf(former, sizeof former, "%s", column_text(s, 0));
        mark = (struct mark){.through = column_int(s, 1), .next = column_int(s, 2)};
        statement_reset(s);
        err = inherit_from(db, device, former, &mark, fault);
    }
    return err;
}

/* The statement with the first `limit` of those that wait. */
static enum err find_waiting(struct database *db, const char *device, int64_t limit,
                             struct statement **s, struct fault *fault)
{
    enum err err = inherit(db, device, fault);
    if (!err)
        err = database_statement(db, INGEST_INBOX_WAITING, s, fault);
    if (err)
        return err;
    bind_text(*s, 1, device);
    bind_int(*s, 2, limit);
    return ERR_OK;
}

enum err inbox_next(struct database *db, const char *device, struct buf *body,
                    struct inbox_place *place, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = find_waiting(db, device, 1, &s, fault);
    if (!err)
        err = database_step(db, s, &row, fault);
    if (err)
        return err;
    place->last = place->number = row ? column_int(s, 0) : 0;
    place->after = row ? column_int(s, 2) : 0;
    struct slice found = row ? column_slice(s, 1) : (struct slice){"", 0};
    buf_append(body, found.data, found.len);
    statement_reset(s);
    return buf_check(body, fault, "inbox");
}

enum err inbox_next_some(struct database *db, const char *device, size_t max_bytes,
                         struct buf *batch, struct inbox_place *place, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = find_waiting(db, device, INBOX_AT_ONCE, &s, fault);
    if (err)
        return err;
    place->number = place->last = 0;
    batch_begin(batch);
    while ((err = database_step(db, s, &row, fault)) == ERR_OK && row) {
        struct slice one = column_slice(s, 1);
        int64_t number = column_int(s, 0);
        if (place->number && (number != place->last + 1 || batch->len + one.len > max_bytes))
            break;
        if (!place->number) {
            place->number = number;
            place->after = column_int(s, 2);
        }
        place->last = number;
        batch_add(batch, one);
    }
    statement_reset(s);
    batch_end(batch);
    return err ? err : buf_check(batch, fault, "inbox");
}
