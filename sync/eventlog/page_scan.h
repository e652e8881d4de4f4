/*
 * Reads the rows of a damaged SQLite file without SQLite: every page that looks like a leaf of a
 * table, in the database and in its write-ahead log, whatever the pages above it look like.
 *
 * Old versions of a row come, too, and rows that were never committed: the caller must judge each
 * by its own means. Nothing is written. Pages that can't be read are passed over. One thread.
 */
#ifndef SYNC_EVENTLOG_PAGE_SCAN_H
#define SYNC_EVENTLOG_PAGE_SCAN_H

#include "hal/base/buf.h"

enum page_type { PAGE_NULL, PAGE_INT, PAGE_REAL, PAGE_TEXT, PAGE_BLOB };

struct page_value {
    enum page_type type;
    int64_t number;
    struct slice bytes;
};

enum { PAGE_COLUMNS_MAX = 16 };

/* Borrowed for the call that hands it over. */
struct page_row {
    int64_t rowid;
    size_t columns;
    struct page_value values[PAGE_COLUMNS_MAX];
};

/* An error ends the scan. */
typedef enum err page_visit(void *context, const struct page_row *row, struct fault *fault);

/* Either file may be missing. Blocks on the disk. */
enum err page_scan(const char *database_path, const char *wal_path, page_visit *visit,
                   void *context, struct fault *fault) MUST_CHECK;

#endif
