/*
 * What was damaged or lost of the events in the hub's database is asked for again.
 *
 * An event is sound when it is the one whose hash was kept, and when the chain leads to its place.
 * Each log's watermark is set back to the last place up to which all are, what is sound above it is
 * held, and the rest of the places is emptied and noted in `recalled`, with what was found there.
 * The next start of the hub begins a new epoch, and appliances then send the gaps again. An event
 * of which something was made already (an entry, a posting, a payment) gets the number that it had,
 * so that nothing is made of it twice; any other comes as if it had never been here.
 *
 * What an appliance has pruned meanwhile, only a backup has: then the gap stays, and is told. The
 * same goes for the centre's own log, which nobody can send again: it goes on after what is lost.
 */
#ifndef SYNC_HUB_INGEST_RECALL_H
#define SYNC_HUB_INGEST_RECALL_H

#include "sync/hub/ingest/stream_log.h"

struct recalled {
    int64_t logs;   /* that were set back, or in which what is held is another now */
    int64_t places; /* that were emptied, or found empty */
};

/*
 * Inside the caller's transaction; blocks for as long as there are events. No hub may run on the
 * database, on whatever machine. Raises an exception for each log, `events_recalled` or, of the
 * centre's own, `events_lost`. Where all is sound nothing is changed.
 */
enum err recall_damaged(struct database *db, int64_t now_ms, struct recalled *recalled,
                        struct fault *fault) MUST_CHECK;

/* How many places wait for their events; *lost: how many more nobody can fill. */
enum err recall_waiting(struct database *db, int64_t *places, int64_t *lost,
                        struct fault *fault) MUST_CHECK;
/* How many of the places from `first` to `last` are told to be empty. */
enum err recall_told(struct database *db, const struct stream_log *log, int64_t first, int64_t last,
                     int64_t *places, struct fault *fault) MUST_CHECK;

/*
 * Something is about to be stored at a place of a log in which places were recalled. *was: this is
 * one, and is no more; *event_no: the number for the event that leads to `hash` there, or 0.
 */
enum err recall_answered(struct database *db, const struct stream_log *log, int64_t seq,
                         const struct sha256 *hash, bool *was, int64_t *event_no,
                         struct fault *fault) MUST_CHECK;

#endif
