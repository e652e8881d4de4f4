/*
 * Whether the tables of a database file of the hub are those that this program's statements were
 * written for: what SQLite keeps of them is text in the file, and rots like the rest. Of a file of
 * another version, only whether they can be listed. Blocks on the disk, for milliseconds; changes
 * nothing of what is stored. A handle that may write sees more: without one SQLite passes over
 * constraints.
 */
#ifndef SYNC_HUB_INGEST_SCHEMA_FIT_H
#define SYNC_HUB_INGEST_SCHEMA_FIT_H

#include "hal/base/fault.h"

/* Of a file that is there. ERR_CORRUPT: they are not. */
enum err schema_fit(const char *path, const char *vfs, bool read_only,
                    struct fault *fault) MUST_CHECK;

#endif
