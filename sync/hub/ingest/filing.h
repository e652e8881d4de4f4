/*
 * One event on its way into the books: applied in the order of its return, held while an earlier
 * one is missing, or parked alone with the reason. Whoever has the event may come here: the
 * bookkeeper's step, and what is decided about a parked one. Inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_FILING_H
#define SYNC_HUB_INGEST_FILING_H

#include "sync/contract/event.h"
#include "sync/hub/ingest/news.h"
#include "sync/hub/ledger/books.h"

/*
 * True for events that have a place in the life of a return: these are applied, in their order, and
 * told to others. The rest says something of tills, appliances or people.
 */
bool filing_wants(enum event_type type);

/* `event_no` is its row, its texts are borrowed. Nothing happens with one that isn't wanted, but
 * for a sale, which may be paid with a gift card of ours. */
enum err filing_take(struct database *db, const struct books *books, int64_t event_no,
                     const struct event *event, int64_t now_ms, struct news *news,
                     struct fault *fault) MUST_CHECK;

/*
 * A parked event once more, or never: what is let go counts as applied, so that what follows it
 * goes on. ERR_NOT_FOUND when the ledger has no such event parked.
 */
enum err filing_retry(struct database *db, const struct books *books, int64_t event_no,
                      int64_t now_ms, struct news *news, struct fault *fault) MUST_CHECK;
enum err filing_let_go(struct database *db, const struct books *books, int64_t event_no,
                       int64_t now_ms, struct news *news, struct fault *fault) MUST_CHECK;
/* Another event takes the place of this one, which is parked. ERR_NOT_FOUND as above. */
enum err filing_replaced(struct database *db, int64_t event_no, int64_t now_ms,
                         struct fault *fault) MUST_CHECK;

#endif
