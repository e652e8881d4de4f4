/*
 * What a person decides about a parked event: try it again, say it anew, or let it go. What was
 * parked when it came is read once more; what the ledger parked is applied once more. The events
 * themselves never change: a mended one is a new event that names the one it replaces. Each
 * decision is an event of the centre, in the trail of its return, and told to the appliance. Inside
 * the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_PARKED_H
#define SYNC_HUB_INGEST_PARKED_H

#include "sync/hub/ingest/news.h"
#include "sync/hub/ledger/books.h"

enum parked_verdict { PARKED_RESUBMIT, PARKED_MEND, PARKED_DISCARD };

struct parked_decision {
    enum parked_verdict verdict;
    const char *by;     /* a person, or the appliance that asked */
    const char *reason; /* for those who look back */
    struct slice data;  /* PARKED_MEND: the JSON object that the event should have had */
    int64_t now_ms;
};

/*
 * `key` is the number of the parked item or the id of its event. ERR_NOT_FOUND; ERR_CONFLICT when
 * it was decided before; ERR_REFUSED when it can't be read this time either; ERR_INVALID for data
 * that is no object. An event that the ledger refuses again is ERR_OK and stays parked, with the
 * new reason. A mended event is for the bookkeeper's next step. Adds to the news.
 */
enum err parked_decide(struct database *db, const struct books *books, const char *key,
                       const struct parked_decision *decision, struct news *news,
                       struct fault *fault) MUST_CHECK;

/*
 * An event that came, or is read once more: filed (filing.h), unless by it an appliance asks about
 * what is parked. Of that, what it wants tried again is tried; what it wants let go is told to
 * people here, who decide. What makes no sense any more changes nothing. `event_no` is the event's
 * row, whose device may speak of its own items only.
 */
enum err parked_take(struct database *db, const struct books *books, int64_t event_no,
                     struct slice body, int64_t now_ms, struct news *news,
                     struct fault *fault) MUST_CHECK;

#endif
