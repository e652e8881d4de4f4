#include "hal/database_backend.h"
#include "hal/wal_join.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>

enum { BUSY_TIMEOUT_MS = 5000 };

/* Nobody asks how much memory SQLite has, which it would count under a lock at each allocation. */
static void set_up(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

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
    sqlite3 *handle = db->native;
    const char *text = handle ? sqlite3_errmsg(handle) : sqlite3_errstr(rc);
    return fault_set(fault, code_of(rc), where, "database: %s (%d)", text, rc);
}

static enum err script(struct database *db, const char *sql, struct fault *fault)
{
    int rc = sqlite3_exec(db->native, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? ERR_OK : fail(db, rc, "", fault);
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

static enum err set_cache(struct database *db, int kib, struct fault *fault)
{
    char pragma[48];
    (void)snprintf(pragma, sizeof pragma, "PRAGMA cache_size=-%d", kib);
    return kib ? script(db, pragma, fault) : ERR_OK;
}

/* As PostgreSQL's, and SQLite's from 3.43 on. */
static void octet_length(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    if (sqlite3_value_type(values[0]) != SQLITE_NULL)
        sqlite3_result_int(context, sqlite3_value_bytes(values[0]));
}

static enum err configure(struct database *db, const struct database_config *config,
                          struct fault *fault)
{
    /* SQLite quietly opens for reading what it can't write to. */
    if (!config->read_only && sqlite3_db_readonly(db->native, "main") == 1)
        return fault_set(fault, ERR_READ_ONLY, "", "the database can't be written to");
    sqlite3_busy_timeout(db->native, BUSY_TIMEOUT_MS);
    sqlite3_extended_result_codes(db->native, 1);
    int rc =
        sqlite3_create_function(db->native, "octet_length", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                NULL, octet_length, NULL, NULL);
    if (rc != SQLITE_OK)
        return fail(db, rc, "", fault);
    /* In memory lies only what undoes a savepoint: it is small, and never needed after a crash. */
    enum err err = script(db,
                          "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;"
                          "PRAGMA temp_store=MEMORY; PRAGMA user_version;",
                          fault);
    if (!err)
        err = set_cache(db, config->cache_kib, fault);
    bool temporary = config->path[0] == '\0';
    if (err || config->read_only || temporary)
        return err;
    /* It has an effect only on a file that is still empty. */
    err = script(db, "PRAGMA auto_vacuum=INCREMENTAL;", fault);
    if (!err)
        err = use_wal(db, fault);
    return err ? err : script(db, "PRAGMA synchronous=FULL;", fault);
}

void database_keep_wal(struct database *db, bool keep)
{
    sqlite3_db_config(db->native, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep, NULL);
}

/* A file that turns out to be damaged is left as it is, its log too. */
static enum err open_file(struct database *db, const struct database_config *config,
                          struct fault *fault)
{
    int flags =
        config->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    static pthread_once_t once = PTHREAD_ONCE_INIT; /* before SQLite's first use */
    (void)pthread_once(&once, set_up);
    sqlite3 *handle = NULL;
    const char *joined = config->read_only ? NULL : wal_join_vfs(config->vfs);
    int rc = sqlite3_open_v2(config->path, &handle, flags | SQLITE_OPEN_NOMUTEX,
                             joined ? joined : config->vfs);
    db->native = handle;
    if (rc != SQLITE_OK)
        return fail(db, rc, config->path, fault);
    database_keep_wal(db, true);
    enum err err = configure(db, config, fault);
    if (!err)
        database_keep_wal(db, false);
    return err;
}

static void close_file(struct database *db)
{
    sqlite3_close(db->native);
}

bool database_moved(struct database *db)
{
    int moved = 0;
    int rc = sqlite3_file_control(db->native, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return rc == SQLITE_OK && moved;
}

enum err database_reopen(struct database *db, struct fault *fault)
{
    struct database made = {.backend = &database_sqlite};
    struct database_config config = {
        .path = sqlite3_db_filename(db->native, "main"),
        .vfs = db->vfs,
        .read_only = db->read_only,
        .cache_kib = db->cache_kib,
    };
    enum err err = open_file(&made, &config, fault);
    if (err) {
        sqlite3_close(made.native);
        return err;
    }
    database_forget_prepared(db);
    sqlite3_close(db->native);
    db->native = made.native;
    return ERR_OK;
}

sqlite3 *database_handle(struct database *db)
{
    assert(db->backend == &database_sqlite);
    return db->native;
}

static int count_pages(void *context, sqlite3 *handle, const char *name, int pages)
{
    (void)handle;
    (void)name;
    ((struct database *)context)->wal_pages = pages;
    return SQLITE_OK;
}

void database_checkpoint_by_hand(struct database *db)
{
    (void)sqlite3_wal_hook(db->native, count_pages, db); /* instead of SQLite's own */
}

int64_t database_checkpoint(struct database *db)
{
    int pages = 0;
    int moved = 0;
    int rc = sqlite3_wal_checkpoint_v2(db->native, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &moved);
    return rc == SQLITE_OK ? pages - moved : -1;
}

int64_t database_wal_pages(const struct database *db)
{
    return db->wal_pages;
}

bool database_cut_wal_within(struct database *db, int wait_ms)
{
    (void)sqlite3_busy_timeout(db->native, wait_ms);
    int rc = sqlite3_wal_checkpoint_v2(db->native, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_busy_timeout(db->native, BUSY_TIMEOUT_MS);
    if (rc == SQLITE_OK)
        db->wal_pages = 0;
    return rc == SQLITE_OK;
}

void database_cut_wal(struct database *db)
{
    if (db->backend == &database_sqlite)
        (void)database_cut_wal_within(db, BUSY_TIMEOUT_MS);
}

enum err database_fold_wal(struct database *db, struct fault *fault)
{
    int left = 0;
    int moved = 0;
    int rc = sqlite3_wal_checkpoint_v2(db->native, NULL, SQLITE_CHECKPOINT_TRUNCATE, &left, &moved);
    return rc == SQLITE_OK && left == 0
               ? ERR_OK
               : fault_set(fault, ERR_IO, "database", "the write-ahead log can't be folded in");
}

static enum err move(struct database *db, enum database_move move, struct fault *fault)
{
    static const char *const words[] = {
        [DATABASE_BEGIN] = "BEGIN IMMEDIATE",
        [DATABASE_COMMIT] = "COMMIT",
        [DATABASE_SAVEPOINT] = "SAVEPOINT step",
        [DATABASE_RELEASE] = "RELEASE step",
        [DATABASE_ROLLBACK_SAVEPOINT] = "ROLLBACK TO step; RELEASE step",
    };
    return script(db, words[move], fault);
}

static void rollback(struct database *db)
{
    if (!sqlite3_get_autocommit(db->native))
        (void)sqlite3_exec(db->native, "ROLLBACK", NULL, NULL, NULL);
}

static void reset_all(struct database *db)
{
    for (sqlite3_stmt *s = sqlite3_next_stmt(db->native, NULL); s;
         s = sqlite3_next_stmt(db->native, s))
        if (sqlite3_stmt_busy(s))
            sqlite3_reset(s);
}

static int64_t changes(struct database *db)
{
    return sqlite3_changes64(db->native);
}

static enum err read_number(struct database *db, const char *pragma, int64_t *number,
                            struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_prepare(db, pragma, &s, fault);
    if (err)
        return err;
    err = statement_step(s, &row, fault);
    if (!err)
        *number = column_int(s, 0);
    statement_close(s);
    return err;
}

/* SQLite takes the hint only of a file that grows by whole pieces. */
static void hold(sqlite3_file *file, int64_t bytes)
{
    int piece = 4096;
    if (!file || !file->pMethods)
        return;
    (void)file->pMethods->xFileControl(file, SQLITE_FCNTL_CHUNK_SIZE, &piece);
    (void)file->pMethods->xFileControl(file, SQLITE_FCNTL_SIZE_HINT, &bytes);
    piece = 0;
    (void)file->pMethods->xFileControl(file, SQLITE_FCNTL_CHUNK_SIZE, &piece);
}

void database_hold_room(struct database *db, int64_t ahead_bytes, int64_t wal_bytes)
{
    int64_t pages = 0;
    int64_t page_bytes = 0;
    sqlite3_file *file = NULL;
    sqlite3_file *wal = NULL;
    if (db->backend != &database_sqlite ||
        read_number(db, "PRAGMA page_count", &pages, NULL) != ERR_OK ||
        read_number(db, "PRAGMA page_size", &page_bytes, NULL) != ERR_OK)
        return;
    (void)sqlite3_file_control(db->native, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    (void)sqlite3_file_control(db->native, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
    hold(file, pages * page_bytes + ahead_bytes);
    hold(wal, wal_bytes);
}

bool database_read_page(struct database *db, int64_t number, char page[static DATABASE_PAGE_BYTES])
{
    int64_t page_bytes = 0;
    sqlite3_file *file = NULL; /* SQLite's own: closing another would drop its locks */
    if (db->backend != &database_sqlite ||
        read_number(db, "PRAGMA page_size", &page_bytes, NULL) != ERR_OK ||
        page_bytes != DATABASE_PAGE_BYTES)
        return false;
    (void)sqlite3_file_control(db->native, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    return file && file->pMethods &&
           file->pMethods->xRead(file, page, DATABASE_PAGE_BYTES,
                                 (number - 1) * DATABASE_PAGE_BYTES) == SQLITE_OK;
}

static enum err read_version(struct database *db, int64_t *version, struct fault *fault)
{
    return read_number(db, "PRAGMA user_version", version, fault);
}

static enum err read_oldest(struct database *db, int64_t *version, struct fault *fault)
{
    return read_number(db, "PRAGMA application_id", version, fault);
}

static enum err write_version(struct database *db, size_t version, struct fault *fault)
{
    char pragma[48];
    (void)snprintf(pragma, sizeof pragma, "PRAGMA user_version=%zu", version);
    return script(db, pragma, fault);
}

static const char *name(struct database *db)
{
    return sqlite3_db_filename(db->native, "main");
}

/* --- Statements ------------------------------------------------------------------------------ */

/* `kept` ones are the program's own: a schema that they don't fit is not the one that it made. */
static enum err prepare(struct statement *s, const char *sql, bool kept, struct fault *fault)
{
    sqlite3_stmt *made = NULL;
    int rc = sqlite3_prepare_v3(s->db->native, sql, -1, kept ? SQLITE_PREPARE_PERSISTENT : 0, &made,
                                NULL);
    if (rc == SQLITE_ERROR && kept)
        return fault_set(fault, ERR_CORRUPT, "", "database: its tables are damaged: %s",
                         sqlite3_errmsg(s->db->native));
    if (rc != SQLITE_OK)
        return fail(s->db, rc, "", fault);
    s->native = made;
    return ERR_OK;
}

static void finalize(struct statement *s)
{
    sqlite3_finalize(s->native);
    s->native = NULL;
}

static enum err step(struct statement *s, bool *row, struct fault *fault)
{
    int rc = sqlite3_step(s->native);
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        *row = rc == SQLITE_ROW;
        return ERR_OK;
    }
    enum err err = fail(s->db, rc, "", fault);
    sqlite3_reset(s->native);
    return err;
}

static void reset(struct statement *s)
{
    sqlite3_reset(s->native);
}

static void unbind(struct statement *s)
{
    sqlite3_clear_bindings(s->native);
}

static int parameters(struct statement *s)
{
    return sqlite3_bind_parameter_count(s->native);
}

static void put_int(struct statement *s, int position, int64_t value)
{
    sqlite3_bind_int64(s->native, position, value);
}

static void put_text(struct statement *s, int position, struct slice text)
{
    sqlite3_bind_text(s->native, position, text.data, (int)text.len, SQLITE_STATIC);
}

static void put_blob(struct statement *s, int position, struct slice bytes)
{
    sqlite3_bind_blob(s->native, position, bytes.data, (int)bytes.len, SQLITE_STATIC);
}

static void put_null(struct statement *s, int position)
{
    sqlite3_bind_null(s->native, position);
}

static void put_column(struct statement *s, int position, struct statement *row, int column)
{
    sqlite3_bind_value(s->native, position, sqlite3_column_value(row->native, column));
}

static int count_columns(struct statement *s)
{
    return sqlite3_column_count(s->native);
}

static const char *name_column(struct statement *s, int column)
{
    return sqlite3_column_name(s->native, column);
}

static enum column_kind kind_of(struct statement *s, int column)
{
    switch (sqlite3_column_type(s->native, column)) {
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

static int64_t get_int(struct statement *s, int column)
{
    return sqlite3_column_int64(s->native, column);
}

static const char *get_text(struct statement *s, int column)
{
    return (const char *)sqlite3_column_text(s->native, column);
}

static struct slice get_slice(struct statement *s, int column)
{
    const char *data = (const char *)sqlite3_column_blob(s->native, column);
    return (struct slice){data ? data : "", (size_t)sqlite3_column_bytes(s->native, column)};
}

static const struct statement_backend statements = {
    .prepare = prepare,
    .finalize = finalize,
    .step = step,
    .reset = reset,
    .unbind = unbind,
    .parameters = parameters,
    .bind_int = put_int,
    .bind_text = put_text,
    .bind_blob = put_blob,
    .bind_null = put_null,
    .bind_column = put_column,
    .column_count = count_columns,
    .column_name = name_column,
    .column_kind = kind_of,
    .column_int = get_int,
    .column_text = get_text,
    .column_slice = get_slice,
};

const struct database_backend database_sqlite = {
    .open = open_file,
    .close = close_file,
    .script = script,
    .move = move,
    .rollback = rollback,
    .reset_all = reset_all,
    .changes = changes,
    .read_version = read_version,
    .write_version = write_version,
    .read_oldest = read_oldest,
    .name = name,
    .statements = &statements,
};
