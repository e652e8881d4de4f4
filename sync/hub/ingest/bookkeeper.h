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

/* Looks at up to DAYBOOK_EVENTS_MAX (daybook.h) new events. Errors are the database's. */
enum err bookkeeper_step(struct database *db, const struct books *books, int64_t now_ms,
                         struct news *news, struct fault *fault) MUST_CHECK;

#endif
