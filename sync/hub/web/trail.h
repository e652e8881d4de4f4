/* Inside of the answers: events, and returns with the way that they went. Reads only. */
#ifndef SYNC_HUB_WEB_TRAIL_H
#define SYNC_HUB_WEB_TRAIL_H

#include "hal/base/jsonw.h"
#include "sync/hub/web/answers.h"

/* The row of a journal entry as members of the object that is open. */
void trail_write_entry(struct jsonw *w, struct statement *s);
/* All rows of a statement, as the array "entries"; resets it. */
enum err trail_write_entries(struct answers *answers, struct statement *s, struct jsonw *w,
                             struct fault *fault) MUST_CHECK;

#endif
