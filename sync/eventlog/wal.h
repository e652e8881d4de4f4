/*
 * Keeps the write-ahead log short. SQLite begins it anew when all its pages are in the database and
 * nobody reads in it any more; the writer moves them when it has answered, so that no answer waits
 * for it. While the disk is filling up it does so after each group, and takes room for both files
 * ahead: when others have filled it to the last byte, what is in the log can still be moved, and
 * the log be cut to make room for what retention writes before it deletes.
 *
 * A background reader that has hardly ended one transaction before it begins the next, and gets
 * little of the processor meanwhile, would leave no moment for that: while the log is too long, or
 * the disk is filling up, it stands aside between two of them.
 */
#ifndef SYNC_EVENTLOG_WAL_H
#define SYNC_EVENTLOG_WAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct eventlog;

struct wal {
    int64_t due;  /* at so many pages they are moved; the writer's own */
    bool crowded; /* there are readers in the way; this and what follows under the log's lock */
    bool asked;   /* one stands aside, and waits for the writer to try again */
    pthread_cond_t calm;
};

void wal_open(struct wal *wal);
void wal_close(struct wal *wal);
/* The writer, between two groups. */
void wal_tend(struct eventlog *log);
/* A background reader, between two transactions: returns when it may go on, or the log is closing.
 */
void wal_stand_aside(struct eventlog *log);

#endif
