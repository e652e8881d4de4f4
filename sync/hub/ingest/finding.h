/*
 * What the books find of a return that a person must look at, as an exception: a code that no
 * company, account or tax of the books stands for (its event is parked), and more money given back
 * than the return is worth (it is booked, since it is gone). Each is resolved here as soon as it is
 * no longer so. Inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_FINDING_H
#define SYNC_HUB_INGEST_FINDING_H

#include "hal/database.h"
#include "sync/contract/event.h"
#include "sync/hub/ledger/position.h"

#define FINDING_UNMAPPED "unmapped_code"

/* A number of the return's own, the same on every hub: there is one such exception of it. */
int64_t finding_subject(const struct id *correlation);

enum err finding_unmapped(struct database *db, const struct event *event, int64_t event_no,
                          const char *detail, int64_t now_ms, struct fault *fault) MUST_CHECK;
/* Nothing happens when there is none of this event. */
enum err finding_mapped(struct database *db, int64_t event_no, const char *how, int64_t now_ms,
                        struct fault *fault) MUST_CHECK;

/* Whether an event changed something that finding_paid tells of. */
bool finding_changes(const struct position *before, const struct position *after);
/* What an event changed of the money that was given back. */
enum err finding_paid(struct database *db, const struct id *correlation,
                      const struct position *before, const struct position *after, int64_t now_ms,
                      struct fault *fault) MUST_CHECK;

#endif
