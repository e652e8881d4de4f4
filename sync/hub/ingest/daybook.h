/*
 * Returns whose events come as they usually do, booked many at a time: each event is the next of
 * its return and nothing of that return is held. A desk stays open for each return until all are
 * booked, and what they make is kept in memory and then written at once: a position once however
 * many events moved it, an account's sum once however many entries changed it, and nothing that was
 * just written is read again.
 *
 * Whatever is not so usual (an event that is early, late, unreadable, refused, or that a person
 * must hear of) is not booked here; the caller does it alone, after daybook_set_apart.
 * Inside of the bookkeeper only, and inside the caller's transaction; nothing else books meanwhile.
 */
#ifndef SYNC_HUB_INGEST_DAYBOOK_H
#define SYNC_HUB_INGEST_DAYBOOK_H

#include "sync/hub/ingest/news.h"
#include "sync/hub/ledger/books.h"

/* Events in one book. */
enum { DAYBOOK_EVENTS_MAX = 100 };

struct daybook;

/* An event with what the database says of its return. */
struct daybook_event {
    int64_t event_no;
    int64_t received_ms;
    const struct event *event; /* its texts outlive the daybook */
    struct slice position; /* the stored one; empty: none yet. Read at the return's first event */
    bool waits;            /* something of the return is held */
};

/* All borrowed. */
enum err daybook_open(struct daybook **daybook, struct database *db, const struct books *books,
                      int64_t now_ms, struct news *news, struct fault *fault) MUST_CHECK;
/* Without writing. Takes NULL. */
void daybook_close(struct daybook *daybook);

/* *booked false: it isn't for this book, and nothing happened. */
enum err daybook_book(struct daybook *daybook, const struct daybook_event *event,
                      bool *booked) MUST_CHECK;
/* Writes all there is, and books nothing of this return any more. */
enum err daybook_set_apart(struct daybook *daybook, const struct id *correlation) MUST_CHECK;
/* Writes what was booked since. ERR_CONFLICT: one of the entries is there already. */
enum err daybook_write(struct daybook *daybook) MUST_CHECK;

#endif
