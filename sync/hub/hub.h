/*
 * The hub's process: database and its thread, the connection to the broker, the HTTP server, wired
 * together on one loop. Loop thread only.
 */
#ifndef SYNC_HUB_HUB_H
#define SYNC_HUB_HUB_H

#include "hal/settings.h"
#include "sync/hub/wire.h"

struct hub;

struct hub_config {
    const char *state;    /* directory; the caller holds its lock */
    const char *database; /* path of the database file */
    const struct settings *settings;
    struct clock *clock;
    struct diag *diag;
    /* The database is another now, or damaged: the hub is to be closed and opened again. Loop
     * thread. */
    void (*begin_anew)(void *context);
    void *context;
};

enum err hub_open(struct hub **hub, struct loop *loop, const struct hub_config *config,
                  struct fault *fault) MUST_CHECK;
/* Finishes what was taken. Takes NULL. Before loop_close. */
void hub_close(struct hub *hub);
/* Where HTTP is served. Borrowed. */
const char *hub_address(const struct hub *hub);

#endif
