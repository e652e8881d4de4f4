/*
 * The hub's database on the command line: copied, put back, read through, and rescued when that
 * found damage. Each blocks until it is done, and tells on standard output what it found.
 */
#ifndef SYNC_HUB_UPKEEP_COMMAND_H
#define SYNC_HUB_UPKEEP_COMMAND_H

#include "sync/hub/ingest/hubdb.h"

/* Beside a running hub: a file of SQLite's, or an archive of pg_dump's. */
enum err upkeep_backup(const struct hubdb_config *config, const char *file,
                       struct fault *fault) MUST_CHECK;
/* ERR_LOCKED while a hub runs on the state directory. */
enum err upkeep_restore(const struct hubdb_config *config, const char *file,
                        struct fault *fault) MUST_CHECK;
/* Beside a running hub; ERR_CORRUPT if there is any finding. */
enum err upkeep_verify(const struct hubdb_config *config, struct fault *fault) MUST_CHECK;
/* ERR_LOCKED as above. */
enum err upkeep_rescue(const struct hubdb_config *config, struct fault *fault) MUST_CHECK;

#endif
