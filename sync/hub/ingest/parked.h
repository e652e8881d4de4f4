/*
 * What a person decides about a parked event: try it again, or let it go. What was parked when it
 * came is read once more; what the ledger parked is applied once more. The events themselves never
 * change. Inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_PARKED_H
#define SYNC_HUB_INGEST_PARKED_H

#include "sync/hub/ingest/bookkeeper.h"

enum parked_verdict { PARKED_RESUBMIT, PARKED_DISCARD };

/*
 * `key` is the number of the parked item or the id of its event. ERR_NOT_FOUND; ERR_CONFLICT when
 * it was decided before; ERR_REFUSED when it can't be read this time either. An event that the
 * ledger refuses again is ERR_OK and stays parked, with the new reason. Adds to the news.
 */
enum err parked_decide(struct database *db, const struct books *books, const char *key,
                       enum parked_verdict verdict, int64_t now_ms, struct bookkeeper_news *news,
                       struct fault *fault) MUST_CHECK;

#endif
