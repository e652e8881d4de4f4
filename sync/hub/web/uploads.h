/*
 * What people and programs bring over HTTP as whole documents: each is a piece of work for the
 * database's thread, with an audit row in the same transaction, answered after COMMIT.
 * Loop thread only.
 */
#ifndef SYNC_HUB_WEB_UPLOADS_H
#define SYNC_HUB_WEB_UPLOADS_H

#include "hal/base/jsonw.h"
#include "sync/hub/ingest/access.h"
#include "sync/hub/web/web.h"

/* Where the payment provider tells what came of a refund. */
#define UPLOADS_PROVIDER_PATH "/v1/payments/webhook"

/* Answers the request, now or later, if its path is one of an upload's; false if it is none. */
bool uploads_take(const struct web_config *config, const struct access_holder *holder,
                  struct http_request *request);
/* Whether POST is one of an upload's at this path. */
bool uploads_serve(const char *path);
/* Writes into the open list what the role may do of these, by its name in the audit. */
void uploads_allowed(enum access_role role, struct jsonw *w);

#endif
