/*
 * Feeds the supervisor's watchdog from progress: at each beat the log's writer must have answered
 * since the last one, and health must be such that a restart would not help. Loop thread.
 */
#ifndef AGENT_PULSE_H
#define AGENT_PULSE_H

#include "hal/loop.h"
#include "hal/watchdog.h"
#include "sync/uplink/uplink.h"

struct pulse;

struct pulse_config {
    struct loop *loop;
    struct eventlog *log;
    const struct fault *identity; /* what is wrong with it, as health_judge takes it */
    struct uplink *uplink;        /* NULL: there is no link */
    struct clock *clock;
    struct diag *diag;
    const char *notify_socket; /* what NOTIFY_SOCKET says, or NULL */
    const char *watchdog_usec; /* what WATCHDOG_USEC says, or NULL */
};

enum err pulse_open(struct pulse **pulse, const struct pulse_config *config,
                    struct fault *fault) MUST_CHECK;
/* Everything is up: told to the supervisor, with how it stands. */
void pulse_ready(struct pulse *pulse);
/* The program is about to end: told too; no beat after it. Takes NULL. */
void pulse_stop(struct pulse *pulse);
/* After eventlog_close. Takes NULL. */
void pulse_close(struct pulse *pulse);

#endif
