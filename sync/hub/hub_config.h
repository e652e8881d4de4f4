/*
 * What the hub was started with: for hub.h, and for its parts. All is borrowed.
 */
#ifndef SYNC_HUB_HUB_CONFIG_H
#define SYNC_HUB_HUB_CONFIG_H

#include "hal/base/diag.h"
#include "hal/clock.h"
#include "hal/settings.h"

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

#endif
