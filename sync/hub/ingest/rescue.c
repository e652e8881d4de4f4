#include "sync/hub/ingest/rescue.h"
#include "hal/aside.h"
#include "hal/storage.h"
#include "sync/hub/ingest/centre.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/log_exception.h"
#include "sync/hub/ingest/rescue_copy.h"
#include "sync/hub/ingest/schema.sql.h"
#include "sync/hub/ingest/schema_fit.h"
#include "sync/hub/ingest/schema_pages.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The file, as the folder it is in and its name there. */
struct place {
    char folder[PATH_MAX];
    char name[NAME_MAX + 1];
};

static enum err place_of(const char *path, struct place *place, struct fault *fault)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t len = slash ? (size_t)(slash - path) : 1;
    if (len >= sizeof place->folder || strlen(name) >= sizeof place->name)
        return fault_set(fault, ERR_TOO_LARGE, path, "the path is too long");
    memcpy(place->folder, slash ? path : ".", len);
    place->folder[len] = '\0';
    if (!len)
        memcpy(place->folder, "/", 2);
    memcpy(place->name, name, strlen(name) + 1);
    return ERR_OK;
}

/* --- The note -------------------------------------------------------------------------------- */

static enum err note_path(const struct hubdb_config *config, char path[static PATH_MAX],
                          struct fault *fault)
{
    return storage_path(path, PATH_MAX, config->folder, "suspect")
               ? fault_set(fault, ERR_TOO_LARGE, config->folder, "the path is too long")
               : ERR_OK;
}

enum err rescue_note(const struct hubdb_config *config, struct fault *fault)
{
    char path[PATH_MAX];
    enum err err = note_path(config, path, fault);
    return err ? err
               : storage_replace(path, SLICE_LITERAL("damage was seen; rescue at start\n"), 0600,
                                 fault);
}

bool rescue_noted(const struct hubdb_config *config)
{
    char path[PATH_MAX];
    return note_path(config, path, NULL) == ERR_OK && access(path, F_OK) == 0;
}

static enum err forget_note(const struct hubdb_config *config, struct fault *fault)
{
    char path[PATH_MAX];
    enum err err = note_path(config, path, fault);
    return err ? err : storage_remove(path, fault);
}

/* --- What was copied ---------------------------------------------------------------------------
 */

enum { TABLES_MAX = 128 };

/* What is told of the file's tables, and kept until it can be written into the new one. */
struct losses {
    void (*report)(void *context, const struct verify_finding *finding);
    void *context;
    struct verify_finding findings[TABLES_MAX];
    size_t count;
};

static void note_loss(void *context, const char *table, const char *text)
{
    struct losses *losses = context;
    struct verify_finding finding = {.what = "table"};
    (void)snprintf(finding.text, sizeof finding.text, "%s: %s", table, text);
    if (losses->count < TABLES_MAX)
        losses->findings[losses->count++] = finding;
    if (losses->report)
        losses->report(losses->context, &finding);
}

static enum err raise_losses(struct database *db, const struct losses *losses, int64_t now_ms,
                             struct fault *fault)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < losses->count && !err; i++) {
        const struct log_exception exception = {.code = "database_rescued",
                                                .device = CENTRE_DEVICE,
                                                .seq = (int64_t)i + 1,
                                                .detail = losses->findings[i].text,
                                                .now_ms = now_ms};
        err = log_exception_raise(db, &exception, fault);
    }
    return err;
}

static enum err run_at(struct database *db, size_t statement, int64_t now_ms, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, statement, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, now_ms);
    return database_run(db, s, fault);
}

/* Without which nothing would go on, or something would be forgotten. */
static enum err fill_in(struct database *db, int64_t now_ms, struct fault *fault)
{
    enum err err = database_run_plain(db, INGEST_RESCUE_LEDGER_CURSOR, fault);
    if (!err)
        err = database_run_plain(db, INGEST_RESCUE_FOLLOW_CURSOR, fault);
    if (!err)
        err = run_at(db, INGEST_RESCUE_POSTINGS, now_ms, fault);
    return err ? err : run_at(db, INGEST_RESCUE_DEVICES, now_ms, fault);
}

static enum err find_unlogged(struct database *db, int64_t *log_no,
                              char device[static DEVICE_ID_MAX + 1], bool *found,
                              struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_RESCUE_UNLOGGED, &s, fault);
    if (!err)
        err = database_step(db, s, found, fault);
    if (err || !*found)
        return err;
    struct slice name = column_slice(s, 1);
    *log_no = column_int(s, 0);
    (void)snprintf(device, DEVICE_ID_MAX + 1, "%.*s", (int)name.len, name.data);
    statement_reset(s);
    return ERR_OK;
}

/* A log for events whose own is lost; by no name that an appliance would give one. */
static enum err stand_in(struct database *db, int64_t log_no, const char *device, int64_t now_ms,
                         struct fault *fault)
{
    static const struct sha256 nothing = {{0}};
    struct statement *s;
    struct id id = {{0}};
    enum err err = database_statement(db, INGEST_RESCUE_LOG, &s, fault);
    if (err)
        return err;
    (void)snprintf((char *)id.bytes, ID_BYTES, "lost %" PRId64, log_no);
    bind_int(s, 1, log_no);
    bind_blob(s, 2, id.bytes, ID_BYTES);
    bind_text(s, 3, device);
    bind_blob(s, 4, nothing.bytes, SHA256_BYTES);
    bind_int(s, 5, now_ms);
    return database_run(db, s, fault);
}

static enum err stand_in_for_logs(struct database *db, int64_t now_ms, struct fault *fault)
{
    bool found = true;
    enum err err = ERR_OK;
    while (!err && found) {
        int64_t log_no = 0;
        char device[DEVICE_ID_MAX + 1];
        err = find_unlogged(db, &log_no, device, &found, fault);
        if (!err && found)
            err = stand_in(db, log_no, device, now_ms, fault);
    }
    return err;
}

static enum err mend_copy(struct database *db, const struct losses *losses, int64_t now_ms,
                          struct fault *fault)
{
    enum err err = stand_in_for_logs(db, now_ms, fault);
    if (!err) /* once more, for their appliances */
        err = run_at(db, INGEST_RESCUE_DEVICES, now_ms, fault);
    if (!err)
        err = raise_losses(db, losses, now_ms, fault);
    return err ? err : database_run_plain(db, INGEST_RECALL_EPOCH, fault);
}

/* All of it before it takes the damaged one's place. */
static enum err mend(struct database *db, const struct losses *losses, int64_t now_ms,
                     struct rescued *rescued, struct fault *fault)
{
    enum err err = database_migrate(db, schema_sql, SCHEMA_COUNT, fault);
    if (!err)
        err = database_script(db, "PRAGMA foreign_keys=OFF", fault);
    if (!err)
        err = database_begin(db, fault);
    if (!err)
        err = fill_in(db, now_ms, fault);
    if (!err)
        err = recall_damaged(db, now_ms, &rescued->recalled, fault);
    if (!err)
        err = mend_copy(db, losses, now_ms, fault);
    if (!err)
        err = database_commit(db, fault);
    database_rollback(db);
    return err;
}

/* --- The file -------------------------------------------------------------------------------- */

static enum err put_aside(const struct hubdb_config *config, struct losses *losses,
                          struct rescued *rescued, struct fault *fault)
{
    struct place place;
    struct aside aside;
    enum err err = place_of(config->path, &place, fault);
    if (!err)
        err = aside_begin(&aside, place.folder, place.name, config->now_ms, fault);
    if (err)
        return err;
    const struct database_config made = {
        .path = aside.made,
        .vfs = config->vfs,
        .statements = ingest_sql,
        .statement_count = INGEST_COUNT,
    };
    struct database *db = NULL;
    err = rescue_copy(config->path, aside.made, config->vfs, note_loss, losses, fault);
    if (!err)
        err = database_open(&db, &made, fault);
    if (!err)
        err = mend(db, losses, config->now_ms, rescued, fault);
    if (!err)
        err = database_fold_wal(db, fault);
    database_close(db);
    if (err) {
        aside_abandon(&aside);
        return err;
    }
    err = aside_exchange(&aside, fault);
    if (!err)
        memcpy(rescued->aside, aside.path, sizeof rescued->aside);
    return err;
}

enum err rescue_resume(const struct hubdb_config *config, struct fault *fault)
{
    struct place place;
    if (hubdb_is_server(config->path))
        return ERR_OK;
    enum err err = place_of(config->path, &place, fault);
    return err ? err : aside_resume(place.folder, place.name, fault);
}

/* Without the list of its tables nothing could be copied. */
static enum err look_at_file(const struct hubdb_config *config, bool *sound, struct fault *fault)
{
    bool there = access(config->path, F_OK) == 0;
    if (!there || schema_fit(config->path, config->vfs, false, NULL) != ERR_CORRUPT)
        return rescue_sound(config->path, config->vfs, sound, fault);
    *sound = false;
    return schema_pages_mend(config, fault);
}

/* --- The whole ------------------------------------------------------------------------------- */

static enum err recall_only(const struct hubdb_config *config, struct rescued *rescued,
                            struct fault *fault)
{
    struct hubdb *hub = NULL;
    enum err err = hubdb_open_resting(&hub, config, false, fault);
    if (err)
        return err;
    struct database *db = hubdb_database(hub);
    err = database_begin(db, fault);
    if (!err)
        err = recall_damaged(db, config->now_ms, &rescued->recalled, fault);
    if (!err)
        err = database_commit(db, fault);
    database_rollback(db);
    hubdb_close(hub);
    return err;
}

enum err rescue_hub(const struct hubdb_config *config,
                    void (*report)(void *context, const struct verify_finding *finding),
                    void *context, struct rescued *rescued, struct fault *fault)
{
    struct losses losses = {.report = report, .context = context};
    struct rescued done = {.aside = ""};
    bool sound = true;
    enum err err = rescue_resume(config, fault);
    if (!err && !hubdb_is_server(config->path))
        err = look_at_file(config, &sound, fault);
    if (!err && !sound)
        err = put_aside(config, &losses, &done, fault);
    done.tables = (int64_t)losses.count;
    if (!err && sound)
        err = recall_only(config, &done, fault);
    if (!err)
        err = forget_note(config, fault);
    if (!err)
        *rescued = done;
    return err;
}
