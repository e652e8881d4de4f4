/* Raw SQLite, for comparison: the same rows, table, indexes and sync settings as the event log. */
#ifndef TESTS_BENCH_RAW_H
#define TESTS_BENCH_RAW_H

#include <stdint.h>

struct raw_rows;

/* The events of a log's database, read into memory so that only writing is measured. */
struct raw_rows *raw_read(const char *log_path);
void raw_free(struct raw_rows *rows);
int64_t raw_count(const struct raw_rows *rows);
/* Bytes of all bodies. */
int64_t raw_bytes(const struct raw_rows *rows);
/* Writes `count` of them to a new database, `batch` in each transaction; seconds it took. */
double raw_write(const struct raw_rows *rows, const char *path, int64_t count, int64_t batch);
double raw_seconds(void);
/* Bytes that this process has had written to a disk so far, by pages; 0 where memory is the disk.
 */
int64_t raw_written(void);

#endif
