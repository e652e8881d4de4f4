/*
 * Inside of the answers: events, and returns with the way that they went. Reads only.
 */
#ifndef SYNC_HUB_WEB_TRAIL_H
#define SYNC_HUB_WEB_TRAIL_H

#include "hal/base/jsonw.h"
#include "sync/hub/web/answers.h"

/* The row of a journal entry as members of the object that is open. */
void trail_write_entry(struct jsonw *w, struct statement *s);

#endif
