/* The hub's row of an appliance. Inside the caller's transaction. */
#ifndef SYNC_HUB_INGEST_DEVICE_H
#define SYNC_HUB_INGEST_DEVICE_H

#include "hal/database.h"
#include "sync/contract/link_state.h"

/* It has spoken: from the first time on there is a row. */
enum err device_seen(struct database *db, const char *device, int64_t now_ms,
                     struct fault *fault) MUST_CHECK;
/*
 * Keeps what it says of itself, and `text`, in which it said so. A last will counts only for the
 * session that is on record: a late one is no news.
 */
enum err device_keep_state(struct database *db, const char *device, const struct link_state *state,
                           struct slice text, int64_t now_ms, struct fault *fault) MUST_CHECK;

#endif
