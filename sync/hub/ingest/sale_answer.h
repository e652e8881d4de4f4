/*
 * What the hub knows of a receipt, for the appliance that asks: the sale, and what came back of it;
 * and whether another is at it. Who asks has it reserved for a while (lease.h). Inside the caller's
 * transaction.
 */
#ifndef SYNC_HUB_INGEST_SALE_ANSWER_H
#define SYNC_HUB_INGEST_SALE_ANSWER_H

#include "sync/hub/ingest/lease.h"

/*
 * Writes the reply (sale_query.h). `ask`, if its holder is not "", is for that: first, if the reply
 * says that it is awaited. ERR_TOO_LARGE when more is known than one can hold.
 */
enum err sale_answer_write(struct database *db, const char *device, const struct sale_query *query,
                           int64_t now_ms, struct lease_ask *ask, struct buf *out,
                           struct fault *fault) MUST_CHECK;
/*
 * The holder has answered: writes the reply for `device`, which waits for that; "": nobody does.
 */
enum err sale_answer_confirmed(struct database *db, const char *holder,
                               const struct reserved *reserved, int64_t now_ms,
                               char device[static DEVICE_ID_MAX + 1], struct buf *out,
                               struct fault *fault) MUST_CHECK;

#endif
