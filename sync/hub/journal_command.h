/*
 * The journal on the command line: make it again, write it out. Prints to standard output; blocks.
 */
#ifndef SYNC_HUB_JOURNAL_COMMAND_H
#define SYNC_HUB_JOURNAL_COMMAND_H

#include "hal/settings.h"
#include "sync/hub/ingest/hubdb.h"

/* All entries again from the events. The caller holds the state directory's lock. */
enum err journal_rebuild(const struct hubdb_config *config, const struct settings *settings,
                         struct fault *fault) MUST_CHECK;
/* "csv" or "ledger". The hub may run. */
enum err journal_export(const struct hubdb_config *config, const char *format,
                        struct fault *fault) MUST_CHECK;

#endif
