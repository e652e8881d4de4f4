#include "sync/eventlog/eventlog.h"
#include "hal/storage.h"
#include "sync/eventlog/chain_walk.h"
#include "sync/eventlog/internal.h"
#include "sync/eventlog/lost.h"
#include "sync/eventlog/quarantine.h"
#include "sync/eventlog/schema.sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { TAIL_EVENTS = 1000, CACHE_KIB = 512, RESERVE_BYTES = 4 * 1024 * 1024 };

/* --- The database ---------------------------------------------------------------------------- */

/* Does the head file know of events that this log doesn't have, or has otherwise? */
static enum err lost_tail(struct eventlog *log, const struct state_log *ours,
                          const struct head_entry *head, bool *lost, struct fault *fault)
{
    bool found;
    *lost = false;
    if (head->seq == 0)
        return ERR_OK;
    if (!id_equal(&head->log, &ours->row.id)) {
        struct log_row older;
        enum err err = log_by_id(log->db, &head->log, &older, &found, fault);
        *lost = !err && !found;
        return err;
    }
    *lost = head->seq > ours->head;
    if (*lost)
        return ERR_OK;
    struct sha256 hash;
    enum err err = log_hash_at(log->db, &ours->row, head->seq, &hash, &found, fault);
    *lost = !err && found && !sha256_equal(&hash, &head->hash);
    return err;
}

enum err lost_note(struct eventlog *log, const struct eventlog_lost *lost, struct fault *fault)
{
    log->state.lost[lost->stream] += lost->last - lost->first + 1;
    log->state.lost_at_ms = lost->at_ms;
    return lost_add(log->db, lost, fault);
}

static enum err continue_lost(struct eventlog *log, enum stream stream,
                              const struct head_entry *head, int64_t now_ms, struct fault *fault)
{
    const struct state_log *ours = &log->state.logs[stream];
    diag_write(log->config.diag, DIAG_ERROR, "eventlog.tail_lost",
               "%s ends at %lld, but %lld was saved once; continued as a new log",
               stream_name(stream), (long long)ours->head, (long long)head->seq);
    log->forked_at_start = true;
    struct eventlog_lost missed = {
        .log = head->log,
        .stream = stream,
        .first = id_equal(&head->log, &ours->row.id) ? ours->head + 1 : 1,
        .last = head->seq,
        .at_ms = now_ms,
        .reason = "the tail was lost",
    };
    enum err err = missed.first <= missed.last ? lost_note(log, &missed, fault) : ERR_OK;
    if (err)
        return err;
    if (ours->head == 0 && !ours->row.forked)
        return ERR_OK; /* an empty new log needs no newer one */
    int64_t seq = ours->row.through < ours->head ? ours->row.through : ours->head;
    if (seq < ours->row.first_kept - 1)
        seq = ours->row.first_kept - 1;
    return fork_open(log, stream, &ours->row, seq, now_ms, fault);
}

static enum err compare_head(struct eventlog *log, int64_t now_ms, struct fault *fault)
{
    struct head head;
    bool found;
    enum err err = head_read(log->head, &head, &found, fault);
    if (!err && !found && log->state.ordinal)
        diag_write(log->config.diag, DIAG_WARN, "eventlog.head_missing",
                   "the head file is missing or damaged: a lost tail would not be noticed");
    for (int i = 0; i < STREAMS_OF_APPLIANCE && !err && found; i++) {
        bool lost;
        err = lost_tail(log, &log->state.logs[i], &head.streams[i], &lost, fault);
        if (!err && lost && log->had_wal)
            return fault_set(fault, ERR_CORRUPT, "head",
                             "the write-ahead log has lost its end, which may still be found");
        if (!err && lost)
            err = continue_lost(log, (enum stream)i, &head.streams[i], now_ms, fault);
    }
    return err;
}

static enum err verify_tails(struct eventlog *log, struct fault *fault)
{
    enum err err = ERR_OK;
    for (int i = 0; i < STREAMS_OF_APPLIANCE && !err; i++)
        err = chain_walk_tail(log->db, &log->state.logs[i].row, log->state.logs[i].head,
                              TAIL_EVENTS, fault);
    return err;
}

static enum err catch_up(struct eventlog *log, struct fault *fault)
{
    size_t rebuilt = 0;
    int64_t now_ms = clock_wall_ms(log->config.clock);
    enum err err = state_load(&log->state, log->db, &log->ids, now_ms, fault);
    if (!err)
        err = verify_tails(log, fault);
    if (!err)
        err = compare_head(log, now_ms, fault);
    if (!err)
        err = views_catch_up(&log->views, &rebuilt, fault);
    if (!err && rebuilt && log->state.ordinal)
        diag_write(log->config.diag, DIAG_INFO, "eventlog.views_rebuilt",
                   "%zu views were made again from the log", rebuilt);
    return err;
}

static enum err prepare(struct eventlog *log, struct fault *fault)
{
    enum err err = database_migrate(log->db, schema_sql, SCHEMA_COUNT, fault);
    if (!err)
        err = views_attach(&log->views, log->db, log->config.views, log->config.view_count, fault);
    if (!err)
        err = head_open(&log->head, log->config.folder, log->config.vfs, false, fault);
    if (!err)
        err = database_run_plain(log->db, LOG_BEGIN, fault);
    if (!err)
        err = catch_up(log, fault);
    if (!err)
        err = database_run_plain(log->db, LOG_COMMIT, fault);
    if (err)
        return err;
    struct head head = state_head(&log->state);
    err = head_write(log->head, &head, fault);
    return err ? err : head_sync(log->head, fault);
}

/*
 * The slow look, for when damage was met before: at the events before anything is written, and once
 * all is made ready whether each statement fits its tables.
 */
static enum err make_ready(struct eventlog *log, struct fault *fault)
{
    bool suspect = log->suspect || suspicion_noted(&log->config);
    enum err err = suspect ? verify_database(log->db, fault) : ERR_OK;
    if (!err)
        err = prepare(log, fault);
    if (err || !suspect)
        return err;
    err = database_prepare_all(log->db, fault);
    if (!err)
        err = suspicion_clear(&log->config, fault);
    if (!err)
        log->suspect = false;
    return err;
}

static enum err open_as_it_is(struct eventlog *log, struct fault *fault)
{
    struct database_config config = {
        .path = log->path,
        .vfs = log->config.vfs,
        .statements = log_sql,
        .statement_count = LOG_COUNT,
        .cache_kib = CACHE_KIB,
    };
    enum err err = database_open(&log->db, &config, fault);
    if (err)
        return err;
    database_checkpoint_by_hand(log->db);
    database_keep_wal(log->db, true); /* should it be damaged, the log may hold what it has lost */
    err = make_ready(log, fault);
    if (err) {
        log_close_database(log);
        return err;
    }
    database_keep_wal(log->db, false);
    return ERR_OK;
}

/* SQLite deletes the write-ahead log of a database that is missing or empty. */
static enum err look_at_files(struct eventlog *log, struct fault *fault)
{
    char wal[PATH_MAX];
    if (storage_path(wal, sizeof wal, log->config.folder, "tillback.db-wal"))
        return fault_set(fault, ERR_TOO_LARGE, log->config.folder, "the path is too long");
    struct stat info;
    log->had_wal = stat(wal, &info) == 0 && info.st_size > 0;
    bool empty = stat(log->path, &info) != 0 || info.st_size == 0;
    return log->had_wal && empty
               ? fault_set(fault, ERR_CORRUPT, log->path, "the database is empty, its log is not")
               : ERR_OK;
}

/* What is damaged is put aside, and what can be proven of it is the log from now on. */
static enum err salvage_and_open(struct eventlog *log, struct fault *fault)
{
    struct head head;
    bool found = false;
    struct fault why = *fault;
    diag_fault(log->config.diag, DIAG_ERROR, "eventlog.quarantined", &why);
    struct head_file *file;
    if (head_open(&file, log->config.folder, log->config.vfs, true, fault) == ERR_OK) {
        if (head_read(file, &head, &found, fault))
            found = false;
        head_close(file);
    }
    enum err err = quarantine_now(&log->config, found ? &head : NULL, &log->ids, fault);
    log->had_wal = false;
    log->suspect = false;
    if (!err)
        err = suspicion_clear(&log->config, fault);
    return err ? err : open_as_it_is(log, fault);
}

enum err log_open_database(struct eventlog *log, struct fault *fault)
{
    enum err err = quarantine_resume(&log->config, fault);
    if (!err)
        err = look_at_files(log, fault);
    if (!err)
        err = open_as_it_is(log, fault);
    if (err == ERR_CORRUPT)
        err = salvage_and_open(log, fault);
    if (!err)
        log_publish(log);
    return err;
}

void log_close_database(struct eventlog *log)
{
    syncer_await(log);
    views_detach(&log->views);
    if (log->db)
        database_rollback(log->db);
    database_close(log->db);
    log->db = NULL;
    head_close(log->head);
    log->head = NULL;
}

/* --- Life ------------------------------------------------------------------------------------ */

void log_publish(struct eventlog *log)
{
    pthread_mutex_lock(&log->lock);
    state_tell(&log->state, &log->status);
    log->status.forked_at_start = log->forked_at_start;
    log->status.can_save = log->space.held;
    log->status.tight = log->space.tight;
    log->status.free_bytes = log->space.free_bytes;
    pthread_mutex_unlock(&log->lock);
}

void eventlog_status(struct eventlog *log, struct eventlog_status *status)
{
    pthread_mutex_lock(&log->lock);
    *status = log->status;
    pthread_mutex_unlock(&log->lock);
}

void eventlog_identify(struct eventlog *log, const char *device_id, const char *store)
{
    char source[SOURCE_TEXT_MAX + 1];
    if (store && *store)
        (void)snprintf(source, sizeof source, "/store/%s/device/%s", store, device_id);
    else
        (void)snprintf(source, sizeof source, "/device/%s", device_id);
    pthread_mutex_lock(&log->lock);
    memcpy(log->next_source, source, sizeof source);
    pthread_mutex_unlock(&log->lock);
}

static enum err start(struct eventlog *log, struct fault *fault)
{
    int error = syncer_start(log);
    if (!error) {
        error = pthread_create(&log->writer, NULL, writer_run, log);
        log->writing = !error;
    }
    if (!error) {
        error = pthread_create(&log->verifier, NULL, verifier_run, log);
        log->verifying = !error;
    }
    return error ? fault_errno(fault, error, "", "starting a thread") : ERR_OK;
}

enum err eventlog_open(struct eventlog **out, const struct eventlog_config *config,
                       struct fault *fault)
{
    struct eventlog *log = calloc(1, sizeof *log);
    if (!log)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    log->config = *config;
    pthread_mutex_init(&log->lock, NULL);
    pthread_condattr_t steady; /* what waits must not wait for a wall clock that was set back */
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&log->wake, &steady);
    pthread_condattr_destroy(&steady);
    wal_open(&log->wal);
    syncer_open(&log->syncer);
    id_source_init(&log->ids, NULL, NULL);
    buf_init(&log->body, EVENT_BODY_MAX);
    eventlog_identify(log, config->device_id, config->store);
    enum err err = storage_path(log->path, sizeof log->path, config->folder, "tillback.db");
    if (err)
        (void)fault_set(fault, err, config->folder, "the path is too long");
    else
        err = space_open(&log->space, config->folder,
                         config->reserve_bytes ? config->reserve_bytes : RESERVE_BYTES, fault);
    if (!err)
        err = log_open_database(log, fault);
    if (!err)
        err = start(log, fault);
    if (err) {
        eventlog_close(log);
        return err;
    }
    *out = log;
    return ERR_OK;
}

static void stop(struct eventlog *log)
{
    pthread_mutex_lock(&log->lock);
    log->stopping = true;
    pthread_cond_signal(&log->wake);
    pthread_cond_broadcast(&log->wal.calm);
    pthread_mutex_unlock(&log->lock);
    if (log->writing)
        pthread_join(log->writer, NULL);
    syncer_stop(log);
    if (log->verifying)
        pthread_join(log->verifier, NULL);
}

void eventlog_close(struct eventlog *log)
{
    if (!log)
        return;
    stop(log);
    log_close_database(log);
    buf_free(&log->body);
    wal_close(&log->wal);
    syncer_close(&log->syncer);
    pthread_cond_destroy(&log->wake);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

void eventlog_submit(struct eventlog *log, struct eventlog_command *command)
{
    command->next = NULL;
    pthread_mutex_lock(&log->lock);
    if (log->last)
        log->last->next = command;
    else
        log->first = command;
    log->last = command;
    log->waiting++;
    bool gathered = log_gathered(log);
    pthread_mutex_unlock(&log->lock);
    if (gathered)
        pthread_cond_signal(&log->wake); /* the lock is free by then for whom it wakes */
}
