/*
 * What the hub tells an appliance of one of its logs: how far it holds it, and what is parked.
 * Inside the caller's transaction, and to be sent only after its COMMIT.
 */
#ifndef SYNC_HUB_INGEST_ACKNOWLEDGEMENT_H
#define SYNC_HUB_INGEST_ACKNOWLEDGEMENT_H

#include "sync/hub/ingest/ingest.h"
#include "sync/hub/ingest/stream_log.h"

/* Sets the result's ack, stream and newest by the log as it stands. */
enum err acknowledgement_fill(struct database *db, const struct ingest_rules *rules,
                              const struct stream_log *log, struct ingest_result *result,
                              struct fault *fault) MUST_CHECK;

#endif
