/*
 * Syncs the head file on a thread of its own, while the writer gathers, decides and commits the
 * next group. That group's answers wait for it, so that the head file is never more than one group
 * behind what was answered.
 */
#ifndef SYNC_EVENTLOG_SYNCER_H
#define SYNC_EVENTLOG_SYNCER_H

#include <pthread.h>
#include <stdbool.h>

struct eventlog;

struct syncer {
    pthread_t thread;
    bool running; /* the thread is there; the opener's own */
    bool due;     /* not synced yet; this and what follows under the log's lock */
    bool stopping;
    pthread_cond_t begin;
    pthread_cond_t done;
};

void syncer_open(struct syncer *syncer);
void syncer_close(struct syncer *syncer);
/* The opener: starts the thread, 0 or an errno; and ends it, when the writer has ended. */
int syncer_start(struct eventlog *log);
void syncer_stop(struct eventlog *log);
/* The writer: has what it wrote to the head file synced, and leaves that file alone until it is. */
void syncer_begin(struct eventlog *log);
void syncer_await(struct eventlog *log);

#endif
