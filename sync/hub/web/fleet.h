/*
 * The fleet over HTTP: layers of configuration, rollouts, commands, and how each appliance stands.
 *
 *     GET  /v1/config                      changes, newest first; ?scope=&from=
 *     GET  /v1/config/{scope}              the layer as it stands
 *     PUT  /v1/config/{scope}              {"settings":{...},"reason":"..."}; nothing is sent yet
 *     GET  /v1/rollouts[/{id}]
 *     POST /v1/rollouts                    {"scope":"fleet","reason":"...","rules":{...}}
 *     POST /v1/rollouts/{id}/pause|resume|abort   {"reason":"..."}
 *     GET  /v1/fleet                       counts
 *     GET  /v1/commands                    newest first; ?device=
 *     GET  /v1/commands/{id}
 *     POST /v1/devices/{id}/commands       {"name":"status","arguments":{},"reason":"..."}
 *
 * Scopes have a slash in them: fleet, group/NAME, store/NUMBER, device/ID. Reads on the loop's
 * handle, changes by the worker; all but the counts is for the role `it` alone. Loop thread only.
 */
#ifndef SYNC_HUB_WEB_FLEET_H
#define SYNC_HUB_WEB_FLEET_H

#include "hal/base/jsonw.h"
#include "sync/hub/ingest/access.h"
#include "sync/hub/web/web.h"

struct fleet;

enum err fleet_open(struct fleet **fleet, const struct web_config *config,
                    struct fault *fault) MUST_CHECK;
void fleet_close(struct fleet *fleet); /* takes NULL */
/* Answers the request, now or later, and returns true; false when it is none of these. */
bool fleet_take(struct fleet *fleet, const struct access_holder *holder,
                struct http_request *request);
/* Whether the method is one of these at this path. */
bool fleet_serves(const char *method, const char *path);
/* Write into the open list what the role may read and change of these. */
void fleet_readable(enum access_role role, struct jsonw *w);
void fleet_allowed(enum access_role role, struct jsonw *w);

#endif
