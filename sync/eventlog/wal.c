#include "sync/eventlog/wal.h"
#include "sync/eventlog/internal.h"

#include <time.h>

/* 4 MiB, as SQLite does it by itself, and from when on readers are in the way. */
enum { DUE_PAGES = 1000, CROWDED_PAGES = 2 * DUE_PAGES, ASK_AGAIN_S = 1 };

/* What the next group may need in the database; and in the log, to be cut off for a checkpoint's
 * file when retention finds no other room. */
enum { AHEAD_BYTES = 1024 * 1024, HELD_BYTES = 2 * AHEAD_BYTES };

void wal_open(struct wal *wal)
{
    *wal = (struct wal){.due = DUE_PAGES};
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&wal->calm, &steady);
    pthread_condattr_destroy(&steady);
}

void wal_close(struct wal *wal)
{
    pthread_cond_destroy(&wal->calm);
}

static void tell(struct eventlog *log, bool crowded)
{
    pthread_mutex_lock(&log->lock);
    log->wal.crowded = crowded;
    log->wal.asked = false;
    if (!crowded)
        pthread_cond_broadcast(&log->wal.calm);
    pthread_mutex_unlock(&log->lock);
}

void wal_tend(struct eventlog *log)
{
    struct wal *wal = &log->wal;
    int64_t pages = log->db ? database_wal_pages(log->db) : 0;
    pthread_mutex_lock(&log->lock);
    bool asked = wal->asked;
    pthread_mutex_unlock(&log->lock);
    bool tight = log->space.tight && pages > 0;
    bool crowded = wal->crowded && (tight || pages >= DUE_PAGES); /* only this thread sets it */
    if (pages < DUE_PAGES && !tight) {
        wal->due = DUE_PAGES;
    } else if (asked || tight || pages >= wal->due) {
        syncer_await(log);
        int64_t left = database_checkpoint(log->db);
        crowded = left != 0 && (tight || pages >= CROWDED_PAGES);
        if (tight)
            database_hold_room(log->db, AHEAD_BYTES, HELD_BYTES);
        wal->due = left < 0 ? pages : pages + DUE_PAGES; /* what failed, after the next group */
    }
    if (asked || crowded != wal->crowded)
        tell(log, crowded);
}

void wal_stand_aside(struct eventlog *log)
{
    pthread_mutex_lock(&log->lock);
    while (log->wal.crowded && !log->stopping) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += ASK_AGAIN_S;
        log->wal.asked = true;
        pthread_cond_signal(&log->wake);
        (void)pthread_cond_timedwait(&log->wal.calm, &log->lock, &until);
    }
    pthread_mutex_unlock(&log->lock);
}
