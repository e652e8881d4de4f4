/*
 * What people change over HTTP: each is a piece of work for the database's thread, with an audit
 * row in the same transaction, answered after COMMIT. Every one needs a reason. Loop thread only.
 */
#ifndef SYNC_HUB_WEB_CHANGES_H
#define SYNC_HUB_WEB_CHANGES_H

#include "hal/base/jsonw.h"
#include "sync/hub/ingest/access.h"
#include "sync/hub/web/web.h"

/* Answers the request, now or later, if its path is one of a change's; false if it is none. */
bool changes_take(const struct web_config *config, const struct access_holder *holder,
                  struct http_request *request);
/* Whether POST is one of a change's at this path. */
bool changes_serve(const char *path);
/* Writes into the open list what the role may do of these, by its name in the audit. */
void changes_allowed(enum access_role role, struct jsonw *w);

#endif
