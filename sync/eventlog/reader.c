#include "hal/storage.h"
#include "sync/eventlog/internal.h"
#include "sync/eventlog/lost.h"
#include "sync/eventlog/parked.h"
#include "sync/eventlog/record.h"

#include <stdlib.h>

struct eventlog_reader {
    struct database *db;
    struct views views;
};

/* There are several, and what one reads again soon is little. */
enum { CACHE_KIB = 256 };

enum err eventlog_reader_open(struct eventlog_reader **out, const struct eventlog_config *config,
                              struct fault *fault)
{
    char path[PATH_MAX];
    if (storage_path(path, sizeof path, config->folder, "tillback.db"))
        return fault_set(fault, ERR_TOO_LARGE, config->folder, "the path is too long");
    struct eventlog_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    struct database_config database = {.path = path,
                                       .vfs = config->vfs,
                                       .read_only = true,
                                       .cache_kib = CACHE_KIB,
                                       .statements = log_sql,
                                       .statement_count = LOG_COUNT};
    enum err err = database_open(&reader->db, &database, fault);
    if (!err)
        err = views_attach(&reader->views, reader->db, config->views, config->view_count, fault);
    if (err) {
        eventlog_reader_close(reader);
        return err;
    }
    *out = reader;
    return ERR_OK;
}

void eventlog_reader_close(struct eventlog_reader *reader)
{
    if (!reader)
        return;
    views_detach(&reader->views);
    database_close(reader->db);
    free(reader);
}

struct database_statements *eventlog_reader_view(struct eventlog_reader *reader, const char *view)
{
    return views_find(&reader->views, view);
}

enum err eventlog_reader_refresh(struct eventlog_reader *reader, struct fault *fault)
{
    return database_moved(reader->db) ? database_reopen(reader->db, fault) : ERR_OK;
}

static enum err visit_row(struct statement *row, eventlog_visit_body *visit, void *context,
                          struct fault *fault)
{
    struct sha256 hash;
    int64_t seq = log_position_seq(column_int(row, 0));
    if (column_bytes(row, 1, hash.bytes, SHA256_BYTES))
        return fault_set(fault, ERR_CORRUPT, "event", "seq %lld has a hash of a wrong length",
                         (long long)seq);
    return visit(context, seq, column_slice(row, 2), &hash, fault);
}

static enum err visit_range(struct database *db, const struct log_row *row,
                            const struct eventlog_span *span, eventlog_visit_body *visit,
                            void *context, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_EVENT_RANGE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log_position(row->no, span->first));
    bind_int(s, 2, log_position(row->no + 1, 0) - 1);
    bind_int(s, 3, span->max_events);
    bool there = true;
    while (!err && there) {
        err = database_step(db, s, &there, fault);
        if (!err && there)
            err = visit_row(s, visit, context, fault);
    }
    statement_reset(s);
    return err == ERR_TOO_LARGE ? ERR_OK : err;
}

static enum err range(struct database *db, const struct eventlog_span *span, struct sha256 *before,
                      eventlog_visit_body *visit, void *context, struct fault *fault)
{
    struct log_row row;
    bool found;
    enum err err = log_by_id(db, &span->log, &row, &found, fault);
    if (err)
        return err;
    if (!found)
        return fault_set(fault, ERR_NOT_FOUND, "log", "there is no such log here");
    struct sha256 hash;
    err = log_hash_at(db, &row, span->first - 1, &hash, &found, fault);
    if (err)
        return err;
    if (!found)
        return fault_set(fault, ERR_NOT_FOUND, "first", "seq %lld is %s", (long long)span->first,
                         span->first < row.first_kept ? "pruned" : "not there yet");
    *before = hash;
    return visit_range(db, &row, span, visit, context, fault);
}

/* One transaction, so that a fork can't come between the log's row and its events. */
enum err eventlog_range(struct eventlog_reader *reader, const struct eventlog_span *span,
                        struct sha256 *before, eventlog_visit_body *visit, void *context,
                        struct fault *fault)
{
    enum err err = eventlog_reader_refresh(reader, fault);
    if (!err)
        err = database_run_plain(reader->db, LOG_BEGIN_READING, fault);
    if (err)
        return err;
    err = range(reader->db, span, before, visit, context, fault);
    database_rollback(reader->db);
    return err;
}

enum err eventlog_history(struct eventlog_reader *reader, const struct id *correlation,
                          eventlog_visit *visit, void *context, struct fault *fault)
{
    enum err err = eventlog_reader_refresh(reader, fault);
    return err ? err : record_history(reader->db, correlation, visit, context, fault);
}

enum err eventlog_reader_status(struct eventlog_reader *reader, struct eventlog_status *status,
                                struct fault *fault)
{
    enum err err = eventlog_reader_refresh(reader, fault);
    if (!err)
        err = database_run_plain(reader->db, LOG_BEGIN_READING, fault);
    if (err)
        return err;
    struct state state = {0};
    err = state_load(&state, reader->db, NULL, 0, fault);
    database_rollback(reader->db);
    if (err)
        return err;
    *status = (struct eventlog_status){0};
    state_tell(&state, status);
    return ERR_OK;
}

enum err eventlog_parked(struct eventlog_reader *reader, eventlog_visit_parked *visit,
                         void *context, struct fault *fault)
{
    struct statement *s;
    enum err err = eventlog_reader_refresh(reader, fault);
    if (!err)
        err = database_statement(reader->db, LOG_PARKED_LIST, &s, fault);
    if (err)
        return err;
    bool there = true;
    while (!err && there) {
        struct eventlog_parked parked = {0};
        err = database_step(reader->db, s, &there, fault);
        if (!err && there)
            err = parked_read(s, &parked, fault);
        if (!err && there)
            err = visit(context, &parked, fault);
    }
    statement_reset(s);
    return err;
}

enum err eventlog_lost(struct eventlog_reader *reader, eventlog_visit_lost *visit, void *context,
                       struct fault *fault)
{
    enum err err = eventlog_reader_refresh(reader, fault);
    return err ? err : lost_each(reader->db, visit, context, fault);
}
