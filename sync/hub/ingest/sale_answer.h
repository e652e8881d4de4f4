/*
 * What the hub knows of a receipt, for the appliance that asks: the sale, and what came back of it;
 * and whether another is at it. Who asks has it reserved for a while. Inside the caller's
 * transaction.
 */
#ifndef SYNC_HUB_INGEST_SALE_ANSWER_H
#define SYNC_HUB_INGEST_SALE_ANSWER_H

#include "hal/database.h"

/* Writes the reply (sale_query.h). ERR_TOO_LARGE when more is known than one can hold. */
enum err sale_answer_write(struct database *db, const char *device, const char *receipt,
                           int64_t now_ms, struct buf *out, struct fault *fault) MUST_CHECK;

#endif
