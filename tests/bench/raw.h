/*
 * Raw SQLite, for comparison: the same rows, tables, indexes and sync settings as the event log's
 * database has, read into memory first so that only writing is measured.
 */
#ifndef TESTS_BENCH_RAW_H
#define TESTS_BENCH_RAW_H

#include <stdint.h>

/* What was saved, one after the other: each with the rows that belong in one transaction. */
struct raw_saves;

enum raw_kind {
    RAW_EVENTS,  /* each event by itself */
    RAW_RETURNS, /* each return: its events, its row of the view, and the counter of numbers; beside
                    the sales, which are there before */
};

/* Of a log's database, which nobody writes to meanwhile. */
struct raw_saves *raw_read(const char *log_path, enum raw_kind kind);
void raw_free(struct raw_saves *saves);
int64_t raw_count(const struct raw_saves *saves);
/* Bytes of all events' bodies. */
int64_t raw_bytes(const struct raw_saves *saves);
/* Writes `count` of them to a new database, `batch` in each transaction; seconds it took. */
double raw_write(const struct raw_saves *saves, const char *path, int64_t count, int64_t batch);
double raw_seconds(void);

#endif
