#include "sync/hub/ingest/rescue_copy.h"
#include "hal/base/buf.h"
#include "hal/base/cleanup.h"
#include "hal/database.h"
#include "sync/hub/ingest/schema.sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    SQL_MAX = 64 * 1024,
    NAME_MAX_LEN = 64,
    TABLES_MAX = 128,
    NEAR = 4096,
    TEXT_MAX = 160,
    ROWS_AT_ONCE = 10000
};

struct copy {
    sqlite3 *from;
    sqlite3 *to;
    struct database *made;
    int64_t rows; /* of all tables */
    void (*lost)(void *context, const char *table, const char *text);
    void *context;
};

struct table {
    char name[NAME_MAX_LEN];
    bool by_rowid;
    char columns[2048];  /* "a, b, c" */
    char backwards[256]; /* the key, "a DESC, b DESC" */
    int count;
    sqlite3_stmt *insert;
    int64_t rows;
    int64_t refused; /* by the schema */
    int64_t gaps;
};

static enum err sqlite_fault(sqlite3 *db, const char *where, enum err err, struct fault *fault)
{
    return fault_set(fault, err, where, "%s", sqlite3_errmsg(db));
}

/* What the disk's content can be to blame for. */
static bool is_damage(int rc)
{
    return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB ||
           rc == SQLITE_IOERR_SHORT_READ;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql, int *rc)
{
    sqlite3_stmt *s = NULL;
    *rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
    return s;
}

/* --- The old one ----------------------------------------------------------------------------- */

static int open_old(const char *path, const char *vfs, sqlite3 **db)
{
    int rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE, vfs);
    if (rc == SQLITE_OK) /* it stays as it was found */
        rc = sqlite3_db_config(*db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(*db, "PRAGMA query_only=ON; PRAGMA cell_size_check=ON", NULL, NULL, NULL);
    return rc;
}

static enum err judge(sqlite3 *db, int rc, const char *path, bool *sound, struct fault *fault)
{
    sqlite3_stmt *s = rc == SQLITE_OK ? prepare(db, "PRAGMA integrity_check(1)", &rc) : NULL;
    if (s)
        rc = sqlite3_step(s);
    *sound = rc == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(s, 0), "ok") == 0;
    sqlite3_finalize(s);
    return rc == SQLITE_ROW || is_damage(rc) ? ERR_OK : sqlite_fault(db, path, ERR_IO, fault);
}

enum err rescue_sound(const char *path, const char *vfs, bool *sound, struct fault *fault)
{
    sqlite3 *db = NULL;
    *sound = true;
    if (access(path, F_OK) != 0)
        return ERR_OK;
    int rc = open_old(path, vfs, &db);
    enum err err = judge(db, rc, path, sound, fault);
    sqlite3_close(db);
    return err;
}

static int64_t read_number(sqlite3 *db, const char *sql)
{
    int rc;
    sqlite3_stmt *s = prepare(db, sql, &rc);
    if (s)
        rc = sqlite3_step(s);
    int64_t read = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_finalize(s);
    return read;
}

static enum err fail_unread(const char *path, struct fault *fault)
{
    return fault_set(fault, ERR_CORRUPT, path,
                     "of this database nothing can be read: restore the newest backup "
                     "(tillback-hub restore FILE); the appliances send again what is newer");
}

static enum err read_version(sqlite3 *db, const char *path, size_t *version, struct fault *fault)
{
    int64_t read = read_number(db, "PRAGMA user_version");
    if (read <= 0 || read > SCHEMA_COUNT)
        return fail_unread(path, fault);
    *version = (size_t)read;
    return ERR_OK;
}

/* --- Tables ---------------------------------------------------------------------------------- */

static void append(char *out, size_t size, const char *separator, const char *name,
                   const char *after)
{
    size_t len = strlen(out);
    (void)snprintf(out + len, size - len, "%s\"%s\"%s", len ? separator : "", name, after);
}

/* Its columns and key, as the new one has them. */
static enum err describe(struct copy *copy, struct table *table, struct fault *fault)
{
    static const char sql[] = "SELECT name, pk, (SELECT NOT wr FROM pragma_table_list(?1)) "
                              "FROM pragma_table_info(?1)";
    int rc;
    sqlite3_stmt *s = prepare(copy->to, sql, &rc);
    if (s)
        (void)sqlite3_bind_text(s, 1, table->name, -1, SQLITE_STATIC);
    while (s && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(s, 0);
        append(table->columns, sizeof table->columns, ", ", name, "");
        if (sqlite3_column_int(s, 1)) /* keys stand first, in their order */
            append(table->backwards, sizeof table->backwards, ", ", name, " DESC");
        table->by_rowid = sqlite3_column_int(s, 2) != 0;
        table->count++;
    }
    sqlite3_finalize(s);
    return rc == SQLITE_DONE ? ERR_OK : sqlite_fault(copy->to, table->name, ERR_IO, fault);
}

static enum err prepare_insert(struct copy *copy, struct table *table, struct fault *fault)
{
    struct buf sql CLEANUP(buf_free);
    int rc = SQLITE_NOMEM;
    buf_init(&sql, SQL_MAX);
    buf_printf(&sql, "INSERT OR IGNORE INTO \"%s\" (%s) VALUES (", table->name, table->columns);
    for (int i = 0; i < table->count; i++)
        buf_append_text(&sql, i ? ", ?" : "?");
    buf_append_text(&sql, ")");
    if (!sql.failed)
        table->insert = prepare(copy->to, sql.data, &rc);
    return rc == SQLITE_OK ? ERR_OK : sqlite_fault(copy->to, table->name, ERR_IO, fault);
}

/* Column 0 of the row is no column of the table. *new: it wasn't there yet. */
static enum err insert(struct copy *copy, struct table *table, sqlite3_stmt *row, bool *new,
                       struct fault *fault)
{
    for (int i = 0; i < table->count; i++)
        (void)sqlite3_bind_value(table->insert, i + 1, sqlite3_column_value(row, i + 1));
    int rc = sqlite3_step(table->insert);
    *new = rc == SQLITE_DONE &&sqlite3_changes(copy->to) > 0;
    (void)sqlite3_reset(table->insert);
    if (rc != SQLITE_DONE && (rc & 0xff) != SQLITE_CONSTRAINT && (rc & 0xff) != SQLITE_MISMATCH)
        return sqlite_fault(copy->to, table->name, rc == SQLITE_FULL ? ERR_DISK_FULL : ERR_IO,
                            fault);
    table->rows += *new;
    if (++copy->rows % ROWS_AT_ONCE == 0 && /* so that its write-ahead log stays small */
        sqlite3_exec(copy->to, "COMMIT; BEGIN", NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_fault(copy->to, table->name, ERR_IO, fault);
    return ERR_OK;
}

/* --- Rows by number -------------------------------------------------------------------------- */

static bool seek(sqlite3_stmt *s, int64_t from)
{
    (void)sqlite3_reset(s);
    (void)sqlite3_bind_int64(s, 1, from);
    int rc = sqlite3_step(s);
    return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

/* The next number from which rows can be read: near by each is tried, further off by halves. */
static bool next_readable(sqlite3_stmt *s, int64_t last, int64_t *from)
{
    int64_t bad = last + NEAR;
    for (int64_t at = last + 1; at <= bad; at++)
        if (seek(s, at)) {
            *from = at;
            return true;
        }
    int64_t good = bad;
    while (good < INT64_MAX / 2 && !seek(s, good *= 2))
        bad = good;
    if (good >= INT64_MAX / 2)
        return false;
    while (good - bad > 1) {
        int64_t at = bad + (good - bad) / 2;
        if (seek(s, at))
            good = at;
        else
            bad = at;
    }
    *from = good;
    return true;
}

static enum err copy_by_rowid(struct copy *copy, struct table *table, sqlite3_stmt *s,
                              struct fault *fault)
{
    int64_t from = 0; /* we number from 1 */
    int64_t last = 0;
    for (;;) {
        int rc = SQLITE_OK;
        (void)sqlite3_reset(s);
        (void)sqlite3_bind_int64(s, 1, from);
        while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
            bool new = false;
            enum err err = insert(copy, table, s, &new, fault);
            if (err)
                return err;
            table->refused += !new;
            last = sqlite3_column_int64(s, 0);
        }
        if (rc == SQLITE_DONE)
            return ERR_OK;
        if (!is_damage(rc))
            return sqlite_fault(copy->from, table->name, ERR_IO, fault);
        table->gaps++;
        if (last < from)
            last = from;
        if (!next_readable(s, last, &from))
            return ERR_OK;
    }
}

/* --- Rows by key ----------------------------------------------------------------------------- */

/* As far as it goes from one end. */
static enum err copy_run(struct copy *copy, struct table *table, sqlite3_stmt *s, bool *whole,
                         struct fault *fault)
{
    int rc;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        bool new;
        enum err err = insert(copy, table, s, &new, fault);
        if (err)
            return err;
    }
    *whole = rc == SQLITE_DONE;
    return *whole || is_damage(rc) ? ERR_OK : sqlite_fault(copy->from, table->name, ERR_IO, fault);
}

static sqlite3_stmt *select_from(struct copy *copy, const struct table *table, const char *after,
                                 const char *order, int *rc)
{
    struct buf sql CLEANUP(buf_free);
    sqlite3_stmt *s = NULL;
    buf_init(&sql, SQL_MAX);
    buf_printf(&sql, "SELECT %s, %s FROM \"%s\" %s%s", table->by_rowid ? "rowid" : "0",
               table->columns, table->name, after, order);
    *rc = SQLITE_NOMEM;
    if (!sql.failed)
        s = prepare(copy->from, sql.data, rc);
    return s;
}

static enum err copy_by_key(struct copy *copy, struct table *table, sqlite3_stmt *s,
                            struct fault *fault)
{
    bool whole = true;
    int rc;
    enum err err = copy_run(copy, table, s, &whole, fault);
    if (err || whole)
        return err;
    table->gaps++;
    sqlite3_stmt *back = select_from(copy, table, "ORDER BY ", table->backwards, &rc);
    if (back)
        err = copy_run(copy, table, back, &whole, fault);
    sqlite3_finalize(back);
    return err;
}

/* --- All ------------------------------------------------------------------------------------- */

static void tell(struct copy *copy, const struct table *table)
{
    char text[TEXT_MAX];
    if (!table->gaps && !table->refused)
        return;
    (void)snprintf(text, sizeof text,
                   "%" PRId64 " rows could be read; in %" PRId64
                   " places some could not, and %" PRId64 " were no such rows",
                   table->rows, table->gaps, table->refused);
    copy->lost(copy->context, table->name, text);
}

static enum err copy_table(struct copy *copy, struct table *table, struct fault *fault)
{
    int rc;
    enum err err = describe(copy, table, fault);
    if (!err)
        err = prepare_insert(copy, table, fault);
    if (err)
        return err;
    sqlite3_stmt *s = select_from(copy, table, table->by_rowid ? "WHERE rowid >= ?1" : "",
                                  table->by_rowid ? " ORDER BY rowid" : "", &rc);
    if (!s) /* its line in the list of tables can't be read */
        table->gaps++;
    else if (table->by_rowid)
        err = copy_by_rowid(copy, table, s, fault);
    else
        err = copy_by_key(copy, table, s, fault);
    sqlite3_finalize(s);
    sqlite3_finalize(table->insert);
    if (!err)
        tell(copy, table);
    return err;
}

static enum err list_tables(struct copy *copy, char names[static TABLES_MAX][NAME_MAX_LEN],
                            size_t *count, struct fault *fault)
{
    int rc;
    sqlite3_stmt *s = prepare(copy->to,
                              "SELECT name FROM sqlite_schema WHERE type = 'table' "
                              "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid",
                              &rc);
    *count = 0;
    while (s && (rc = sqlite3_step(s)) == SQLITE_ROW && *count < TABLES_MAX)
        (void)snprintf(names[(*count)++], NAME_MAX_LEN, "%s",
                       (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    return rc == SQLITE_DONE ? ERR_OK : sqlite_fault(copy->to, "sqlite_schema", ERR_IO, fault);
}

static enum err copy_tables(struct copy *copy, struct fault *fault)
{
    char names[TABLES_MAX][NAME_MAX_LEN];
    size_t count = 0;
    enum err err = list_tables(copy, names, &count, fault);
    for (size_t i = 0; i < count && !err; i++) {
        struct table table = {.count = 0};
        char clear[NAME_MAX_LEN + 32];
        (void)snprintf(table.name, sizeof table.name, "%.*s", NAME_MAX_LEN - 1, names[i]);
        (void)snprintf(clear, sizeof clear, "DELETE FROM \"%s\"", table.name);
        err = database_script(copy->made, clear, fault); /* what its schema puts there */
        if (!err)
            err = copy_table(copy, &table, fault);
    }
    return err;
}

static enum err make(struct copy *copy, const char *path, const char *made, const char *vfs,
                     struct fault *fault)
{
    const struct database_config config = {.path = made, .vfs = vfs};
    size_t version = 0;
    enum err err = read_version(copy->from, path, &version, fault);
    if (!err)
        err = database_open(&copy->made, &config, fault);
    if (!err)
        err = database_migrate(copy->made, schema_sql, version, fault);
    if (!err) /* what refers to lost rows is kept, too */
        err = database_script(copy->made, "PRAGMA foreign_keys=OFF", fault);
    if (!err)
        err = database_begin(copy->made, fault);
    if (err)
        return err;
    copy->to = database_handle(copy->made);
    err = copy_tables(copy, fault);
    if (!err && !copy->rows)
        err = fail_unread(path, fault);
    return err ? err : database_commit(copy->made, fault);
}

enum err rescue_copy(const char *path, const char *made, const char *vfs,
                     void (*lost)(void *context, const char *table, const char *text),
                     void *context, struct fault *fault)
{
    struct copy copy = {.lost = lost, .context = context};
    (void)open_old(path, vfs, &copy.from); /* what it can't read shows at its version */
    enum err err = make(&copy, path, made, vfs, fault);
    if (copy.made)
        database_rollback(copy.made);
    database_close(copy.made);
    sqlite3_close(copy.from);
    return err;
}
