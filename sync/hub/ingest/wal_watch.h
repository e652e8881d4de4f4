/*
 * Ends a long statement of a reader early. While it goes on, its snapshot keeps the write-ahead log
 * of a busy hub from beginning anew: when the log has grown by GROWTH since, or when nobody wants
 * the answer any more, a thread of its own interrupts the statement. SQLite only.
 *
 * Begin and end on the reader's thread.
 */
#ifndef SYNC_HUB_INGEST_WAL_WATCH_H
#define SYNC_HUB_INGEST_WAL_WATCH_H

#include "hal/database.h"

enum { WAL_WATCH_GROWTH = 32 * 1024 * 1024 };

struct wal_watch;

/* `goes_on` (NULL: always) is asked on the thread that watches. The handle outlives the watch. */
enum err wal_watch_begin(struct wal_watch **watch, struct database *db,
                         bool (*goes_on)(void *context), void *context,
                         struct fault *fault) MUST_CHECK;
/* Frees it. True: it has interrupted what ran, for the log's sake. */
bool wal_watch_end(struct wal_watch *watch);

#endif
