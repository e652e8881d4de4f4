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
/*
 * The same for who knows the device's next number, or needs none: they don't wait for the database.
 * Messages that were put at their numbers are then counted.
 */
enum err inbox_put_at(struct database *db, const char *device, int64_t number, struct slice body,
                      int64_t now_ms, struct fault *fault) MUST_CHECK;
enum err inbox_count_on(struct database *db, const char *device, int64_t count,
                        struct fault *fault) MUST_CHECK;
enum err inbox_add(struct database *db, const char *device, struct slice body, int64_t now_ms,
                   struct fault *fault) MUST_CHECK;
/*
 * The device holds everything up to `through`. Of those the newest INBOX_KEPT are kept, for at most
 * INBOX_KEPT_DAYS, for the day on which it has lost its log. One that holds more than was ever
 * numbered for it counts on from another name (its box was given another identity): what waits is
 * numbered on from there.
 */
enum { INBOX_KEPT = 10000, INBOX_KEPT_DAYS = 400 };
enum err inbox_acknowledge(struct database *db, const char *device, int64_t through, int64_t now_ms,
                           struct fault *fault) MUST_CHECK;
/*
 * The next message that it doesn't hold, appended to `body`, with its place but for the epoch;
 * number 0 when there is none. What a device that it came in the place of has not taken is its own
 * from then on.
 */
enum err inbox_next(struct database *db, const char *device, struct buf *body,
                    struct inbox_place *place, struct fault *fault) MUST_CHECK;
/*
 * As many of them as follow without a gap and fit `max_bytes`, as a batch's body; the first always
 * fits. place->last is the last one's number.
 */
enum err inbox_next_some(struct database *db, const char *device, size_t max_bytes,
                         struct buf *batch, struct inbox_place *place,
                         struct fault *fault) MUST_CHECK;

#endif
