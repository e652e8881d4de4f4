/*
 * A database as we use it: named statements from .sql files, a schema version with migrations,
 * transactions of one writer at a time, and no surprise in between.
 *
 * SQLite's is one file: WAL, synchronous=FULL, foreign keys on. PostgreSQL's is a database of a
 * server, and its path is libpq's connection URI. What is written once for both keeps to the
 * SQL that both know, with ?1 for parameters and INTEGER (of 64 bits), TEXT and BLOB for columns.
 *
 * A handle belongs to one thread at a time. Several handles may have one database open: one writes,
 * the others read. Every call may block on the disk or the server.
 */
#ifndef HAL_DATABASE_H
#define HAL_DATABASE_H

#include "hal/base/buf.h"

#include <sqlite3.h>

struct database;
struct statement; /* prepared; belongs to its handle's thread */

/* One named statement, as the build makes them from a .sql file. */
struct database_sql {
    const char *name;
    const char *text;
};

struct database_backend;
extern const struct database_backend database_postgresql;

struct database_config {
    const char *path; /* empty: a temporary file of this handle's own */
    const char *vfs;  /* NULL: SQLite's own; tests pass one that cuts the power */
    bool read_only;
    const struct database_sql *statements; /* borrowed for the handle's life */
    size_t statement_count;
    const struct database_backend *backend; /* NULL: SQLite */
    int cache_kib; /* SQLite only: pages kept in memory; 0: its own default, 2 MiB */
};

/*
 * Opens or creates. Refuses a file that is not a database (ERR_CORRUPT), a read-only file
 * system (ERR_READ_ONLY), and what has no write-ahead log, such as ":memory:" (ERR_UNSUPPORTED).
 * Does not migrate.
 */
enum err database_open(struct database **db, const struct database_config *config,
                       struct fault *fault) MUST_CHECK;
/* Takes NULL. Finalises every statement. */
void database_close(struct database *db);
/*
 * SQLite only: whether the file was replaced by another of the same name since it was opened. Then
 * database_reopen opens that one; statement sets go on, statements do not. On failure the handle
 * stays with the old file.
 */
bool database_moved(struct database *db);
enum err database_reopen(struct database *db, struct fault *fault) MUST_CHECK;
/* SQLite only: with `keep`, closing leaves the write-ahead log as it is, for who must look into it.
 */
void database_keep_wal(struct database *db, bool keep);

/*
 * Brings the schema to `version` = count by running migrations[old..count) in one transaction.
 * The version is kept in PRAGMA user_version, or in the table schema_version.
 *
 * ERR_NEWER_SCHEMA, with both versions in the text, when the file is newer. SQLite only: not when
 * the newest migration that says so (PRAGMA application_id = N) says that programs of version N may
 * go on with what it made, and this one is no older: it only adds what they can do without.
 */
enum err database_migrate(struct database *db, const struct database_sql *migrations, size_t count,
                          struct fault *fault) MUST_CHECK;

/* The schema's version as it is, 0: none. Changes nothing. */
enum err database_version(struct database *db, int64_t *version, struct fault *fault) MUST_CHECK;
/*
 * For a thread that may not be held up. A call to a server that is silent fails after two seconds;
 * from then on, while a new connection is made on another thread, each call fails at once with
 * ERR_UNREACHABLE. A server that lives and takes its time is still waited for. To be called outside
 * a transaction.
 */
enum err database_hurry(struct database *db, struct fault *fault) MUST_CHECK;
/* How many times a connection was made; 1 with SQLite. A server that comes back may be another. */
unsigned database_connected(const struct database *db);
/* For people: the file, or the server's database. */
const char *database_name(struct database *db);

/* The statement of that index, reset, unbound, kept. ERR_CORRUPT: what it needs has rotted. */
enum err database_statement(struct database *db, size_t index, struct statement **statement,
                            struct fault *fault) MUST_CHECK;
/* Prepares all of them: what a test calls. */
enum err database_prepare_all(struct database *db, struct fault *fault) MUST_CHECK;

/*
 * Steps once. *row tells whether there is a row. On failure the statement is reset and the error
 * carries the database's text: ERR_DISK_FULL, ERR_CORRUPT, ERR_CONFLICT for a broken constraint,
 * ERR_BUSY, ERR_UNREACHABLE when the connection to a server was lost.
 */
enum err database_step(struct database *db, struct statement *statement, bool *row,
                       struct fault *fault) MUST_CHECK;
/*
 * The statement of that index, stepped: as it is, or with that key as its only parameter. Whoever
 * has read the row resets it.
 */
enum err database_first(struct database *db, size_t index, struct statement **statement, bool *row,
                        struct fault *fault) MUST_CHECK;
enum err database_find(struct database *db, size_t index, int64_t key, struct statement **statement,
                       bool *row, struct fault *fault) MUST_CHECK;
enum err database_find_bytes(struct database *db, size_t index, const void *key, size_t len,
                             struct statement **statement, bool *row,
                             struct fault *fault) MUST_CHECK;
/* Steps a statement that returns no row, and resets it. */
enum err database_run(struct database *db, struct statement *statement,
                      struct fault *fault) MUST_CHECK;
/*
 * The same, but inside a transaction it doesn't wait for a server to have done it. A failure may
 * show only at a later call: any but this one and database_savepoint waits, database_release and
 * database_commit among them; nothing that came after it was done then. So for writes whose failure
 * nobody tells from another's. SQLite does it at once.
 */
enum err database_send(struct database *db, struct statement *statement,
                       struct fault *fault) MUST_CHECK;
/*
 * The same for one of many rows: those of one statement that follow each other may be done as one.
 * For an INSERT of VALUES that are parameters and constants; no two touch the same row.
 */
enum err database_send_row(struct database *db, struct statement *statement,
                           struct fault *fault) MUST_CHECK;
/*
 * Asks a server ahead, without waiting: who steps the same statement, bound to the same, later in
 * this transaction has the answer of now. So many answers take one wait. Only for what doesn't
 * change in between. database_asks: false with SQLite, which has nothing to wait for.
 */
bool database_asks(const struct database *db);
enum err database_ask(struct database *db, struct statement *statement,
                      struct fault *fault) MUST_CHECK;
/* As database_run for the statement of that index, when it has no bindings. */
enum err database_run_plain(struct database *db, size_t index, struct fault *fault) MUST_CHECK;
/* Resets every statement left standing on a row, so that none holds a table or a snapshot. */
void database_reset(struct database *db);
/* A statement made up at run time; statement_close it before its handle. */
enum err database_prepare(struct database *db, const char *sql, struct statement **statement,
                          struct fault *fault) MUST_CHECK;
void statement_close(struct statement *statement); /* takes NULL */
/* How many rows the statement that ran last changed. */
int64_t database_changes(struct database *db);
/* Runs a script of several statements, for schemas and pragmas. */
enum err database_script(struct database *db, const char *sql, struct fault *fault) MUST_CHECK;

/* The same of a statement alone, whichever handle it is of. */
enum err statement_step(struct statement *statement, bool *row, struct fault *fault) MUST_CHECK;
enum err statement_run(struct statement *statement, struct fault *fault) MUST_CHECK;
/* Ends it where it stands: it holds no table and no snapshot any more. Its bindings stay. */
void statement_reset(struct statement *statement); /* takes NULL */
int statement_parameters(struct statement *statement);

enum { DATABASE_LEADS_MAX = 16 };
/*
 * Whether this handle leads in a matter: of all handles on one database that ask, the first, for as
 * long as its connection lasts. On SQLite every handle does, since its file has one writer's
 * process. `matter` is a constant; a handle asks in at most DATABASE_LEADS_MAX.
 */
enum err database_lead(struct database *db, const char *matter, bool *leads,
                       struct fault *fault) MUST_CHECK;
enum { DATABASE_PLACE_MAX = 96 };
/* What tells a server's database from a copy of it that was restored; "" on SQLite. */
enum err database_place(struct database *db, char place[static DATABASE_PLACE_MAX],
                        struct fault *fault) MUST_CHECK;

enum err database_begin(struct database *db, struct fault *fault) MUST_CHECK;
enum err database_commit(struct database *db, struct fault *fault) MUST_CHECK;
/* Never fails from the caller's view; harmless outside a transaction. */
void database_rollback(struct database *db);
enum err database_savepoint(struct database *db, struct fault *fault) MUST_CHECK;
enum err database_release(struct database *db, struct fault *fault) MUST_CHECK;
void database_rollback_savepoint(struct database *db);

/* For views that come with their own SQL: a further set of named statements on this handle; the
 * same list again gives the same set. */
struct database_statements;
enum err database_attach(struct database *db, const struct database_sql *statements, size_t count,
                         struct database_statements **set, struct fault *fault) MUST_CHECK;
/* As database_statement, from an attached set; the set lives as long as the handle. */
enum err database_attached(struct database_statements *set, size_t index,
                           struct statement **statement, struct fault *fault) MUST_CHECK;

/* Bindings by position, from 1. The bytes are borrowed until the statement is reset. */
void bind_int(struct statement *statement, int position, int64_t value);
void bind_text(struct statement *statement, int position, const char *text); /* NULL binds NULL */
void bind_slice(struct statement *statement, int position, struct slice text);
void bind_blob(struct statement *statement, int position, const void *data, size_t len);
/* The value of a row's column as it is, for copying tables. */
void bind_column(struct statement *statement, int position, struct statement *row, int column);

/* Columns, from 0; borrowed until the next step or reset. */
enum column_kind { COLUMN_NULL, COLUMN_INT, COLUMN_REAL, COLUMN_TEXT, COLUMN_BLOB };
int column_count(struct statement *statement);
const char *column_name(struct statement *statement, int column);
enum column_kind column_kind(struct statement *statement, int column);
bool column_is_null(struct statement *statement, int column);
int64_t column_int(struct statement *statement, int column);      /* 0 for NULL */
const char *column_text(struct statement *statement, int column); /* NULL for NULL */
struct slice column_slice(struct statement *statement, int column);
/* ERR_CORRUPT unless the column holds exactly `len` bytes. */
enum err column_bytes(struct statement *statement, int column, void *out, size_t len) MUST_CHECK;

/*
 * SQLite only. By itself a commit moves the write-ahead log's pages into the file when there are a
 * thousand. By hand: only database_checkpoint does. It waits for no reader, and returns how many
 * pages were left because of readers: with none the log begins anew at the next commit. Negative:
 * it failed, and nothing is lost. database_wal_pages: how many were in the log after the last
 * commit.
 */
void database_checkpoint_by_hand(struct database *db);
int64_t database_checkpoint(struct database *db);
int64_t database_wal_pages(const struct database *db);
/*
 * SQLite only, outside a transaction: takes of the disk, for its files alone, what the log will
 * move into the file and `ahead_bytes` more, and `wal_bytes` for the log; as far as there is any. A
 * checkpoint that leaves nothing gives back what is ahead, and cutting the log what it holds.
 */
void database_hold_room(struct database *db, int64_t ahead_bytes, int64_t wal_bytes);

/* SQLite only: a page (from 1) as it is in the file. False: there is none of that size. */
enum { DATABASE_PAGE_BYTES = 4096 };
bool database_read_page(struct database *db, int64_t number, char page[static DATABASE_PAGE_BYTES]);

/*
 * SQLite only, elsewhere nothing: moves what the write-ahead log holds into the file and cuts the
 * log to nothing, so that what was overwritten is in neither. A reader that is in the way is waited
 * for briefly; then a later checkpoint does it. Not inside a transaction.
 */
void database_cut_wal(struct database *db);
/* SQLite only: the same, and how long it waits at most; false: a reader was in the way until then.
 */
bool database_cut_wal_within(struct database *db, int wait_ms);
/*
 * SQLite only: the same, for who then moves the file alone: closing it would leave the rest in the
 * write-ahead log, and say nothing, where it can't be folded in.
 */
enum err database_fold_wal(struct database *db, struct fault *fault) MUST_CHECK;

/* SQLite only: the bare handle, for what this face leaves out (backup, checkpoint, PRAGMA
 * integrity_check). */
sqlite3 *database_handle(struct database *db);

#endif
