/* A body that was parked when it came is read once more. Inside the caller's transaction. */
#ifndef SYNC_HUB_INGEST_REREAD_H
#define SYNC_HUB_INGEST_REREAD_H

#include "hal/database.h"

/*
 * A newer version may know its type. ERR_OK: it is an event now like any other. ERR_REFUSED says
 * what is still wrong with it.
 */
enum err reread_event(struct database *db, int64_t event_no, struct fault *fault) MUST_CHECK;

#endif
