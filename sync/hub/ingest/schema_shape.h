/*
 * The columns, references and indexes of the hub's database file, beside those that this program's
 * migrations make: their names are text in the file, and a letter that rots in one leaves a file
 * that SQLite reads well and some statement doesn't fit. More than ours is no fault. Blocks on the
 * disk, for milliseconds; changes nothing.
 */
#ifndef SYNC_HUB_INGEST_SCHEMA_SHAPE_H
#define SYNC_HUB_INGEST_SCHEMA_SHAPE_H

#include "hal/database.h"

/* Of a file of this program's version. ERR_CORRUPT: something of ours is missing. */
enum err schema_shape_check(struct database *db, struct fault *fault) MUST_CHECK;

#endif
