/*
 * The ledger made again: positions and entries from the events, in the order in which they were
 * applied first. What was posted stays as it is. Inside the caller's transaction; blocks on the
 * disk, for as long as there are events.
 */
#ifndef SYNC_HUB_INGEST_REBUILD_H
#define SYNC_HUB_INGEST_REBUILD_H

#include "hal/database.h"
#include "sync/hub/ledger/books.h"

struct rebuilt {
    int64_t events;
    int64_t entries;
    int64_t differing; /* entries that came out otherwise, appeared or vanished */
};

/*
 * Makes all positions and entries again from the events, in the order recorded. ERR_CONFLICT, and
 * the caller rolls back, when an entry that was posted would change: the books say otherwise now
 * than when it was made.
 */
enum err rebuild_ledger(struct database *db, const struct books *books, struct rebuilt *rebuilt,
                        struct fault *fault) MUST_CHECK;

#endif
