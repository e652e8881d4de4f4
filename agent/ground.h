/*
 * What the appliance's process stands on: the state directory under its lock, diagnostics, the
 * clock with its floor kept on disk, and the loop, which a signal to end stops. Loop thread only.
 */
#ifndef AGENT_GROUND_H
#define AGENT_GROUND_H

#include "hal/base/diag.h"
#include "hal/clock.h"
#include "hal/loop.h"
#include "hal/settings.h"

#include <limits.h>

/* To be read by those who stand on it. */
struct ground {
    char folder[PATH_MAX];
    int lock; /* -1: none */
    struct diag *diag;
    struct clock *clock;
    struct loop *loop;
    struct loop_signal *signals[2];
    struct loop_timer *floor_timer;
};

/* ERR_LOCKED when another process has the folder, which is made if it isn't there. */
enum err ground_open(struct ground *ground, const char *folder, const struct settings *settings,
                     struct fault *fault) MUST_CHECK;
/* Ends the loop: nothing is called back any more. Takes a half-built one, as the next does. */
void ground_stop(struct ground *ground);
/* The last of all: then another process may have the folder. */
void ground_close(struct ground *ground);

#endif
