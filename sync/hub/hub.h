/*
 * The hub's process: database and its thread, the connection to the broker, the HTTP server, wired
 * together on one loop. Loop thread only.
 */
#ifndef SYNC_HUB_HUB_H
#define SYNC_HUB_HUB_H

#include "hal/loop.h"
#include "sync/hub/hub_config.h"

struct hub;

enum err hub_open(struct hub **hub, struct loop *loop, const struct hub_config *config,
                  struct fault *fault) MUST_CHECK;
/* Finishes what was taken. Takes NULL. Before loop_close. */
void hub_close(struct hub *hub);
/* Where HTTP is served. Borrowed. */
const char *hub_address(const struct hub *hub);

#endif
