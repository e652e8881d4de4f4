/*
 * The hub's backups of a PostgreSQL database, by the server's own pg_dump and pg_restore, which are
 * found on the PATH. Blocks until they have ended; not on a thread that serves.
 */
#ifndef SYNC_HUB_INGEST_SERVER_BACKUP_H
#define SYNC_HUB_INGEST_SERVER_BACKUP_H

#include "sync/hub/ingest/hubdb.h"

/*
 * Dumps the database as it is at one moment while hubs go on, in pg_dump's custom format, and puts
 * the file in place as a whole; then lets appliances prune what it holds, as backup_make does.
 * Begins a new generation.
 */
enum err server_backup_make(const struct hubdb_config *config, const char *path,
                            struct fault *fault) MUST_CHECK;
/*
 * Puts what the dump holds in the place of what the database holds, in one transaction. No hub may
 * run on it, on whatever machine; the next start begins a new epoch.
 */
enum err server_backup_restore(const struct hubdb_config *config, const char *path,
                               struct fault *fault) MUST_CHECK;

#endif
