#include "sync/hub/ingest/restore.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/stream_log.h"

#include <string.h>

enum err restore_allow(struct database *db, const char *device, const char *of, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_TAKEOVER_INSERT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_text(s, 2, of);
    return database_run(db, s, fault);
}

enum err restore_inherit(struct database *db, const char *device, const char *of,
                         struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_TAKEOVER_INHERIT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_text(s, 2, of);
    return database_run(db, s, fault);
}

enum err restore_is_successor(struct database *db, const char *device, struct slice of, bool *is,
                              struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_TAKEOVER_FIND, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_slice(s, 2, of);
    err = database_step(db, s, is, fault);
    if (!err)
        statement_reset(s);
    return err;
}

enum err restore_list(struct database *db, const char *device, struct restore_logs *logs,
                      struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = database_statement(db, INGEST_RESTORE_LOGS, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_int(s, 2, RESTORE_LOGS_MAX);
    logs->count = 0;
    while ((err = database_step(db, s, &row, fault)) == ERR_OK && row) {
        struct restore_log *log = &logs->list[logs->count];
        log->through = column_int(s, 2);
        if (column_bytes(s, 0, log->id.bytes, ID_BYTES) == ERR_OK &&
            stream_find(column_slice(s, 1), &log->stream) == ERR_OK)
            logs->count++;
    }
    statement_reset(s);
    return err;
}

static enum err is_theirs(struct database *db, const char *device, const struct id *log,
                          bool *theirs, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_RESTORE_MAY, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_blob(s, 2, log->bytes, ID_BYTES);
    err = database_step(db, s, theirs, fault);
    if (!err)
        statement_reset(s);
    return err;
}

static enum err begin(struct database *db, const struct stream_log *log, int64_t first,
                      struct batch_header *header, struct fault *fault)
{
    bool found = true;
    *header = (struct batch_header){.log = log->id,
                                    .stream = log->stream,
                                    .first = first,
                                    .last = first - 1,
                                    .has_parent = log->has_parent,
                                    .parent = log->parent};
    if (first == 1) {
        header->prev = chain_origin(&log->id, log->has_parent ? &log->parent : NULL);
        return ERR_OK;
    }
    enum err err = stream_log_hash_at(db, log, first - 1, &found, &header->prev, fault);
    if (!err && !found)
        err = fault_set(fault, ERR_NOT_FOUND, "first", "nothing is held before it");
    return err;
}

static enum err fill(struct database *db, const struct stream_log *log, size_t max_bytes,
                     struct batch_header *header, struct buf *body, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    size_t room = max_bytes;
    enum err err = database_statement(db, INGEST_ENTRY_BODIES, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log->no);
    bind_int(s, 2, header->first);
    bind_int(s, 3,
             log->through < header->first + BATCH_EVENTS_MAX - 1
                 ? log->through
                 : header->first + BATCH_EVENTS_MAX - 1);
    batch_begin(body);
    while (!err && (err = database_step(db, s, &row, fault)) == ERR_OK && row) {
        struct slice one = column_slice(s, 2);
        if (header->last >= header->first && one.len + 1 > room)
            break;
        room = one.len + 1 < room ? room - one.len - 1 : 0;
        err = column_bytes(s, 1, header->hash.bytes, SHA256_BYTES);
        header->last++;
        batch_add(body, one);
    }
    statement_reset(s);
    batch_end(body);
    if (!err && header->last < header->first)
        err = fault_set(fault, ERR_NOT_FOUND, "first", "nothing is held from there on");
    return err ? err : buf_check(body, fault, "batch");
}

enum err restore_batch(struct database *db, const char *device, const struct restore_ask *ask,
                       size_t max_bytes, struct batch_header *header, struct buf *body,
                       struct fault *fault)
{
    struct stream_log log;
    bool found = false;
    bool theirs = false;
    enum err err = is_theirs(db, device, &ask->log, &theirs, fault);
    if (!err && !theirs)
        err = fault_set(fault, ERR_FORBIDDEN, "log_id", "it is no log of this device");
    if (!err)
        err = stream_log_find(db, &ask->log, &found, &log, fault);
    if (!err && !found)
        err = fault_set(fault, ERR_NOT_FOUND, "first", "nothing is held from there on");
    if (!err)
        err = begin(db, &log, ask->first, header, fault);
    return err ? err : fill(db, &log, max_bytes, header, body, fault);
}
