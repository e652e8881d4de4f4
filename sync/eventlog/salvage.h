/*
 * Makes a new log from the files of a damaged one.
 *
 * An event is kept when its stored hash is the hash of its body and of the hash stored for the
 * event before it, or when the event after it proves it so. All that is kept goes, in its order,
 * into a new log of its stream that names the old one as its parent; the rest of what the head file
 * and the seqs say was there is listed as lost. The damaged files are only read. Blocks for as long
 * as the reading takes; any thread.
 */
#ifndef SYNC_EVENTLOG_SALVAGE_H
#define SYNC_EVENTLOG_SALVAGE_H

#include "sync/eventlog/eventlog.h"
#include "sync/eventlog/head.h"

struct salvage_source {
    const char *database;
    const char *wal;
    const struct head *head; /* NULL when there is none */
    int64_t checkpoint;      /* the ordinal at which the log was cut; 0: never */
};

struct salvage_result {
    int64_t kept[STREAMS_OF_APPLIANCE];
    int64_t lost[STREAMS_OF_APPLIANCE];
};

/* `made` must not exist yet; what a failure leaves there is worth nothing. Views stay unmade. */
enum err salvage_make(const char *made, const char *vfs, const struct salvage_source *source,
                      struct id_source *ids, int64_t now_ms, struct salvage_result *result,
                      struct fault *fault) MUST_CHECK;

#endif
