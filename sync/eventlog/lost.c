#include "sync/eventlog/lost.h"
#include "sync/eventlog/log.sql.h"

#include <stdio.h>

enum err lost_add(struct database *db, const struct eventlog_lost *lost, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_LOST_INSERT, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, lost->log.bytes, ID_BYTES);
    bind_int(s, 2, lost->stream);
    bind_int(s, 3, lost->first);
    bind_int(s, 4, lost->last);
    bind_int(s, 5, lost->at_ms);
    bind_text(s, 6, lost->reason);
    return database_run(db, s, fault);
}

static enum err read_lost(struct statement *s, struct eventlog_lost *lost, struct fault *fault)
{
    if (column_bytes(s, 0, lost->log.bytes, ID_BYTES))
        return fault_set(fault, ERR_CORRUPT, "lost", "an id has a wrong length");
    lost->stream = (enum stream)(int)column_int(s, 1);
    lost->first = column_int(s, 2);
    lost->last = column_int(s, 3);
    lost->at_ms = column_int(s, 4);
    struct slice reason = column_slice(s, 5);
    (void)snprintf(lost->reason, sizeof lost->reason, "%.*s", (int)reason.len, reason.data);
    return ERR_OK;
}

enum err lost_each(struct database *db, eventlog_visit_lost *visit, void *context,
                   struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_LOST_LIST, &s, fault);
    if (err)
        return err;
    bool there = true;
    while (!err && there) {
        struct eventlog_lost lost = {0};
        err = database_step(db, s, &there, fault);
        if (!err && there)
            err = read_lost(s, &lost, fault);
        if (!err && there)
            err = visit(context, &lost, fault);
    }
    statement_reset(s);
    return err;
}

enum err lost_sums(struct database *db, int64_t events[STREAMS_OF_APPLIANCE], int64_t *at_ms,
                   struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_LOST_SUMS, &s, fault);
    if (err)
        return err;
    bool there;
    err = database_step(db, s, &there, fault);
    if (err)
        return err;
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++)
        events[i] = column_int(s, i);
    *at_ms = column_int(s, STREAMS_OF_APPLIANCE);
    statement_reset(s);
    return ERR_OK;
}
