/*
 * Whether a write-ahead log of SQLite (file format 3007000, section 4.1 of "Database File Format")
 * holds what was written into it. SQLite itself takes a damaged one for one that ends before the
 * damage, and goes on without the rest.
 *
 * How many frames must be sound is told by the shared index beside it, if it is there, and by what
 * comes after the damage: who opens the database has the index made anew, up to there. A tail
 * without a whole transaction is no damage: so a power cut leaves it. Beside a running hub too;
 * only reads.
 */
#ifndef SYNC_HUB_INGEST_WAL_CHECK_H
#define SYNC_HUB_INGEST_WAL_CHECK_H

#include "hal/base/fault.h"

#include <stdint.h>

struct wal_found {
    int64_t sound;      /* frames from the beginning */
    int64_t wanted;     /* that must be sound */
    int64_t damaged_at; /* the first frame that isn't as it was written; 0: none; -1: the header, or
                           all of it */
};

/*
 * Without a log nothing is found, unless its index is there: SQLite removes that first. `database`
 * is the path of the database file.
 */
enum err wal_check(const char *database, struct wal_found *found, struct fault *fault) MUST_CHECK;

#endif
