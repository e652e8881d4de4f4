/*
 * Copies all rows that can be read of a damaged SQLite database of the hub into a new one, which
 * gets the schema and the indexes of the version that the old one is of. The old one is only read,
 * with its write-ahead log. Rows that contradict the schema are left out. Blocks for as long as
 * there are rows.
 */
#ifndef SYNC_HUB_INGEST_RESCUE_COPY_H
#define SYNC_HUB_INGEST_RESCUE_COPY_H

#include "hal/base/fault.h"

/* Whether SQLite opens it and finds its pages sound; a file that isn't there is. */
enum err rescue_sound(const char *path, const char *vfs, bool *sound,
                      struct fault *fault) MUST_CHECK;

/* `lost` is told each table of which rows are missing. ERR_CORRUPT: no row of any
 * could be read. */
enum err rescue_copy(const char *path, const char *made, const char *vfs,
                     void (*lost)(void *context, const char *table, const char *text),
                     void *context, struct fault *fault) MUST_CHECK;

#endif
