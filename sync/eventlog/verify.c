/*
 * Verification: the whole for `tillback verify`, the chain alone in the background after a start.
 * Both read beside a running writer.
 */
#include "hal/storage.h"
#include "sync/eventlog/chain_walk.h"
#include "sync/eventlog/internal.h"
#include "sync/eventlog/lost.h"
#include "sync/eventlog/quarantine.h"
#include "sync/eventlog/schema.sql.h"
#include "sync/eventlog/view_compare.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/*
 * Background: events read in one transaction, so that it never holds up a checkpoint for long; and
 * no memory for pages that it comes by but once.
 */
enum { CHUNK_EVENTS = 64, LEAST_URGENT = 19, WALK_CACHE_KIB = 32, WHOLE_CACHE_KIB = 256 };

static enum err open_reading(struct database **db, const struct eventlog_config *config,
                             int cache_kib, struct fault *fault)
{
    char path[PATH_MAX];
    if (storage_path(path, sizeof path, config->folder, "tillback.db"))
        return fault_set(fault, ERR_TOO_LARGE, config->folder, "the path is too long");
    struct database_config database = {.path = path,
                                       .vfs = config->vfs,
                                       .read_only = true,
                                       .cache_kib = cache_kib,
                                       .statements = log_sql,
                                       .statement_count = LOG_COUNT};
    return database_open(db, &database, fault);
}

/* --- The whole ------------------------------------------------------------------------------- */

struct verification {
    const struct eventlog_config *config;
    struct database *db;
    eventlog_report *report;
    void *context;
    int64_t events;
};

static void report_text(struct verification *v, const char *what, const char *text)
{
    struct eventlog_finding finding = {0};
    (void)snprintf(finding.what, sizeof finding.what, "%s", what);
    (void)snprintf(finding.text, sizeof finding.text, "%s", text);
    v->report(v->context, &finding);
}

static enum err check_database(struct verification *v, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(v->db, LOG_INTEGRITY, &s, fault);
    bool there = true;
    while (!err && there) {
        err = database_step(v->db, s, &there, fault);
        if (!err && there && !slice_is(column_slice(s, 0), "ok"))
            report_text(v, "database", column_text(s, 0));
    }
    return err;
}

static enum err check_logs(struct verification *v, struct fault *fault)
{
    struct log_row row = {.no = -1};
    bool found = true;
    for (;;) {
        enum err err = log_after(v->db, row.no, &row, &found, fault);
        if (err || !found)
            return err;
        struct chain_walk walk = chain_walk_begin(&row);
        const struct chain_look look = {.bodies = true, .report = v->report, .context = v->context};
        bool ended;
        err = chain_walk_on(&walk, v->db, &row, &look, INT64_MAX, &ended, fault);
        v->events += walk.events;
        if (err)
            return err;
    }
}

/* Does the log hold what its head file says was saved? */
static enum err holds(struct database *db, const struct head_entry *entry, bool *held,
                      struct fault *fault)
{
    struct log_row row;
    struct log_row newest;
    bool known;
    bool found;
    enum err err = log_by_id(db, &entry->log, &row, &known, fault);
    *held = !err && known;
    if (err || !known)
        return err;
    err = log_newest(db, log_stream(row.no), &newest, &found, fault);
    if (err || newest.no != row.no || entry->seq < row.first_kept - 1)
        return err; /* forked or pruned since */
    struct sha256 hash;
    err = log_hash_at(db, &row, entry->seq, &hash, &found, fault);
    *held = !err && found && sha256_equal(&hash, &entry->hash);
    return err;
}

/* `head` was read before the database, which may have gone on since. */
static enum err check_head(struct verification *v, const struct head *head, struct fault *fault)
{
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++) {
        bool held;
        enum err err = holds(v->db, &head->streams[i], &held, fault);
        if (err)
            return err;
        if (!held)
            report_text(v, "head", "the log is behind its head file, or has another history");
    }
    return ERR_OK;
}

static enum err report_lost(void *context, const struct eventlog_lost *lost, struct fault *fault)
{
    (void)fault;
    struct verification *v = context;
    struct eventlog_finding finding = {.what = "lost", .log = lost->log, .seq = lost->first};
    (void)snprintf(finding.text, sizeof finding.text, "%s %lld to %lld: %s",
                   stream_name(lost->stream), (long long)lost->first, (long long)lost->last,
                   lost->reason);
    v->report(v->context, &finding);
    return ERR_OK;
}

static enum err check_notes(struct verification *v, struct fault *fault)
{
    bool sound = true;
    enum err err = lost_check(v->db, &sound, fault);
    if (err || sound)
        return err ? err : lost_each(v->db, report_lost, v, fault);
    report_text(v, "note", "a note of what was lost is damaged: the next start mends it");
    return ERR_OK;
}

static enum err check_snapshot(struct verification *v, const struct head *head, struct fault *fault)
{
    enum err err = check_database(v, fault);
    if (!err)
        err = check_logs(v, fault);
    if (!err && head)
        err = check_head(v, head, fault);
    if (!err)
        err = check_notes(v, fault);
    if (!err && !head && v->events)
        report_text(v, "head", "the head file is missing or damaged");
    return err ? err
               : view_compare(v->db, v->config->views, v->config->view_count, v->report, v->context,
                              fault);
}

static void keep_first(void *context, const struct eventlog_finding *finding)
{
    struct eventlog_finding *first = context;
    if (!first->what[0])
        *first = *finding;
}

enum err verify_database(struct database *db, struct fault *fault)
{
    struct eventlog_finding first = {0};
    struct verification v = {.db = db, .report = keep_first, .context = &first};
    enum err err = check_database(&v, fault);
    if (!err)
        err = check_logs(&v, fault);
    if (!err && first.what[0])
        err = fault_set(fault, ERR_CORRUPT, first.what, "%s", first.text);
    return err;
}

static enum err read_head(const struct eventlog_config *config, struct head *head, bool *found,
                          struct fault *fault)
{
    struct head_file *file;
    *found = false;
    if (head_open(&file, config->folder, config->vfs, true, fault))
        return ERR_OK; /* that it is missing is a finding, not a failure */
    enum err err = head_read(file, head, found, fault);
    head_close(file);
    return err;
}

enum err eventlog_verify(const struct eventlog_config *config, eventlog_report *report,
                         void *context, int64_t *events, struct fault *fault)
{
    struct verification v = {.config = config, .report = report, .context = context};
    struct head head;
    bool has_head;
    enum err err = read_head(config, &head, &has_head, fault);
    if (!err)
        err = open_reading(&v.db, config, WHOLE_CACHE_KIB, fault);
    if (err)
        return err;
    err = database_run_plain(v.db, LOG_BEGIN_READING, fault);
    if (!err)
        err = check_snapshot(&v, has_head ? &head : NULL, fault);
    database_close(v.db);
    if (!err)
        *events = v.events;
    return err;
}

enum err eventlog_rebuild(const struct eventlog_config *config, struct fault *fault)
{
    char path[PATH_MAX];
    if (storage_path(path, sizeof path, config->folder, "tillback.db"))
        return fault_set(fault, ERR_TOO_LARGE, config->folder, "the path is too long");
    struct database_config database = {
        .path = path, .vfs = config->vfs, .statements = log_sql, .statement_count = LOG_COUNT};
    struct database *db = NULL;
    struct views views = {0};
    enum err err = database_open(&db, &database, fault);
    if (err)
        return err;
    err = database_migrate(db, schema_sql, SCHEMA_COUNT, fault);
    if (!err)
        err = views_attach(&views, db, config->views, config->view_count, fault);
    if (!err)
        err = database_run_plain(db, LOG_BEGIN, fault);
    if (!err)
        err = views_rebuild(&views, fault);
    if (!err)
        err = database_run_plain(db, LOG_COMMIT, fault);
    views_detach(&views);
    database_close(db);
    return err;
}

/* --- In the background ----------------------------------------------------------------------- */

struct background {
    struct eventlog *log;
    struct eventlog_status start; /* what is appended after that needs no second look */
    struct database *db;
    bool damaged;
};

static bool is_stopping(struct eventlog *log)
{
    pthread_mutex_lock(&log->lock);
    bool stopping = log->stopping;
    pthread_mutex_unlock(&log->lock);
    return stopping;
}

static void report_damage(void *context, const struct eventlog_finding *finding)
{
    struct background *background = context;
    background->damaged = true;
    diag_write(background->log->config.diag, DIAG_ERROR, "eventlog.damaged", "%s: %s",
               finding->what, finding->text);
}

/* One chunk in one transaction. The row is read again each time: it may be pruned meanwhile. */
static enum err walk_chunk(struct background *background, struct log_row *row,
                           struct chain_walk *walk, bool *ended, struct fault *fault)
{
    const struct chain_look look = {.report = report_damage, .context = background};
    struct database *db = background->db;
    bool found;
    enum err err = database_run_plain(db, LOG_BEGIN_READING, fault);
    if (!err)
        err = log_by_id(db, &row->id, row, &found, fault);
    if (!err && walk->next < row->first_kept)
        *walk = chain_walk_begin(row);
    if (!err)
        err = chain_walk_on(walk, db, row, &look, CHUNK_EVENTS, ended, fault);
    database_rollback(db);
    return err;
}

static int64_t last_at_start(const struct background *background, const struct log_row *row)
{
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++)
        if (id_equal(&background->start.streams[i].log, &row->id))
            return background->start.streams[i].head;
    return INT64_MAX;
}

static enum err walk_all(struct background *background, bool *finished, struct fault *fault)
{
    struct log_row row = {.no = -1};
    bool found = true;
    *finished = false;
    for (;;) {
        enum err err = log_after(background->db, row.no, &row, &found, fault);
        if (err)
            return err;
        if (!found)
            break;
        struct chain_walk walk = chain_walk_begin(&row);
        int64_t last = last_at_start(background, &row);
        bool ended;
        do {
            if (is_stopping(background->log))
                return ERR_OK;
            wal_stand_aside(background->log);
            err = walk_chunk(background, &row, &walk, &ended, fault);
            if (err)
                return err;
        } while (!ended && walk.next <= last);
    }
    *finished = true;
    return ERR_OK;
}

void *verifier_run(void *context)
{
    struct background background = {.log = context};
    struct eventlog *log = background.log;
    struct fault fault;
    bool finished = false;
    eventlog_status(log, &background.start);
    /* Not SCHED_IDLE: on a busy machine that would stand in a transaction for seconds. */
    (void)setpriority(PRIO_PROCESS, 0, LEAST_URGENT); /* of this thread */
    enum err err = open_reading(&background.db, &log->config, WALK_CACHE_KIB, &fault);
    if (!err)
        err = walk_all(&background, &finished, &fault);
    database_close(background.db);
    if (err)
        diag_fault(log->config.diag, DIAG_ERROR, "eventlog.not_verified", &fault);
    if ((background.damaged || err == ERR_CORRUPT) && eventlog_suspect(&log->config, &fault))
        diag_fault(log->config.diag, DIAG_ERROR, "eventlog.not_noted", &fault);
    pthread_mutex_lock(&log->lock);
    log->status.verified = finished && !background.damaged;
    log->status.damaged = background.damaged || err == ERR_CORRUPT;
    pthread_mutex_unlock(&log->lock);
    return NULL;
}
