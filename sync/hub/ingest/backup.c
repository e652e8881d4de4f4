#include "sync/hub/ingest/backup.h"
#include "hal/base/id.h"
#include "hal/storage.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { PAGES_AT_ONCE = 512 };

static enum err beside(const char *path, const char *suffix, char out[static PATH_MAX],
                       struct fault *fault)
{
    if (strlen(path) + strlen(suffix) >= PATH_MAX)
        return fault_set(fault, ERR_TOO_LARGE, path, "the path is too long");
    memcpy(out, path, strlen(path));
    memcpy(out + strlen(path), suffix, strlen(suffix) + 1);
    return ERR_OK;
}

static enum err sqlite_fault(sqlite3 *handle, const char *where, struct fault *fault)
{
    return fault_set(fault, ERR_IO, where, "copy: %s", sqlite3_errmsg(handle));
}

/*
 * Pages of `from` into `to`. On one snapshot: by itself SQLite begins the copy anew whenever
 * somebody else has written, and beside a busy hub never comes to its end.
 */
static enum err copy_pages(sqlite3 *from, sqlite3 *to, const char *where, struct fault *fault)
{
    if (sqlite3_exec(from, "BEGIN; SELECT 1 FROM sqlite_schema", NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_fault(from, where, fault);
    sqlite3_backup *copy = sqlite3_backup_init(to, "main", from, "main");
    int rc = copy ? SQLITE_OK : SQLITE_ERROR;
    while (rc == SQLITE_OK)
        rc = sqlite3_backup_step(copy, PAGES_AT_ONCE);
    (void)sqlite3_backup_finish(copy);
    (void)sqlite3_exec(from, "ROLLBACK", NULL, NULL, NULL);
    return rc == SQLITE_DONE ? ERR_OK : sqlite_fault(to, where, fault);
}

/* The copy as one file without a WAL, whole and checked. */
static enum err finish_copy(sqlite3 *copy, const char *path, struct fault *fault)
{
    sqlite3_stmt *s;
    if (sqlite3_exec(copy, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(copy, "PRAGMA integrity_check", -1, &s, NULL) != SQLITE_OK)
        return sqlite_fault(copy, path, fault);
    bool whole =
        sqlite3_step(s) == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(s, 0), "ok") == 0;
    sqlite3_finalize(s);
    if (!whole)
        return fault_set(fault, ERR_CORRUPT, path, "the copy is damaged");
    return ERR_OK;
}

/* `source` is copied into the file `path`, which is complete, and synced by SQLite's commit. */
static enum err copy_database(sqlite3 *source, const char *path, struct fault *fault)
{
    sqlite3 *copy = NULL;
    if (sqlite3_open_v2(path, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
        SQLITE_OK) {
        enum err err = sqlite_fault(copy, path, fault);
        sqlite3_close(copy);
        return err;
    }
    enum err err = copy_pages(source, copy, path, fault);
    if (!err)
        err = finish_copy(copy, path, fault);
    sqlite3_close(copy);
    return err;
}

enum err backup_put_in_place(const char *from, const char *to, struct fault *fault)
{
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", to);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    if (rename(from, to) != 0)
        return fault_errno(fault, errno, to, "rename");
    return storage_sync_folder(slash ? folder : ".", fault);
}

/* --- What the copy lets appliances forget ---------------------------------------------------- */

static enum err allow_one(struct database *db, struct slice log, int64_t through,
                          struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_LOG_BACKED_UP, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, log.data, log.len);
    bind_int(s, 2, through);
    return database_run(db, s, fault);
}

static enum err allow_all(struct database *db, struct database *copy, struct fault *fault)
{
    struct statement *s = NULL;
    bool row = true;
    enum err err = database_statement(copy, INGEST_LOG_ALL, &s, fault);
    while (!err && (err = database_step(copy, s, &row, fault)) == ERR_OK && row)
        err = allow_one(db, column_slice(s, 0), column_int(s, 1), fault);
    if (s)
        statement_reset(s);
    return err;
}

enum err backup_allow(struct database *db, struct database *copy, struct fault *fault)
{
    enum err err = database_begin(db, fault);
    if (!err)
        err = allow_all(db, copy, fault);
    if (!err)
        err = database_commit(db, fault);
    database_rollback(db);
    return err;
}

static enum err allow_pruning(struct hubdb *hub, const char *path, struct fault *fault)
{
    struct database *copy = NULL;
    const struct database_config config = {
        .path = path,
        .read_only = true,
        .statements = ingest_sql,
        .statement_count = INGEST_COUNT,
    };
    enum err err = database_open(&copy, &config, fault);
    if (!err)
        err = backup_allow(hubdb_database(hub), copy, fault);
    database_close(copy);
    return err;
}

enum err backup_make(struct hubdb *hub, const char *path, struct fault *fault)
{
    char part[PATH_MAX];
    enum err err = beside(path, ".part", part, fault);
    if (!err)
        err = storage_remove(part, fault);
    if (!err)
        err = copy_database(database_handle(hubdb_database(hub)), part, fault);
    /* Before anyone can find the copy: a restored one must be behind. */
    if (!err)
        err = hubdb_next_generation(hub, fault);
    if (!err)
        err = backup_put_in_place(part, path, fault);
    return err ? err : allow_pruning(hub, path, fault);
}

/* --- Restoring ------------------------------------------------------------------------------- */

static enum err set_aside(const char *path, struct fault *fault)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char from[PATH_MAX];
        char aside[PATH_MAX];
        char to[PATH_MAX];
        enum err err = beside(path, parts[i], from, fault);
        if (!err)
            err = beside(path, ".before-restore", aside, fault);
        if (!err)
            err = beside(aside, parts[i], to, fault);
        if (err)
            return err;
        if (rename(from, to) != 0 && errno != ENOENT)
            return fault_errno(fault, errno, from, "set aside");
    }
    return ERR_OK;
}

enum err backup_restore(const struct hubdb_config *config, const char *copy, struct fault *fault)
{
    char part[PATH_MAX];
    struct hubdb_config source = *config;
    struct hubdb *hub = NULL;
    source.path = copy;
    enum err err = beside(config->path, ".part", part, fault);
    if (!err)
        err = storage_remove(part, fault);
    if (!err)
        err = hubdb_open_copy(&hub, &source, fault);
    if (!err)
        err = copy_database(database_handle(hubdb_database(hub)), part, fault);
    hubdb_close(hub);
    if (!err)
        err = set_aside(config->path, fault);
    return err ? err : backup_put_in_place(part, config->path, fault);
}
