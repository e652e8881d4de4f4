/*
 * The hub's backups of an SQLite file: an online copy, and the way back from one. Blocks on the
 * disk; not on a thread that serves.
 */
#ifndef SYNC_HUB_INGEST_BACKUP_H
#define SYNC_HUB_INGEST_BACKUP_H

#include "sync/hub/ingest/hubdb.h"

/*
 * Copies the database to `path` while others use it (SQLite's online backup), checks the copy,
 * puts it in place as a whole, and only then lets appliances prune what it holds: each log's
 * backed_up_through becomes the copy's `through`. Begins a new generation. `hub` may be a handle
 * beside a running hub; that one notices and tells the appliances.
 */
enum err backup_make(struct hubdb *hub, const char *path, struct fault *fault) MUST_CHECK;
/*
 * Puts a copy of the backup in the database's place; the next start then begins a new epoch. The
 * caller holds the lock on the state directory, so that no hub runs. What was there is kept beside
 * it as `<path>.before-restore`.
 */
enum err backup_restore(const struct hubdb_config *config, const char *copy,
                        struct fault *fault) MUST_CHECK;

/* For backups of other kinds (server_backup.h): what the copy holds may be pruned at appliances. */
enum err backup_allow(struct database *db, struct database *copy, struct fault *fault) MUST_CHECK;
/* Renames the complete file, and syncs its folder. */
enum err backup_put_in_place(const char *from, const char *to, struct fault *fault) MUST_CHECK;

#endif
