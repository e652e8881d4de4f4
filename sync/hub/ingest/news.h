/*
 * What a step at the books has to tell: how much was done, and which logs' acknowledgements say
 * something new by it. Inside the caller's transaction; blocks on the disk.
 */
#ifndef SYNC_HUB_INGEST_NEWS_H
#define SYNC_HUB_INGEST_NEWS_H

#include "hal/base/id.h"
#include "hal/database.h"
#include "sync/contract/event.h"

enum { NEWS_LOGS_MAX = 32 };

/* A log whose acknowledgement says something new: an event of it was parked or let go. */
struct news_log {
    struct id id;
    char device[DEVICE_ID_MAX + 1];
};

struct news {
    int64_t seen;    /* events looked at */
    int64_t applied; /* of them and of those held before */
    int64_t parked;
    int64_t entries; /* made */
    bool more;       /* there are further events to look at */
    struct news_log logs[NEWS_LOGS_MAX];
    size_t log_count; /* of more than fit the rest is told with the next batch */
};

/* The log's acknowledgement has something new to say: counts it on, and adds it to the news. */
enum err news_tell(struct database *db, int64_t log_no, int64_t now_ms, struct news *news,
                   struct fault *fault) MUST_CHECK;

#endif
