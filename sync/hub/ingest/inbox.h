/*
 * The messages from the hub to one appliance: numbered, kept until it says that it holds them.
 * Inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_INBOX_H
#define SYNC_HUB_INGEST_INBOX_H

#include "hal/database.h"
#include "sync/contract/inbox.h"

/* Adds a message (a CloudEvents body) for a device that is known; *number is its place. */
enum err inbox_put(struct database *db, const char *device, struct slice body, int64_t now_ms,
                   int64_t *number, struct fault *fault) MUST_CHECK;
/* The device holds everything up to `through`. Of those the newest 10,000 are kept, for the day on
 * which it has lost its log. */
enum err inbox_acknowledge(struct database *db, const char *device, int64_t through,
                           struct fault *fault) MUST_CHECK;
/* The next message that it doesn't hold, appended to `body`, with its place but for the epoch;
 * number 0 when there is none. */
enum err inbox_next(struct database *db, const char *device, struct buf *body,
                    struct inbox_place *place, struct fault *fault) MUST_CHECK;

#endif
