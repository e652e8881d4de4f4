/*
 * An event that a log brings though it stands elsewhere already. A fork brings its parent's tail
 * again, and that is how it should be; the same event at two places of one log, or in two logs of
 * which neither came from the other, is stored once all the same, but somebody should know: an
 * appliance appended it twice, or was copied. Inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_DUPLICATE_H
#define SYNC_HUB_INGEST_DUPLICATE_H

#include "sync/hub/ingest/stream_log.h"

/* `event_no` was there before, and `log` has it at `seq`. One exception for each log; it counts. */
enum err duplicate_judge(struct database *db, const struct stream_log *log, int64_t seq,
                         int64_t event_no, int64_t now_ms, struct fault *fault) MUST_CHECK;

#endif
