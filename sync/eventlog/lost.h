/*
 * The list of what was saved once and is not here any more. Works on whatever database handle it
 * is given, on its thread; writing needs the caller's transaction.
 */
#ifndef SYNC_EVENTLOG_LOST_H
#define SYNC_EVENTLOG_LOST_H

#include "sync/eventlog/eventlog.h"

enum err lost_add(struct database *db, const struct eventlog_lost *lost,
                  struct fault *fault) MUST_CHECK;
enum err lost_each(struct database *db, eventlog_visit_lost *visit, void *context,
                   struct fault *fault) MUST_CHECK;
/* How many events of each stream, and when the last of them were missed. */
enum err lost_sums(struct database *db, int64_t events[STREAMS_OF_APPLIANCE], int64_t *at_ms,
                   struct fault *fault) MUST_CHECK;

#endif
