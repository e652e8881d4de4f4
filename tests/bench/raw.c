#include "tests/bench/raw.h"
#include "tests/bench/counted.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "raw SQLite: %s\n", what);
    exit(1);
}

double raw_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s;
    must(sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK, sqlite3_errmsg(db));
    return s;
}

enum { EVENT_COLUMNS = 6, RETURN_COLUMNS = 21, BODY = 5 };

static const char *const tables[] = {
    [RAW_EVENTS] = "'event'",
    [RAW_RETURNS] = "'event', 'return', 'return_counter'",
};

struct cell {
    int type; /* of SQLite's */
    int len;
    sqlite3_int64 number;
    char *bytes;
};

/* An event's row, or a return's behind its events. */
struct row {
    int columns;
    struct cell cells[RETURN_COLUMNS];
};

struct raw_saves {
    enum raw_kind kind;
    char *schema;
    struct row *rows;
    int64_t row_count;
    int64_t count;
    int64_t bytes;
    int64_t starts[]; /* of each one's rows; then the end */
};

static sqlite3 *open_database(const char *path)
{
    sqlite3 *db;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    must(sqlite3_open_v2(path, &db, flags, counted_vfs()) == SQLITE_OK, path);
    return db;
}

static int64_t number_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s = prepare(db, sql);
    must(sqlite3_step(s) == SQLITE_ROW, sqlite3_errmsg(db));
    int64_t number = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return number;
}

/* The statements that make the tables and indexes as they are there. */
static char *read_schema(sqlite3 *db, enum raw_kind kind)
{
    char *sql = sqlite3_mprintf("SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema"
                                " WHERE sql IS NOT NULL AND tbl_name IN (%s) ORDER BY type DESC)",
                                tables[kind]);
    sqlite3_stmt *s = prepare(db, sql);
    must(sqlite3_step(s) == SQLITE_ROW, sqlite3_errmsg(db));
    char *schema = sqlite3_mprintf("%s", sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    sqlite3_free(sql);
    return schema;
}

static void read_row(struct raw_saves *saves, sqlite3_stmt *s, int columns)
{
    struct row *row = &saves->rows[saves->row_count++];
    row->columns = columns;
    for (int i = 0; i < columns; i++) {
        struct cell *cell = &row->cells[i];
        cell->type = sqlite3_column_type(s, i);
        cell->number = sqlite3_column_int64(s, i);
        if (cell->type != SQLITE_TEXT && cell->type != SQLITE_BLOB)
            continue;
        cell->len = sqlite3_column_bytes(s, i);
        cell->bytes = malloc((size_t)cell->len + 1);
        must(cell->bytes != NULL, "out of memory");
        if (cell->len)
            memcpy(cell->bytes, sqlite3_column_blob(s, i), (size_t)cell->len);
    }
}

static void read_events(struct raw_saves *saves, sqlite3 *db)
{
    sqlite3_stmt *s =
        prepare(db, "SELECT pos, ordinal, correlation, key, hash, body FROM event ORDER BY pos");
    while (sqlite3_step(s) == SQLITE_ROW) {
        saves->starts[saves->count++] = saves->row_count;
        read_row(saves, s, EVENT_COLUMNS);
        saves->bytes += saves->rows[saves->row_count - 1].cells[BODY].len;
    }
    sqlite3_finalize(s);
}

/*
 * The sales, before all that is timed: in the log they stand behind the returns' events, which
 * therefore never come in at the table's end, where SQLite is quicker and writes fewer pages.
 */
static void read_sales(struct raw_saves *saves, sqlite3 *db)
{
    sqlite3_stmt *s = prepare(db, "SELECT pos, ordinal, correlation, key, hash, body FROM event"
                                  " WHERE correlation NOT IN (SELECT id FROM return) ORDER BY pos");
    while (sqlite3_step(s) == SQLITE_ROW)
        read_row(saves, s, EVENT_COLUMNS);
    sqlite3_finalize(s);
}

static void read_returns(struct raw_saves *saves, sqlite3 *db)
{
    sqlite3_stmt *returns = prepare(db, "SELECT * FROM return ORDER BY created_seq");
    sqlite3_stmt *events = prepare(db, "SELECT pos, ordinal, correlation, key, hash, body"
                                       " FROM event WHERE correlation = ?1 ORDER BY ordinal");
    must(sqlite3_column_count(returns) == RETURN_COLUMNS, "the columns of a return");
    while (sqlite3_step(returns) == SQLITE_ROW) {
        saves->starts[saves->count++] = saves->row_count;
        sqlite3_bind_value(events, 1, sqlite3_column_value(returns, 0));
        while (sqlite3_step(events) == SQLITE_ROW) {
            read_row(saves, events, EVENT_COLUMNS);
            saves->bytes += saves->rows[saves->row_count - 1].cells[BODY].len;
        }
        sqlite3_reset(events);
        read_row(saves, returns, RETURN_COLUMNS);
    }
    sqlite3_finalize(returns);
    sqlite3_finalize(events);
}

struct raw_saves *raw_read(const char *log_path, enum raw_kind kind)
{
    sqlite3 *db = open_database(log_path);
    int64_t events = number_of(db, "SELECT count(*) FROM event");
    int64_t returns = kind == RAW_RETURNS ? number_of(db, "SELECT count(*) FROM return") : 0;
    int64_t count = kind == RAW_RETURNS ? returns : events;
    struct raw_saves *saves = calloc(1, sizeof *saves + ((size_t)count + 1) * sizeof(int64_t));
    must(saves != NULL, "out of memory");
    saves->kind = kind;
    saves->schema = read_schema(db, kind);
    saves->rows = calloc((size_t)(events + returns), sizeof *saves->rows);
    must(saves->rows != NULL && saves->schema != NULL, "out of memory");
    if (kind == RAW_RETURNS) {
        read_sales(saves, db);
        read_returns(saves, db);
    } else {
        read_events(saves, db);
    }
    saves->starts[saves->count] = saves->row_count;
    sqlite3_close(db);
    return saves;
}

void raw_free(struct raw_saves *saves)
{
    for (int64_t i = 0; i < saves->row_count; i++)
        for (int k = 0; k < saves->rows[i].columns; k++)
            free(saves->rows[i].cells[k].bytes);
    free(saves->rows);
    sqlite3_free(saves->schema);
    free(saves);
}

int64_t raw_count(const struct raw_saves *saves)
{
    return saves->count;
}

int64_t raw_bytes(const struct raw_saves *saves)
{
    return saves->bytes;
}

/* --- Writing --------------------------------------------------------------------------------- */

struct writer {
    sqlite3 *db;
    sqlite3_stmt *begin;
    sqlite3_stmt *commit;
    sqlite3_stmt *event;
    sqlite3_stmt *returned; /* NULL for events only, as is the next */
    sqlite3_stmt *count_up;
};

static void writer_open(struct writer *w, const struct raw_saves *saves, const char *path)
{
    *w = (struct writer){.db = open_database(path)};
    must(sqlite3_exec(w->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;", NULL, NULL,
                      NULL) == SQLITE_OK &&
             sqlite3_exec(w->db, saves->schema, NULL, NULL, NULL) == SQLITE_OK,
         "making the tables");
    w->begin = prepare(w->db, "BEGIN IMMEDIATE");
    w->commit = prepare(w->db, "COMMIT");
    w->event = prepare(w->db, "INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    if (saves->kind != RAW_RETURNS)
        return;
    w->returned = prepare(w->db, "INSERT INTO return VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
                                 " ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)");
    must(sqlite3_exec(w->db, "INSERT INTO return_counter VALUES (1, 0)", NULL, NULL, NULL) ==
             SQLITE_OK,
         sqlite3_errmsg(w->db));
    w->count_up = prepare(w->db, "UPDATE return_counter SET last = last + 1");
}

static void writer_close(struct writer *w)
{
    sqlite3_finalize(w->begin);
    sqlite3_finalize(w->commit);
    sqlite3_finalize(w->event);
    sqlite3_finalize(w->returned);
    sqlite3_finalize(w->count_up);
    sqlite3_close(w->db);
}

static void step(struct writer *w, sqlite3_stmt *s)
{
    must(sqlite3_step(s) == SQLITE_DONE, sqlite3_errmsg(w->db));
    sqlite3_reset(s);
}

static void write_row(struct writer *w, const struct row *row)
{
    sqlite3_stmt *s = row->columns == EVENT_COLUMNS ? w->event : w->returned;
    for (int i = 0; i < row->columns; i++) {
        const struct cell *cell = &row->cells[i];
        if (cell->type == SQLITE_INTEGER)
            sqlite3_bind_int64(s, i + 1, cell->number);
        else if (cell->type == SQLITE_TEXT)
            sqlite3_bind_text(s, i + 1, cell->bytes, cell->len, SQLITE_STATIC);
        else if (cell->type == SQLITE_BLOB)
            sqlite3_bind_blob(s, i + 1, cell->bytes, cell->len, SQLITE_STATIC);
        else
            sqlite3_bind_null(s, i + 1);
    }
    step(w, s);
}

static void write_save(struct writer *w, const struct raw_saves *saves, int64_t number)
{
    for (int64_t i = saves->starts[number]; i < saves->starts[number + 1]; i++)
        write_row(w, &saves->rows[i]);
    if (w->count_up)
        step(w, w->count_up);
}

static void write_what_stood(struct writer *w, const struct raw_saves *saves)
{
    step(w, w->begin);
    for (int64_t i = 0; i < saves->starts[0]; i++)
        write_row(w, &saves->rows[i]);
    step(w, w->commit);
}

double raw_write(const struct raw_saves *saves, const char *path, int64_t count, int64_t batch)
{
    struct writer w;
    writer_open(&w, saves, path);
    write_what_stood(&w, saves);
    double start = raw_seconds();
    for (int64_t i = 0; i < count; i += batch) {
        step(&w, w.begin);
        for (int64_t k = i; k < i + batch && k < count; k++)
            write_save(&w, saves, k);
        step(&w, w.commit);
    }
    double took = raw_seconds() - start;
    writer_close(&w);
    return took;
}
