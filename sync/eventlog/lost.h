/*
 * The list of what was saved once and is not here any more. No chain covers its notes: of each
 * there is a proof, the same once more under a hash. Works on whatever database handle it is given,
 * on its thread; writing needs the caller's transaction.
 */
#ifndef SYNC_EVENTLOG_LOST_H
#define SYNC_EVENTLOG_LOST_H

#include "sync/eventlog/eventlog.h"

enum err lost_add(struct database *db, const struct eventlog_lost *lost,
                  struct fault *fault) MUST_CHECK;
/* Makes the proofs that are missing: of notes that were changed, or are an older program's. */
enum err lost_prove(struct database *db, struct fault *fault) MUST_CHECK;
/* Whether every proof is right, and proves a note; notes without a proof are no fault. */
enum err lost_check(struct database *db, bool *sound, struct fault *fault) MUST_CHECK;
/* What a proof says of the note of that number. */
struct sha256 lost_hash(int64_t no, const struct eventlog_lost *lost);

enum err lost_each(struct database *db, eventlog_visit_lost *visit, void *context,
                   struct fault *fault) MUST_CHECK;
/* How many events of each stream, and when the last of them were missed. */
enum err lost_sums(struct database *db, int64_t events[STREAMS_OF_APPLIANCE], int64_t *at_ms,
                   struct fault *fault) MUST_CHECK;

#endif
