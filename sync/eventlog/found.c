#include "sync/eventlog/found.h"
#include "hal/base/cleanup.h"
#include "sync/eventlog/lost.h"
#include "sync/eventlog/page_scan.h"
#include "sync/eventlog/record.h"
#include "sync/eventlog/salvage.sql.h"

#include <stdio.h>
#include <string.h>

static const int64_t SEQ_MAX = (INT64_C(1) << 40) - 1;

struct scan {
    struct database_statements *sql;
};

/* --- Which table a row is of: its columns' types tell -------------------------------------- */

static bool is_blob(const struct page_value *value, size_t len)
{
    return value->type == PAGE_BLOB && value->bytes.len == len;
}

static bool is_null_or_blob(const struct page_value *value, size_t len)
{
    return value->type == PAGE_NULL || is_blob(value, len);
}

static bool is_event(const struct page_row *row)
{
    const struct page_value *v = row->values;
    return row->columns == 6 && row->rowid > 0 && v[0].type == PAGE_NULL && v[1].type == PAGE_INT &&
           is_blob(&v[2], ID_BYTES) && (v[3].type == PAGE_NULL || v[3].type == PAGE_TEXT) &&
           is_blob(&v[4], SHA256_BYTES) && v[5].type == PAGE_BLOB && v[5].bytes.len > 0;
}

static bool is_message(const struct page_row *row)
{
    const struct page_value *v = row->values;
    return row->columns == 6 && row->rowid > 0 && v[0].type == PAGE_NULL && v[1].type == PAGE_INT &&
           v[2].type == PAGE_INT && is_null_or_blob(&v[3], ID_BYTES) &&
           is_null_or_blob(&v[4], ID_BYTES) && v[5].type == PAGE_BLOB;
}

static bool is_log(const struct page_row *row)
{
    const struct page_value *v = row->values;
    bool forked = row->columns == 11 && v[2].type != PAGE_NULL;
    return row->columns == 11 && row->rowid >= 0 && v[0].type == PAGE_NULL &&
           is_blob(&v[1], ID_BYTES) && is_null_or_blob(&v[2], ID_BYTES) &&
           v[3].type == (forked ? PAGE_INT : PAGE_NULL) &&
           (forked ? is_blob(&v[4], SHA256_BYTES) : v[4].type == PAGE_NULL) &&
           v[5].type == PAGE_INT && v[5].number > 0 && is_blob(&v[6], SHA256_BYTES);
}

/* A note of a loss, or the proof of one, which has a hash behind it. */
static bool is_lost(const struct page_row *row)
{
    const struct page_value *v = row->values;
    return (row->columns == 7 || (row->columns == 8 && is_blob(&v[7], SHA256_BYTES))) &&
           v[0].type == PAGE_NULL && is_blob(&v[1], ID_BYTES) && v[2].type == PAGE_INT &&
           v[2].number >= 0 && v[2].number < STREAMS_OF_APPLIANCE && v[3].type == PAGE_INT &&
           v[3].number > 0 && v[4].type == PAGE_INT && v[4].number >= v[3].number &&
           v[4].number <= SEQ_MAX && v[5].type == PAGE_INT && v[6].type == PAGE_TEXT;
}

/* --- Scanning -------------------------------------------------------------------------------- */

static void bind_value(struct statement *s, int position, const struct page_value *value)
{
    if (value->type == PAGE_INT)
        bind_int(s, position, value->number);
    else if (value->type == PAGE_TEXT)
        bind_slice(s, position, value->bytes);
    else if (value->type == PAGE_BLOB)
        bind_blob(s, position, value->bytes.data, value->bytes.len);
}

/* Binds the rowid and the columns after the first, which is its alias. */
static enum err put(const struct scan *scan, size_t statement, const struct page_row *row,
                    size_t columns, struct fault *fault)
{
    struct statement *s;
    enum err err = database_attached(scan->sql, statement, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, row->rowid);
    for (size_t i = 1; i < columns; i++)
        bind_value(s, (int)i + 1, &row->values[i]);
    return statement_run(s, fault);
}

static enum err put_event(const struct scan *scan, const struct page_row *row, struct fault *fault)
{
    struct statement *s;
    enum err err = database_attached(scan->sql, SALVAGE_FOUND_EVENT, &s, fault);
    if (err)
        return err;
    struct sha256 digest = sha256_of(row->values[5].bytes);
    bind_int(s, 1, row->rowid);
    for (size_t i = 1; i < row->columns; i++)
        bind_value(s, (int)i + 1, &row->values[i]);
    bind_blob(s, 7, digest.bytes, SHA256_BYTES);
    return statement_run(s, fault);
}

/* No chain covers a message: one is kept when its body can be read and bears the id beside it. */
static enum err put_message(const struct scan *scan, const struct page_row *row,
                            struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, RECORD_ARENA_MAX);
    struct event event;
    struct id id;
    if (row->values[3].type == PAGE_NULL || row->values[4].type == PAGE_NULL)
        return ERR_OK;
    enum err err = event_read(row->values[5].bytes, &arena, &event, fault);
    if (err)
        return err == ERR_NO_MEMORY ? err : ERR_OK;
    for (size_t i = 0; i < ID_BYTES; i++)
        id.bytes[i] = (uint8_t)row->values[3].bytes.data[i];
    return id_equal(&id, &event.id) ? put(scan, SALVAGE_FOUND_MESSAGE, row, 6, fault) : ERR_OK;
}

static struct sha256 hash_of_note(const struct page_row *row)
{
    const struct page_value *v = row->values;
    struct eventlog_lost lost = {
        .stream = (enum stream)v[2].number,
        .first = v[3].number,
        .last = v[4].number,
        .at_ms = v[5].number,
    };
    memcpy(lost.log.bytes, v[1].bytes.data, ID_BYTES);
    (void)snprintf(lost.reason, sizeof lost.reason, "%.*s", (int)v[6].bytes.len, v[6].bytes.data);
    return lost_hash(row->rowid, &lost);
}

/* A proof with a wrong hash is nothing. */
static enum err put_lost(const struct scan *scan, const struct page_row *row, struct fault *fault)
{
    struct statement *s;
    bool proof = row->columns == 8;
    struct sha256 hash = hash_of_note(row);
    if (proof && memcmp(hash.bytes, row->values[7].bytes.data, SHA256_BYTES) != 0)
        return ERR_OK;
    enum err err = database_attached(scan->sql, SALVAGE_FOUND_LOST, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, row->rowid);
    for (size_t i = 1; i < 7; i++)
        bind_value(s, (int)i + 1, &row->values[i]);
    bind_int(s, 8, proof);
    return statement_run(s, fault);
}

static enum err visit(void *context, const struct page_row *row, struct fault *fault)
{
    const struct scan *scan = context;
    if (is_event(row))
        return put_event(scan, row, fault);
    if (is_log(row))
        return put(scan, SALVAGE_FOUND_LOG, row, 7, fault);
    if (is_message(row))
        return put_message(scan, row, fault);
    return is_lost(row) ? put_lost(scan, row, fault) : ERR_OK;
}

static enum err run(struct database_statements *sql, size_t statement, struct fault *fault)
{
    struct statement *s;
    enum err err = database_attached(sql, statement, &s, fault);
    return err ? err : statement_run(s, fault);
}

enum err found_scan(struct database *db, struct database_statements *sql, const char *database_path,
                    const char *wal_path, struct fault *fault)
{
    struct scan scan = {sql};
    enum err err = database_script(db, salvage_sql[SALVAGE_MAKE].text, fault);
    if (!err)
        err = page_scan(database_path, wal_path, visit, &scan, fault);
    if (!err)
        err = run(sql, SALVAGE_LOST_PROVEN, fault);
    return err ? err : run(sql, SALVAGE_LOST_OTHERS, fault);
}

enum err found_end_scan(struct database *db, struct database_statements *sql, struct fault *fault)
{
    enum err err = run(sql, SALVAGE_INBOX_MARK, fault);
    if (!err)
        err = run(sql, SALVAGE_INBOX_CONTIGUOUS, fault);
    database_reset(db);
    return err ? err : database_script(db, salvage_sql[SALVAGE_DROP].text, fault);
}

/* --- Reading --------------------------------------------------------------------------------- */

enum err found_numbers(struct database_statements *sql, enum stream stream, const struct id *newest,
                       int64_t *numbers, size_t max, size_t *count, struct fault *fault)
{
    struct statement *s;
    enum err err = database_attached(sql, SALVAGE_LOG_NUMBERS, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, stream);
    if (newest)
        bind_blob(s, 2, newest->bytes, ID_BYTES);
    bool there = true;
    size_t n = 0;
    while (!err && there && n < max) {
        err = statement_step(s, &there, fault);
        if (!err && there)
            numbers[n++] = column_int(s, 0);
    }
    statement_reset(s);
    if (!err)
        *count = n;
    return err;
}

/* The first event that is kept is the one that follows from what the row says was before it. */
static enum err find_beginning(struct database_statements *sql, struct log_row *row, bool *right,
                               struct fault *fault)
{
    struct statement *s;
    enum err err = found_events(sql, row->no, 1, SEQ_MAX, &s, fault);
    if (err)
        return err;
    bool there = true;
    while (!err && there && !*right) {
        struct sha256 hash;
        err = statement_step(s, &there, fault);
        if (err || !there || column_bytes(s, 2, hash.bytes, SHA256_BYTES))
            continue;
        struct sha256 expected = chain_next(&row->before_hash, column_slice(s, 3));
        *right = sha256_equal(&expected, &hash);
        if (*right)
            row->first_kept = log_position_seq(column_int(s, 1));
    }
    statement_reset(s);
    return err;
}

static bool has_right_origin(const struct log_row *row)
{
    struct sha256 origin = chain_origin(&row->id, row->forked ? &row->parent : NULL);
    return row->first_kept == 1 && sha256_equal(&origin, &row->before_hash);
}

/*
 * The log's row among the versions of it that were found: the first one that the chain proves. If
 * the log was cut and its first event is damaged, none can be proven, and the newest is taken.
 */
enum err found_log(struct database_statements *sql, int64_t no, struct log_row *row, bool *found,
                   struct fault *fault)
{
    struct statement *s;
    enum err err = database_attached(sql, SALVAGE_LOGS, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, no);
    bool there = true;
    bool right = false;
    *found = false;
    while (!err && there && !right) {
        struct log_row made;
        err = statement_step(s, &there, fault);
        if (err || !there || log_row_read(s, &made, NULL))
            continue;
        bool cut = made.first_kept > 1;
        right = has_right_origin(&made);
        if (cut)
            err = find_beginning(sql, &made, &right, fault);
        if (!err && (right || (cut && !*found))) {
            *row = made;
            *found = true;
        }
    }
    statement_reset(s);
    return err;
}

enum err found_end(struct database_statements *sql, int64_t no, int64_t *end, struct fault *fault)
{
    struct statement *s;
    enum err err = database_attached(sql, SALVAGE_END, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, no);
    bool there;
    err = statement_step(s, &there, fault);
    if (err)
        return err;
    *end = column_int(s, 0);
    statement_reset(s);
    return ERR_OK;
}

enum err found_events(struct database_statements *sql, int64_t no, int64_t first, int64_t last,
                      struct statement **events, struct fault *fault)
{
    enum err err = database_attached(sql, SALVAGE_EVENTS, events, fault);
    if (err)
        return err;
    bind_int(*events, 1, no);
    bind_int(*events, 2, first);
    bind_int(*events, 3, last);
    return ERR_OK;
}

enum err found_event(struct database_statements *sql, int64_t row, struct statement **statement,
                     struct found_event *event, struct fault *fault)
{
    struct statement *s;
    enum err err = database_attached(sql, SALVAGE_EVENT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, row);
    bool there;
    err = statement_step(s, &there, fault);
    if (err)
        return err;
    *statement = s;
    *event = (struct found_event){
        .ordinal = column_int(s, 0),
        .correlation = column_slice(s, 1),
        .key = column_slice(s, 2),
        .body = column_slice(s, 3),
        .digest = column_slice(s, 4),
    };
    return ERR_OK;
}

enum err found_take(struct database_statements *sql, struct slice digest, bool *fresh,
                    struct fault *fault)
{
    struct statement *s;
    enum err err = database_attached(sql, SALVAGE_TAKE, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, digest.data, digest.len);
    err = statement_step(s, fresh, fault);
    if (!err)
        statement_reset(s);
    return err;
}

enum err found_keep_log(struct database_statements *sql, const struct log_row *row,
                        struct fault *fault)
{
    struct statement *s;
    enum err err = database_attached(sql, SALVAGE_LOG_PUT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, row->no);
    bind_blob(s, 2, row->id.bytes, ID_BYTES);
    if (row->forked) {
        bind_blob(s, 3, row->parent.log.bytes, ID_BYTES);
        bind_int(s, 4, row->parent.seq);
        bind_blob(s, 5, row->parent.hash.bytes, SHA256_BYTES);
    }
    bind_int(s, 6, row->first_kept);
    bind_blob(s, 7, row->before_hash.bytes, SHA256_BYTES);
    return statement_run(s, fault);
}
