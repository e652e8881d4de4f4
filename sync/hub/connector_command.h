/*
 * The command line of the connectors: which systems outside there are, whether each answers, and
 * what waits for it. Beside a running hub, too. Blocks on the disk.
 */
#ifndef SYNC_HUB_CONNECTOR_COMMAND_H
#define SYNC_HUB_CONNECTOR_COMMAND_H

#include "sync/hub/ingest/hubdb.h"

/* `count` words after "connector". ERR_INVALID for words that make no sense. */
enum err connector_run(const struct hubdb_config *config, int count, char *const *words,
                       struct fault *fault) MUST_CHECK;

#endif
