/*
 * The pages of the hub's database file that hold the list of its tables, kept once more as
 * `schema-pages` in the state directory: all else is found from them, and when one of them is lost
 * SQLite reads nothing of the file any more. They change only with the schema. Blocks on the disk;
 * of a server's database there are none.
 */
#ifndef SYNC_HUB_INGEST_SCHEMA_PAGES_H
#define SYNC_HUB_INGEST_SCHEMA_PAGES_H

#include "sync/hub/ingest/hubdb.h"

/* At the hub's start, once the schema is what it will be. When it fails the hub goes on without. */
void schema_pages_keep(struct database *db, const struct hubdb_config *config);
/*
 * Puts those that are damaged back into a file that nobody has open, and what stood there into
 * `schema-pages-damaged`. Nothing, when there is no copy, or it is not one of this file: half of
 * its pages must be there unchanged.
 */
enum err schema_pages_mend(const struct hubdb_config *config, struct fault *fault) MUST_CHECK;

#endif
