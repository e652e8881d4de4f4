/*
 * Asks the event log, now and then, to cut off what the store need not keep: see eventlog_prune for
 * what is never cut. Works on a thread of its own, since that blocks on the disk; a cut that fails
 * is told as a diagnostic and tried again at the next round. Calls are the loop thread's.
 */
#ifndef AGENT_RETENTION_H
#define AGENT_RETENTION_H

#include "hal/loop.h"
#include "hal/settings.h"
#include "sync/eventlog/eventlog.h"

struct retention;

/* The rules are what `settings` says under "retention." now. The log and `diag` are borrowed. */
enum err retention_open(struct retention **retention, struct loop *loop, struct eventlog *log,
                        const struct settings *settings, struct diag *diag,
                        struct fault *fault) MUST_CHECK;
/* Other rules, from the next round on. */
void retention_use(struct retention *retention, const struct eventlog_retention *rules);
/* The rules that `settings` has. */
struct eventlog_retention retention_rules(const struct settings *settings);
/* Waits for a cut that is under way. Before eventlog_close. Takes NULL. */
void retention_close(struct retention *retention);

#endif
