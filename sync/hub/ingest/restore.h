/*
 * What an appliance may have back: its own logs, and those of the appliances that it takes over
 * from. Inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_RESTORE_H
#define SYNC_HUB_INGEST_RESTORE_H

#include "hal/database.h"
#include "sync/contract/restore.h"

/* From now on `device` may have back what `of` captured. Both are known devices. */
enum err restore_allow(struct database *db, const char *device, const char *of,
                       struct fault *fault) MUST_CHECK;
/* And what `of` was allowed itself, so that a chain of replacements loses nothing. */
enum err restore_inherit(struct database *db, const char *device, const char *of,
                         struct fault *fault) MUST_CHECK;

/* Whether `device` came in the place of `of`, and so speaks for it. */
enum err restore_is_successor(struct database *db, const char *device, struct slice of, bool *is,
                              struct fault *fault) MUST_CHECK;

/* The logs that the device may have back, the newest first. */
enum err restore_list(struct database *db, const char *device, struct restore_logs *logs,
                      struct fault *fault) MUST_CHECK;

/*
 * The events of a log from ask->first on, as a batch of at most `max_bytes`, appended to `body`.
 * ERR_NOT_FOUND when there is nothing; ERR_FORBIDDEN when it isn't the device's to have.
 */
enum err restore_batch(struct database *db, const char *device, const struct restore_ask *ask,
                       size_t max_bytes, struct batch_header *header, struct buf *body,
                       struct fault *fault) MUST_CHECK;

#endif
