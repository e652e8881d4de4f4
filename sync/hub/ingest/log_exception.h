/*
 * Exceptions of a device's log, which belong to no return: a chain that breaks, a batch that
 * contradicts another. Inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_LOG_EXCEPTION_H
#define SYNC_HUB_INGEST_LOG_EXCEPTION_H

#include "hal/base/id.h"
#include "hal/database.h"

#include <stdint.h>

/* Raises an exception for people; the same one again only counts. */
enum err log_exception_raise(struct database *db, const char *code, const char *device,
                             const struct id *log, int64_t seq, const char *detail, int64_t now_ms,
                             struct fault *fault) MUST_CHECK;

#endif
