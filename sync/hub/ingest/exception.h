/*
 * The way of an exception: raised (ingest_raise), given to somebody, resolved with what was done.
 * One that is raised again after it was resolved is open again. Inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_EXCEPTION_H
#define SYNC_HUB_INGEST_EXCEPTION_H

#include "hal/database.h"

/* ERR_NOT_FOUND when there is none of that number that is not resolved. */
enum err exception_assign(struct database *db, int64_t number, const char *owner,
                          struct fault *fault) MUST_CHECK;
enum err exception_resolve(struct database *db, int64_t number, const char *how, int64_t now_ms,
                           struct fault *fault) MUST_CHECK;

#endif
