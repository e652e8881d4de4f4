#include "sync/hub/ingest/stream_log.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stdio.h>
#include <string.h>

static void bind_id(struct statement *s, int position, const struct id *id)
{
    bind_blob(s, position, id->bytes, ID_BYTES);
}

static void bind_hash(struct statement *s, int position, const struct sha256 *hash)
{
    bind_blob(s, position, hash->bytes, SHA256_BYTES);
}

static enum err damaged(struct fault *fault)
{
    return fault_set(fault, ERR_CORRUPT, "stream_log", "a row isn't what it should be");
}

static enum err read_parent(struct statement *s, struct stream_log *log)
{
    log->has_parent = !column_is_null(s, 3);
    if (!log->has_parent)
        return ERR_OK;
    log->parent.seq = column_int(s, 4);
    enum err err = column_bytes(s, 3, log->parent.log.bytes, ID_BYTES);
    return err ? err : column_bytes(s, 5, log->parent.hash.bytes, SHA256_BYTES);
}

static enum err read_log(struct statement *s, struct stream_log *log)
{
    struct slice device = column_slice(s, 1);
    if (device.len > DEVICE_ID_MAX || stream_find(column_slice(s, 2), &log->stream) != ERR_OK)
        return ERR_CORRUPT;
    log->no = column_int(s, 0);
    memcpy(log->device, device.data, device.len);
    log->device[device.len] = '\0';
    log->through = column_int(s, 6);
    log->backed_up_through = column_int(s, 8);
    log->ack_no = column_int(s, 9);
    enum err err = read_parent(s, log);
    return err ? err : column_bytes(s, 7, log->hash.bytes, SHA256_BYTES);
}

enum err stream_log_find(struct database *db, const struct id *id, bool *found,
                         struct stream_log *log, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_LOG_FIND, &s, fault);
    if (err)
        return err;
    bind_id(s, 1, id);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    struct stream_log read = {.id = *id};
    if (row)
        err = read_log(s, &read);
    read.recalled = row && column_int(s, 10) != 0;
    statement_reset(s);
    if (err)
        return damaged(fault);
    if (row)
        *log = read;
    *found = row;
    return ERR_OK;
}

enum err stream_log_read_centre(struct statement *s, struct stream_log *log, struct fault *fault)
{
    struct stream_log read = {.through = 0};
    enum err err = read_log(s, &read);
    if (!err)
        err = column_bytes(s, 10, read.id.bytes, ID_BYTES);
    if (err)
        return damaged(fault);
    *log = read;
    return ERR_OK;
}

enum err stream_log_centre(struct database *db, bool *found, struct stream_log *log,
                           struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_first(db, INGEST_CENTRE_LOG, &s, &row, fault);
    if (err)
        return err;
    if (row)
        err = stream_log_read_centre(s, log, fault);
    statement_reset(s);
    if (!err)
        *found = row;
    return err;
}

enum err stream_log_insert(struct database *db, struct stream_log *log, int64_t now_ms,
                           struct fault *fault)
{
    log->through = 0;
    log->hash = chain_origin(&log->id, log->has_parent ? &log->parent : NULL);
    log->backed_up_through = 0;
    log->ack_no = 0;
    struct statement *s;
    enum err err = database_statement(db, INGEST_LOG_INSERT, &s, fault);
    if (err)
        return err;
    bind_id(s, 1, &log->id);
    bind_text(s, 2, log->device);
    bind_text(s, 3, stream_name(log->stream));
    if (log->has_parent) {
        bind_id(s, 4, &log->parent.log);
        bind_int(s, 5, log->parent.seq);
        bind_hash(s, 6, &log->parent.hash);
    }
    bind_hash(s, 7, &log->hash);
    bind_int(s, 8, now_ms);
    bool made;
    err = database_step(db, s, &made, fault);
    if (err)
        return err;
    log->no = column_int(s, 0);
    statement_reset(s);
    return ERR_OK;
}

enum err stream_log_update(struct database *db, const struct stream_log *log, int64_t now_ms,
                           struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_LOG_UPDATE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log->no);
    bind_int(s, 2, log->through);
    bind_hash(s, 3, &log->hash);
    bind_int(s, 4, log->backed_up_through);
    bind_int(s, 5, log->ack_no);
    bind_int(s, 6, now_ms);
    return database_send(db, s, fault);
}

enum err stream_log_newest(struct database *db, const char *device, enum stream stream, int64_t *no,
                           struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_LOG_NEWEST, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_text(s, 2, stream_name(stream));
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    *no = row ? column_int(s, 0) : 0;
    statement_reset(s);
    return ERR_OK;
}

enum err stream_log_hash_at(struct database *db, const struct stream_log *log, int64_t seq,
                            bool *found, struct sha256 *hash, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_ENTRY_HASH, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log->no);
    bind_int(s, 2, seq);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    if (row)
        err = column_bytes(s, 0, hash->bytes, SHA256_BYTES);
    statement_reset(s);
    if (err)
        return damaged(fault);
    *found = row;
    return ERR_OK;
}

/* --- What is held above `through` ------------------------------------------------------------ */

static enum err insert_range(struct database *db, const struct stream_log *log,
                             struct ack_range range, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_RANGE_INSERT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log->no);
    bind_int(s, 2, range.first);
    bind_int(s, 3, range.last);
    return database_send(db, s, fault);
}

static enum err delete_range(struct database *db, const struct stream_log *log, int64_t first,
                             struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_RANGE_DELETE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log->no);
    bind_int(s, 2, first);
    return database_send(db, s, fault);
}

/* One range that overlaps or touches `range`. */
static enum err near_range(struct database *db, const struct stream_log *log,
                           struct ack_range range, bool *found, struct ack_range *near,
                           struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_RANGE_NEAR, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log->no);
    bind_int(s, 2, range.first);
    bind_int(s, 3, range.last);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    if (row)
        *near = (struct ack_range){column_int(s, 0), column_int(s, 1)};
    statement_reset(s);
    *found = row;
    return ERR_OK;
}

enum err held_add(struct database *db, const struct stream_log *log, struct ack_range range,
                  struct fault *fault)
{
    struct ack_range near = {0};
    bool found = true;
    enum err err = ERR_OK;
    while (!err && (err = near_range(db, log, range, &found, &near, fault)) == ERR_OK && found) {
        if (near.first < range.first)
            range.first = near.first;
        if (near.last > range.last)
            range.last = near.last;
        err = delete_range(db, log, near.first, fault);
    }
    return err ? err : insert_range(db, log, range, fault);
}

enum err held_cut(struct database *db, const struct stream_log *log, int64_t last,
                  struct fault *fault)
{
    for (;;) {
        struct ack_range lowest;
        size_t count;
        enum err err = held_list(db, log, &lowest, 1, &count, fault);
        if (err || count == 0 || lowest.first > last)
            return err;
        err = delete_range(db, log, lowest.first, fault);
        if (!err && lowest.last > last)
            err = insert_range(db, log, (struct ack_range){last + 1, lowest.last}, fault);
        if (err)
            return err;
    }
}

static enum err bind_list(struct database *db, const struct stream_log *log, size_t max,
                          struct statement **ready, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_RANGE_LIST, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log->no);
    bind_int(s, 2, (int64_t)max);
    *ready = s;
    return ERR_OK;
}

enum err held_ask(struct database *db, const struct stream_log *log, size_t max,
                  struct fault *fault)
{
    struct statement *s;
    enum err err = bind_list(db, log, max, &s, fault);
    return err ? err : database_ask(db, s, fault);
}

enum err held_list(struct database *db, const struct stream_log *log, struct ack_range *ranges,
                   size_t max, size_t *count, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    size_t n = 0;
    enum err err = bind_list(db, log, max, &s, fault);
    if (err)
        return err;
    while ((err = database_step(db, s, &row, fault)) == ERR_OK && row)
        ranges[n++] = (struct ack_range){column_int(s, 0), column_int(s, 1)};
    if (err)
        return err;
    statement_reset(s);
    *count = n;
    return ERR_OK;
}
