/*
 * Stored rows read back as records: one correlation's history, and the whole log in the order in
 * which the views saw it. Works on whatever database handle it is given, on its thread.
 */
#ifndef SYNC_EVENTLOG_RECORD_H
#define SYNC_EVENTLOG_RECORD_H

#include "sync/eventlog/eventlog.h"

enum { RECORD_ARENA_MAX = 4096 }; /* texts that needed unescaping */

/* Reads the row that a statement of log.sql stands on; slices point into it and into `arena`. */
enum err record_read(struct statement *row, struct arena *arena, struct eventlog_record *record,
                     struct fault *fault) MUST_CHECK;
/* An event or a message of that correlation, one after the other, oldest first. */
enum err record_history(struct database *db, const struct id *correlation, eventlog_visit *visit,
                        void *context, struct fault *fault) MUST_CHECK;
/*
 * Every event of both streams and every message that this version can read, by ordinal, from the
 * one after `after` through `until`.
 */
enum err record_replay(struct database *db, int64_t after, int64_t until, eventlog_visit *visit,
                       void *context, struct fault *fault) MUST_CHECK;

#endif
