/*
 * Takes what ingest stored into the books: each event of a return is applied once and in its own
 * order, held while an earlier one is missing, or parked alone with the reason.
 *
 * This is a step of its own, after ingest's commit and not inside it: an acknowledgement means "on
 * disk at the hub" and must neither wait for the books nor fail because of them. Where it stands is
 * in the database (a cursor over the events), moved in the same transaction as what was booked, so
 * a crash repeats a step whole or not at all.
 *
 * Positions and entries follow from the events and the order in which they were applied, which is
 * recorded; rebuild.h makes them again. Inside the caller's transaction; one handle, one
 * thread. Blocks on the disk.
 */
#ifndef SYNC_HUB_INGEST_BOOKKEEPER_H
#define SYNC_HUB_INGEST_BOOKKEEPER_H

#include "sync/hub/ingest/news.h"
#include "sync/hub/ledger/books.h"

enum { BOOKKEEPER_EVENTS_MAX = 100 };

/* Looks at up to BOOKKEEPER_EVENTS_MAX new events. Errors are the database's. */
enum err bookkeeper_step(struct database *db, const struct books *books, int64_t now_ms,
                         struct news *news, struct fault *fault) MUST_CHECK;

/*
 * True for events that have a place in the life of a return: these are applied, in their order, and
 * told to others. The rest says something of tills, appliances or people.
 */
bool bookkeeper_files(enum event_type type);

/* One event that the step has passed already: it couldn't be read then, and can now. */
enum err bookkeeper_take(struct database *db, const struct books *books, int64_t event_no,
                         int64_t now_ms, struct news *news, struct fault *fault) MUST_CHECK;

/*
 * A parked event once more, or never: what is let go counts as applied, so that what follows it
 * goes on. ERR_NOT_FOUND when the ledger has no such event parked.
 */
enum err bookkeeper_retry(struct database *db, const struct books *books, int64_t event_no,
                          int64_t now_ms, struct news *news, struct fault *fault) MUST_CHECK;
enum err bookkeeper_let_go(struct database *db, const struct books *books, int64_t event_no,
                           int64_t now_ms, struct news *news, struct fault *fault) MUST_CHECK;
/* Another event takes the place of this one, which is parked. ERR_NOT_FOUND as above. */
enum err bookkeeper_replaced(struct database *db, int64_t event_no, int64_t now_ms,
                             struct fault *fault) MUST_CHECK;

#endif
