#include "tests/bench/raw.h"

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

int64_t raw_written(void)
{
    char line[128];
    long long bytes = 0;
    FILE *io = fopen("/proc/self/io", "r");
    must(io != NULL, "/proc/self/io can't be read");
    while (fgets(line, sizeof line, io))
        if (strncmp(line, "write_bytes: ", 13) == 0)
            bytes = strtoll(line + 13, NULL, 10);
    (void)fclose(io);
    return bytes;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s;
    must(sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK, sqlite3_errmsg(db));
    return s;
}

struct row {
    sqlite3_int64 pos;
    sqlite3_int64 ordinal;
    unsigned char correlation[16];
    unsigned char hash[32];
    char *body;
    int body_len;
};

struct raw_rows {
    int64_t count;
    int64_t bytes;
    struct row list[];
};

static void read_row(sqlite3_stmt *s, struct row *row)
{
    row->pos = sqlite3_column_int64(s, 0);
    row->ordinal = sqlite3_column_int64(s, 1);
    memcpy(row->correlation, sqlite3_column_blob(s, 2), sizeof row->correlation);
    memcpy(row->hash, sqlite3_column_blob(s, 3), sizeof row->hash);
    row->body_len = sqlite3_column_bytes(s, 4);
    row->body = malloc((size_t)row->body_len);
    must(row->body != NULL, "out of memory");
    memcpy(row->body, sqlite3_column_blob(s, 4), (size_t)row->body_len);
}

struct raw_rows *raw_read(const char *log_path)
{
    sqlite3 *db;
    must(sqlite3_open(log_path, &db) == SQLITE_OK, log_path);
    sqlite3_stmt *s = prepare(db, "SELECT count(*) FROM event");
    must(sqlite3_step(s) == SQLITE_ROW, sqlite3_errmsg(db));
    int64_t count = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    struct raw_rows *rows = calloc(1, sizeof *rows + (size_t)count * sizeof(struct row));
    must(rows != NULL, "out of memory");
    s = prepare(db, "SELECT pos, ordinal, correlation, hash, body FROM event ORDER BY pos");
    for (; rows->count < count && sqlite3_step(s) == SQLITE_ROW; rows->count++) {
        read_row(s, &rows->list[rows->count]);
        rows->bytes += rows->list[rows->count].body_len;
    }
    sqlite3_finalize(s);
    sqlite3_close(db);
    return rows;
}

void raw_free(struct raw_rows *rows)
{
    for (int64_t i = 0; i < rows->count; i++)
        free(rows->list[i].body);
    free(rows);
}

int64_t raw_count(const struct raw_rows *rows)
{
    return rows->count;
}

int64_t raw_bytes(const struct raw_rows *rows)
{
    return rows->bytes;
}

double raw_write(const struct raw_rows *all, const char *path, int64_t count, int64_t batch)
{
    const struct row *rows = all->list;
    sqlite3 *db;
    must(sqlite3_open(path, &db) == SQLITE_OK, path);
    must(sqlite3_exec(db,
                      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                      "CREATE TABLE event (pos INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL,"
                      " correlation BLOB NOT NULL, key TEXT, hash BLOB NOT NULL,"
                      " body BLOB NOT NULL) STRICT;"
                      "CREATE INDEX event_correlation ON event (correlation);"
                      "CREATE UNIQUE INDEX event_key ON event (key) WHERE key IS NOT NULL;",
                      NULL, NULL, NULL) == SQLITE_OK,
         "making the table");
    sqlite3_stmt *begin = prepare(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *commit = prepare(db, "COMMIT");
    sqlite3_stmt *insert = prepare(db, "INSERT INTO event VALUES (?1, ?2, ?3, NULL, ?4, ?5)");
    double start = raw_seconds();
    for (int64_t i = 0; i < count; i += batch) {
        (void)sqlite3_step(begin);
        sqlite3_reset(begin);
        for (int64_t k = i; k < i + batch && k < count; k++) {
            sqlite3_bind_int64(insert, 1, rows[k].pos);
            sqlite3_bind_int64(insert, 2, rows[k].ordinal);
            sqlite3_bind_blob(insert, 3, rows[k].correlation, 16, SQLITE_STATIC);
            sqlite3_bind_blob(insert, 4, rows[k].hash, 32, SQLITE_STATIC);
            sqlite3_bind_blob(insert, 5, rows[k].body, rows[k].body_len, SQLITE_STATIC);
            must(sqlite3_step(insert) == SQLITE_DONE, sqlite3_errmsg(db));
            sqlite3_reset(insert);
        }
        must(sqlite3_step(commit) == SQLITE_DONE, sqlite3_errmsg(db));
        sqlite3_reset(commit);
    }
    double took = raw_seconds() - start;
    sqlite3_finalize(begin);
    sqlite3_finalize(commit);
    sqlite3_finalize(insert);
    sqlite3_close(db);
    return took;
}
