#include "sync/eventlog/checkpoint.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "sync/eventlog/log.sql.h"
#include "sync/eventlog/record.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "checkpoint-"

enum { SQL_MAX = 16 * 1024, COLUMNS_MAX = 100 };

enum err checkpoint_ordinal(struct database *log, int64_t *ordinal, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(log, LOG_CHECKPOINT, &s, fault);
    if (err)
        return err;
    bool there;
    err = database_step(log, s, &there, fault);
    if (err)
        return err;
    *ordinal = there ? column_int(s, 0) : 0;
    statement_reset(s);
    return ERR_OK;
}

static enum err path_of(char *out, const char *folder, int64_t ordinal, const char *suffix,
                        struct fault *fault)
{
    char name[64];
    (void)snprintf(name, sizeof name, PREFIX "%lld%s", (long long)ordinal, suffix);
    return storage_path(out, PATH_MAX, folder, name)
               ? fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long")
               : ERR_OK;
}

/* The folder in which the log's database lies. */
static enum err folder_of(struct database *log, char *out, struct fault *fault)
{
    const char *path = sqlite3_db_filename(database_handle(log), "main");
    const char *slash = path ? strrchr(path, '/') : NULL;
    if (!slash || (size_t)(slash - path) >= PATH_MAX)
        return fault_set(fault, ERR_INVALID, path ? path : "", "not a path to a log");
    (void)snprintf(out, PATH_MAX, "%.*s", (int)(slash - path), path);
    return ERR_OK;
}

/* --- Copying a table ------------------------------------------------------------------------- */

static enum err prepare(struct database *db, const struct buf *sql, struct statement **s,
                        struct fault *fault)
{
    enum err err = buf_check(sql, fault, "checkpoint");
    if (err)
        return err;
    struct fault why;
    if (database_prepare(db, sql->data, s, &why) == ERR_OK)
        return ERR_OK;
    return fault_set(fault, ERR_UNSUPPORTED, "checkpoint", "%s", why.text);
}

static enum err copy_rows(struct statement *from, struct statement *to, struct fault *fault)
{
    bool there = true;
    enum err err = ERR_OK;
    while (!err && there) {
        err = statement_step(from, &there, fault);
        for (int i = 0; i < column_count(from) && !err && there; i++)
            bind_column(to, i + 1, from, i);
        if (!err && there)
            err = statement_run(to, fault);
    }
    return err;
}

static enum err copy_table(struct database *from, struct database *to, const char *table,
                           struct fault *fault)
{
    struct buf sql CLEANUP(buf_free);
    buf_init(&sql, SQL_MAX);
    struct statement *rows = NULL;
    struct statement *insert = NULL;
    buf_printf(&sql, "SELECT * FROM \"%s\"", table);
    enum err err = prepare(from, &sql, &rows, fault);
    if (err)
        return err;
    buf_reset(&sql);
    buf_printf(&sql, "REPLACE INTO \"%s\" (", table); /* a new table may have first rows */
    int columns = column_count(rows);
    for (int i = 0; i < columns; i++)
        buf_printf(&sql, "%s\"%s\"", i ? ", " : "", column_name(rows, i));
    buf_append_text(&sql, ") VALUES (");
    for (int i = 0; i < columns; i++)
        buf_printf(&sql, "%s?%d", i ? ", " : "", i + 1);
    buf_append_text(&sql, ")");
    err = prepare(to, &sql, &insert, fault);
    if (!err)
        err = copy_rows(rows, insert, fault);
    statement_close(rows);
    statement_close(insert);
    return err;
}

/* --- Loading --------------------------------------------------------------------------------- */

static bool is_chosen(const struct views *views, const bool *which, const char *name)
{
    for (size_t i = 0; i < views->count; i++)
        if (strcmp(views->list[i].name, name) == 0)
            return !which || which[i];
    return false;
}

static enum err load_tables(struct views *views, const bool *which, struct database *file,
                            struct fault *fault)
{
    struct buf sql CLEANUP(buf_free);
    buf_init(&sql, SQL_MAX);
    buf_append_text(&sql, "SELECT name, view FROM checkpoint_table ORDER BY rowid");
    struct statement *s = NULL;
    enum err err = prepare(file, &sql, &s, fault);
    bool there = true;
    while (!err && there) {
        err = statement_step(s, &there, fault);
        if (err || !there)
            break;
        if (is_chosen(views, which, column_text(s, 1)))
            err = copy_table(file, views->db, column_text(s, 0), fault);
    }
    statement_close(s);
    return err;
}

enum err checkpoint_load(struct views *views, const bool *which, struct database *log,
                         int64_t *ordinal, struct fault *fault)
{
    char folder[PATH_MAX];
    char path[PATH_MAX];
    enum err err = checkpoint_ordinal(log, ordinal, fault);
    if (err || *ordinal == 0)
        return err;
    err = folder_of(log, folder, fault);
    if (!err)
        err = path_of(path, folder, *ordinal, ".db", fault);
    if (err)
        return err;
    struct database *file = NULL;
    struct database_config config = {.path = path, .read_only = true};
    err = database_open(&file, &config, fault);
    if (!err)
        err = load_tables(views, which, file, fault);
    database_close(file);
    return err ? fault_wrap(fault, err, "reading the checkpoint") : ERR_OK;
}

/* --- Making ---------------------------------------------------------------------------------- */

/* Notes which tables the view's script has made. */
static enum err note_tables(struct database *db, const char *view, struct fault *fault)
{
    struct buf sql CLEANUP(buf_free);
    buf_init(&sql, SQL_MAX);
    buf_append_text(&sql, "INSERT INTO checkpoint_table SELECT name, ?1 FROM sqlite_schema "
                          "WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
                          "AND name <> 'checkpoint_table' "
                          "AND name NOT IN (SELECT name FROM checkpoint_table)");
    struct statement *s = NULL;
    enum err err = prepare(db, &sql, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, view);
    err = statement_run(s, fault);
    statement_close(s);
    return err;
}

static enum err apply_all(void *context, const struct eventlog_record *record, struct fault *fault)
{
    return views_apply(context, record, fault);
}

static enum err fill(struct views *views, struct database *log, int64_t ordinal,
                     struct fault *fault)
{
    enum err err = database_script(
        views->db, "BEGIN; CREATE TABLE checkpoint_table (name TEXT PRIMARY KEY, view TEXT);",
        fault);
    for (size_t i = 0; i < views->count && !err; i++) {
        err = database_script(views->db, views->list[i].create, fault);
        if (!err)
            err = note_tables(views->db, views->list[i].name, fault);
    }
    int64_t after = 0;
    if (!err)
        err = checkpoint_load(views, NULL, log, &after, fault);
    if (!err)
        err = record_replay(log, after, ordinal, apply_all, views, fault);
    database_reset(views->db);
    return err ? err : database_script(views->db, "COMMIT", fault);
}

/* One file when it is closed: no write-ahead log beside it. */
static enum err make_file(const struct eventlog_config *config, const char *path,
                          struct database *log, int64_t ordinal, struct fault *fault)
{
    struct database_config made = {.path = path, .vfs = config->vfs};
    struct database *db = NULL;
    struct views views = {0};
    enum err err = database_open(&db, &made, fault);
    if (err)
        return err;
    err = views_attach(&views, db, config->views, config->view_count, fault);
    if (!err)
        err = fill(&views, log, ordinal, fault);
    if (!err)
        err = database_script(db, "PRAGMA journal_mode=DELETE", fault);
    views_detach(&views);
    database_close(db);
    return err;
}

enum err checkpoint_make(const struct eventlog_config *config, struct database *log,
                         int64_t ordinal, struct fault *fault)
{
    char new[PATH_MAX] = "";
    char path[PATH_MAX] = "";
    enum err err = path_of(new, config->folder, ordinal, ".new", fault);
    if (!err)
        err = path_of(path, config->folder, ordinal, ".db", fault);
    if (!err)
        err = storage_remove(new, fault);
    if (!err)
        err = make_file(config, new, log, ordinal, fault);
    if (!err && rename(new, path) != 0)
        err = fault_errno(fault, errno, new, "rename");
    if (err) {
        (void)unlink(new);
        return fault_wrap(fault, err, "making a checkpoint");
    }
    return storage_sync_folder(config->folder, fault);
}

enum err checkpoint_tidy(const char *folder, int64_t keep, struct fault *fault)
{
    char kept[64];
    (void)snprintf(kept, sizeof kept, PREFIX "%lld.db", (long long)keep);
    DIR *dir = opendir(folder);
    if (!dir)
        return fault_errno(fault, errno, folder, "open folder");
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[PATH_MAX];
        bool ours = strncmp(entry->d_name, PREFIX, sizeof PREFIX - 1) == 0;
        if (ours && strcmp(entry->d_name, kept) != 0 &&
            storage_path(path, sizeof path, folder, entry->d_name) == ERR_OK)
            (void)unlink(path);
    }
    (void)closedir(dir);
    return ERR_OK;
}

/* --- When the log is damaged ----------------------------------------------------------------- */

static bool is_whole(const char *path)
{
    struct database *db = NULL;
    struct database_config config = {.path = path, .read_only = true};
    struct statement *s = NULL;
    bool row;
    bool whole = database_open(&db, &config, NULL) == ERR_OK &&
                 database_prepare(db, "PRAGMA integrity_check", &s, NULL) == ERR_OK &&
                 statement_step(s, &row, NULL) == ERR_OK && row &&
                 slice_is(column_slice(s, 0), "ok");
    statement_close(s);
    database_close(db);
    return whole;
}

int64_t checkpoint_newest(const char *folder)
{
    int64_t newest = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        char path[PATH_MAX];
        char *end;
        if (strncmp(entry->d_name, PREFIX, sizeof PREFIX - 1) != 0)
            continue;
        int64_t ordinal = strtoll(entry->d_name + sizeof PREFIX - 1, &end, 10);
        if (ordinal > newest && strcmp(end, ".db") == 0 &&
            storage_path(path, sizeof path, folder, entry->d_name) == ERR_OK && is_whole(path))
            newest = ordinal;
    }
    if (dir)
        (void)closedir(dir);
    return newest;
}

enum err checkpoint_put(struct database *log, int64_t ordinal, int64_t now_ms, struct fault *fault)
{
    enum err err = database_run_plain(log, LOG_CHECKPOINT_CLEAR, fault);
    struct statement *s;
    if (!err)
        err = database_statement(log, LOG_CHECKPOINT_PUT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, ordinal);
    bind_int(s, 2, now_ms);
    return database_run(log, s, fault);
}
