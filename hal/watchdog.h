/*
 * The supervisor's watchdog: systemd's notification protocol (sd_notify(3)), spoken over the Unix
 * datagram socket that NOTIFY_SOCKET names. Without that variable every call does nothing, as when
 * run by hand. It never blocks and never fails the program: a lost message is the supervisor's to
 * judge. One thread at a time.
 *
 * Nothing here decides that the program is healthy: watchdog_feed is called by whoever sees
 * progress.
 */
#ifndef HAL_WATCHDOG_H
#define HAL_WATCHDOG_H

#include "hal/base/fault.h"

#include <stdint.h>

struct watchdog;

/*
 * `socket_path`: what NOTIFY_SOCKET says ("/run/...", or "@..." for an abstract one), NULL or ""
 * for none. `interval_us`: what WATCHDOG_USEC says, NULL when unset. ERR_INVALID for a path that
 * can't be a socket's or a number that is none.
 */
enum err watchdog_open(struct watchdog **watchdog, const char *socket_path, const char *interval_us,
                       struct fault *fault) MUST_CHECK;
void watchdog_close(struct watchdog *watchdog); /* takes NULL */
/* How often watchdog_feed must come: half of what the supervisor waits; 0 when it doesn't. */
int64_t watchdog_interval_ms(const struct watchdog *watchdog);

void watchdog_ready(struct watchdog *watchdog);
void watchdog_feed(struct watchdog *watchdog);
/* One line for people; line breaks in it become spaces, and the end of a long one is cut. */
void watchdog_status(struct watchdog *watchdog, const char *status);
/* The program is about to end by itself. */
void watchdog_stopping(struct watchdog *watchdog);

#endif
