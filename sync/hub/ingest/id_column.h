/* An id of a row as a member of an answer. */
#ifndef SYNC_HUB_INGEST_ID_COLUMN_H
#define SYNC_HUB_INGEST_ID_COLUMN_H

#include "hal/base/jsonw.h"
#include "hal/database.h"

/* null where the column holds none. */
void id_column_write(struct jsonw *w, const char *key, struct statement *s, int column);

#endif
