/*
 * Facts of the centre that wait to be recorded together: of a server, one wait for many. They are
 * recorded in the order in which they were added, and what is recorded meanwhile without the queue
 * comes before them. Inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_CENTRE_QUEUE_H
#define SYNC_HUB_INGEST_CENTRE_QUEUE_H

#include "sync/hub/ingest/centre.h"

enum { CENTRE_QUEUE_MAX = 16 };

struct centre_queue {
    struct database *db;
    centre_told *told; /* who has something in the inbox now */
    void *context;
    struct centre_fact facts[CENTRE_QUEUE_MAX];
    char *texts[CENTRE_QUEUE_MAX]; /* what they borrow */
    size_t count;
};

/* Of facts whose device is the return's. Copies the rest; records them when full. */
enum err centre_queue_add(struct centre_queue *queue, const struct centre_fact *fact,
                          struct fault *fault) MUST_CHECK;
enum err centre_queue_record(struct centre_queue *queue, struct fault *fault) MUST_CHECK;
/* Forgets what wasn't recorded. */
void centre_queue_close(struct centre_queue *queue);

#endif
