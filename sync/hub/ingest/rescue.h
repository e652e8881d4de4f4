/*
 * Makes a damaged database of the hub one that works again, and that tells what it has lost.
 *
 * A file whose pages are damaged is put aside (hal/aside.h): all rows that can be read go into a
 * new one, table by table, and the indexes are made anew. Then, in a file as on a server, what is
 * not sound of the events is asked for again from the appliances (recall.h). What is of no
 * appliance's log (settings, postings, decisions of people) nobody can send again: which tables
 * have lost rows is reported, and an exception `database_rescued` names each; only a backup has
 * them. The pages without which nothing can be read are put back from their copy (schema_pages.h).
 * A file of which no row can be read is left as it is.
 *
 * The caller holds the lock on the state directory, and no hub runs on the database, on whatever
 * machine. Blocks for as long as the reading takes; needs room for the database once more. The next
 * start begins a new epoch, if anything was changed.
 */
#ifndef SYNC_HUB_INGEST_RESCUE_H
#define SYNC_HUB_INGEST_RESCUE_H

#include "sync/hub/ingest/recall.h"
#include "sync/hub/ingest/verify.h"

#include <limits.h>

struct rescued {
    char aside[PATH_MAX]; /* where the damaged file is; empty: its pages were sound */
    int64_t tables;       /* that have lost rows */
    struct recalled recalled;
};

/* `report` (NULL: none) is told each loss as a finding "table". */
enum err rescue_hub(const struct hubdb_config *config,
                    void (*report)(void *context, const struct verify_finding *finding),
                    void *context, struct rescued *rescued, struct fault *fault) MUST_CHECK;

/* Ends what a crash cut short; nothing, as a rule. For a start, before the database is opened. */
enum err rescue_resume(const struct hubdb_config *config, struct fault *fault) MUST_CHECK;

/* A note in the state directory that damage was seen, so that the next start rescues. */
enum err rescue_note(const struct hubdb_config *config, struct fault *fault) MUST_CHECK;
bool rescue_noted(const struct hubdb_config *config);

#endif
