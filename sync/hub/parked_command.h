/*
 * tillback-hub parked: what waits for a person, seen and decided on the command line. Works beside
 * a running hub, which notices. Journal entries are finance's to decide, over the HTTP API.
 */
#ifndef SYNC_HUB_PARKED_COMMAND_H
#define SYNC_HUB_PARKED_COMMAND_H

#include "hal/settings.h"
#include "sync/hub/ingest/hubdb.h"

/* `words` follow "parked". Prints to standard output. */
enum err parked_run(const struct hubdb_config *config, const struct settings *settings, int count,
                    char *const *words, struct fault *fault) MUST_CHECK;

#endif
