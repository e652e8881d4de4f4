#include "hal/database.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not prepared yet while `handle` is NULL. */
struct statement {
    sqlite3_stmt *handle;
};

struct database_statements {
    struct database *db;
    struct database_statements *next;
    const struct database_sql *sql;
    size_t count;
    struct statement statements[];
};

struct database {
    sqlite3 *handle;
    const char *vfs;
    bool read_only;
    struct database_statements *own;
    struct database_statements *sets; /* every set, `own` among them */
};

enum { BUSY_TIMEOUT_MS = 5000 };

static enum err code_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERR_DISK_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_CONSTRAINT:
        return ERR_CONFLICT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_NOMEM:
        return ERR_NO_MEMORY;
    case SQLITE_READONLY:
        return ERR_READ_ONLY;
    case SQLITE_CANTOPEN:
        return ERR_NOT_FOUND;
    default:
        return ERR_IO;
    }
}

static enum err fail(struct database *db, int rc, const char *where, struct fault *fault)
{
    const char *text = db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc);
    return fault_set(fault, code_of(rc), where, "database: %s (%d)", text, rc);
}

enum err database_attach(struct database *db, const struct database_sql *statements, size_t count,
                         struct database_statements **set, struct fault *fault)
{
    struct database_statements *made = calloc(1, sizeof *made + count * sizeof *made->statements);
    if (!made)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    made->db = db;
    made->sql = statements;
    made->count = count;
    made->next = db->sets;
    db->sets = made;
    *set = made;
    return ERR_OK;
}

enum err database_attached(struct database_statements *set, size_t index,
                           struct statement **statement, struct fault *fault)
{
    assert(index < set->count);
    struct statement *kept = &set->statements[index];
    if (!kept->handle) {
        int rc = sqlite3_prepare_v3(set->db->handle, set->sql[index].text, -1,
                                    SQLITE_PREPARE_PERSISTENT, &kept->handle, NULL);
        if (rc != SQLITE_OK)
            return fail(set->db, rc, set->sql[index].name, fault);
    } else {
        sqlite3_reset(kept->handle);
        sqlite3_clear_bindings(kept->handle);
    }
    *statement = kept;
    return ERR_OK;
}

enum err database_prepare(struct database *db, const char *sql, struct statement **statement,
                          struct fault *fault)
{
    struct statement *made = calloc(1, sizeof *made);
    if (!made)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, &made->handle, NULL);
    if (rc != SQLITE_OK) {
        free(made);
        return fail(db, rc, "", fault);
    }
    *statement = made;
    return ERR_OK;
}

void statement_close(struct statement *statement)
{
    if (!statement)
        return;
    sqlite3_finalize(statement->handle);
    free(statement);
}

static void forget_prepared(struct database_statements *set)
{
    for (size_t i = 0; i < set->count; i++) {
        sqlite3_finalize(set->statements[i].handle);
        set->statements[i].handle = NULL;
    }
}

enum err database_statement(struct database *db, size_t index, struct statement **statement,
                            struct fault *fault)
{
    return database_attached(db->own, index, statement, fault);
}

enum err database_prepare_all(struct database *db, struct fault *fault)
{
    for (struct database_statements *set = db->sets; set; set = set->next)
        for (size_t i = 0; i < set->count; i++) {
            struct statement *unused;
            enum err err = database_attached(set, i, &unused, fault);
            if (err)
                return err;
        }
    return ERR_OK;
}

/* The pragma tells the mode that it came to; it never fails for keeping another one. */
static enum err use_wal(struct database *db, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_prepare(db, "PRAGMA journal_mode=WAL", &s, fault);
    if (err)
        return err;
    err = statement_step(s, &row, fault);
    bool wal = !err && row && slice_is(column_slice(s, 0), "wal");
    statement_close(s);
    if (err)
        return err;
    return wal ? ERR_OK
               : fault_set(fault, ERR_UNSUPPORTED, "", "this file system has no write-ahead log");
}

static enum err configure(struct database *db, const struct database_config *config,
                          struct fault *fault)
{
    /* SQLite quietly opens for reading what it can't write to. */
    if (!config->read_only && sqlite3_db_readonly(db->handle, "main") == 1)
        return fault_set(fault, ERR_READ_ONLY, "", "the database can't be written to");
    sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
    sqlite3_extended_result_codes(db->handle, 1);
    /* In memory lies only what undoes a savepoint: it is small, and never needed after a crash. */
    enum err err = database_script(db,
                                   "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;"
                                   "PRAGMA temp_store=MEMORY; PRAGMA user_version;",
                                   fault);
    bool temporary = config->path[0] == '\0';
    if (err || config->read_only || temporary)
        return err;
    /* It has an effect only on a file that is still empty. */
    err = database_script(db, "PRAGMA auto_vacuum=INCREMENTAL;", fault);
    if (!err)
        err = use_wal(db, fault);
    return err ? err : database_script(db, "PRAGMA synchronous=FULL;", fault);
}

void database_keep_wal(struct database *db, bool keep)
{
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep, NULL);
}

/* A file that turns out to be damaged is left as it is, its log too. */
static enum err open_handle(struct database *db, const struct database_config *config,
                            struct fault *fault)
{
    int flags =
        config->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int rc = sqlite3_open_v2(config->path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, config->vfs);
    if (rc != SQLITE_OK)
        return fail(db, rc, config->path, fault);
    database_keep_wal(db, true);
    enum err err = configure(db, config, fault);
    if (!err)
        database_keep_wal(db, false);
    return err;
}

enum err database_open(struct database **out, const struct database_config *config,
                       struct fault *fault)
{
    struct database *db = calloc(1, sizeof *db);
    if (!db)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    db->vfs = config->vfs;
    db->read_only = config->read_only;
    enum err err = open_handle(db, config, fault);
    if (!err)
        err = database_attach(db, config->statements, config->statement_count, &db->own, fault);
    if (err) {
        if (fault)
            (void)snprintf(fault->where, sizeof fault->where, "%s", config->path);
        database_close(db);
        return err;
    }
    *out = db;
    return ERR_OK;
}

bool database_moved(struct database *db)
{
    int moved = 0;
    int rc = sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return rc == SQLITE_OK && moved;
}

enum err database_reopen(struct database *db, struct fault *fault)
{
    struct database made = {0};
    struct database_config config = {
        .path = sqlite3_db_filename(db->handle, "main"),
        .vfs = db->vfs,
        .read_only = db->read_only,
    };
    enum err err = open_handle(&made, &config, fault);
    if (err) {
        sqlite3_close(made.handle);
        return err;
    }
    for (struct database_statements *set = db->sets; set; set = set->next)
        forget_prepared(set);
    sqlite3_close(db->handle);
    db->handle = made.handle;
    return ERR_OK;
}

void database_close(struct database *db)
{
    if (!db)
        return;
    while (db->sets) {
        struct database_statements *next = db->sets->next;
        forget_prepared(db->sets);
        free(db->sets);
        db->sets = next;
    }
    sqlite3_close(db->handle);
    free(db);
}

enum err database_script(struct database *db, const char *sql, struct fault *fault)
{
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? ERR_OK : fail(db, rc, "", fault);
}

static enum err schema_version(struct database *db, int64_t *version, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_prepare(db, "PRAGMA user_version", &s, fault);
    if (err)
        return err;
    err = statement_step(s, &row, fault);
    if (!err)
        *version = column_int(s, 0);
    statement_close(s);
    return err;
}

static enum err run_migrations(struct database *db, const struct database_sql *migrations,
                               size_t from, size_t count, struct fault *fault)
{
    for (size_t i = from; i < count; i++) {
        enum err err = database_script(db, migrations[i].text, fault);
        if (err)
            return fault_wrap(fault, err, migrations[i].name);
    }
    char pragma[48];
    (void)snprintf(pragma, sizeof pragma, "PRAGMA user_version=%zu", count);
    return database_script(db, pragma, fault);
}

enum err database_migrate(struct database *db, const struct database_sql *migrations, size_t count,
                          struct fault *fault)
{
    int64_t version = 0;
    enum err err = schema_version(db, &version, fault);
    if (err)
        return err;
    if (version > (int64_t)count)
        return fault_set(fault, ERR_NEWER_SCHEMA, sqlite3_db_filename(db->handle, "main"),
                         "the database has schema version %lld, this program knows up to %zu; "
                         "start the newer program again",
                         (long long)version, count);
    if (version == (int64_t)count)
        return ERR_OK;
    err = database_begin(db, fault);
    if (!err)
        err = run_migrations(db, migrations, (size_t)version, count, fault);
    if (!err)
        err = database_commit(db, fault);
    if (err)
        database_rollback(db);
    return err;
}

enum err statement_step(struct statement *statement, bool *row, struct fault *fault)
{
    int rc = sqlite3_step(statement->handle);
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        *row = rc == SQLITE_ROW;
        return ERR_OK;
    }
    const char *text = sqlite3_errmsg(sqlite3_db_handle(statement->handle));
    enum err err = fault_set(fault, code_of(rc), "", "database: %s (%d)", text, rc);
    statement_reset(statement);
    return err;
}

enum err statement_run(struct statement *statement, struct fault *fault)
{
    bool row;
    enum err err = statement_step(statement, &row, fault);
    if (!err)
        statement_reset(statement);
    return err;
}

void statement_reset(struct statement *statement)
{
    sqlite3_reset(statement->handle);
}

int statement_parameters(struct statement *statement)
{
    return sqlite3_bind_parameter_count(statement->handle);
}

enum err database_step(struct database *db, struct statement *statement, bool *row,
                       struct fault *fault)
{
    (void)db;
    return statement_step(statement, row, fault);
}

enum err database_run(struct database *db, struct statement *statement, struct fault *fault)
{
    (void)db;
    return statement_run(statement, fault);
}

enum err database_run_plain(struct database *db, size_t index, struct fault *fault)
{
    struct statement *statement;
    enum err err = database_statement(db, index, &statement, fault);
    return err ? err : database_run(db, statement, fault);
}

void database_reset(struct database *db)
{
    for (sqlite3_stmt *s = sqlite3_next_stmt(db->handle, NULL); s;
         s = sqlite3_next_stmt(db->handle, s))
        if (sqlite3_stmt_busy(s))
            sqlite3_reset(s);
}

enum err database_begin(struct database *db, struct fault *fault)
{
    return database_script(db, "BEGIN IMMEDIATE", fault);
}

enum err database_commit(struct database *db, struct fault *fault)
{
    return database_script(db, "COMMIT", fault);
}

void database_rollback(struct database *db)
{
    if (!sqlite3_get_autocommit(db->handle))
        (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

enum err database_savepoint(struct database *db, struct fault *fault)
{
    return database_script(db, "SAVEPOINT step", fault);
}

enum err database_release(struct database *db, struct fault *fault)
{
    return database_script(db, "RELEASE step", fault);
}

void database_rollback_savepoint(struct database *db)
{
    (void)sqlite3_exec(db->handle, "ROLLBACK TO step; RELEASE step", NULL, NULL, NULL);
}

int64_t database_changes(struct database *db)
{
    return sqlite3_changes64(db->handle);
}

void bind_int(struct statement *statement, int position, int64_t value)
{
    sqlite3_bind_int64(statement->handle, position, value);
}

void bind_slice(struct statement *statement, int position, struct slice text)
{
    sqlite3_bind_text(statement->handle, position, text.data, (int)text.len, SQLITE_STATIC);
}

void bind_text(struct statement *statement, int position, const char *text)
{
    if (text)
        bind_slice(statement, position, slice_of(text));
    else
        sqlite3_bind_null(statement->handle, position);
}

void bind_blob(struct statement *statement, int position, const void *data, size_t len)
{
    sqlite3_bind_blob(statement->handle, position, data, (int)len, SQLITE_STATIC);
}

void bind_column(struct statement *statement, int position, struct statement *row, int column)
{
    sqlite3_bind_value(statement->handle, position, sqlite3_column_value(row->handle, column));
}

int column_count(struct statement *statement)
{
    return sqlite3_column_count(statement->handle);
}

const char *column_name(struct statement *statement, int column)
{
    return sqlite3_column_name(statement->handle, column);
}

enum column_kind column_kind(struct statement *statement, int column)
{
    switch (sqlite3_column_type(statement->handle, column)) {
    case SQLITE_INTEGER:
        return COLUMN_INT;
    case SQLITE_FLOAT:
        return COLUMN_REAL;
    case SQLITE_TEXT:
        return COLUMN_TEXT;
    case SQLITE_BLOB:
        return COLUMN_BLOB;
    default:
        return COLUMN_NULL;
    }
}

bool column_is_null(struct statement *statement, int column)
{
    return column_kind(statement, column) == COLUMN_NULL;
}

int64_t column_int(struct statement *statement, int column)
{
    return sqlite3_column_int64(statement->handle, column);
}

const char *column_text(struct statement *statement, int column)
{
    return (const char *)sqlite3_column_text(statement->handle, column);
}

struct slice column_slice(struct statement *statement, int column)
{
    const char *data = (const char *)sqlite3_column_blob(statement->handle, column);
    return (struct slice){data ? data : "",
                          (size_t)sqlite3_column_bytes(statement->handle, column)};
}

enum err column_bytes(struct statement *statement, int column, void *out, size_t len)
{
    struct slice bytes = column_slice(statement, column);
    if (bytes.len != len)
        return ERR_CORRUPT;
    memcpy(out, bytes.data, len);
    return ERR_OK;
}

sqlite3 *database_handle(struct database *db)
{
    return db->handle;
}
