/*
 * An event of its own, saved, sent to the hub and acknowledged: shows that the whole road works.
 * Loop thread only; the event is appended on the log's writer thread.
 */
#ifndef AGENT_SERVICE_PROBE_H
#define AGENT_SERVICE_PROBE_H

#include "agent/service/finding.h"
#include "hal/loop.h"
#include "sync/eventlog/eventlog.h"

struct probe;

enum { PROBE_PERSON_MAX = 64 };

/* Once; the probe is to be closed then. `cause` is borrowed for the call. */
typedef void probe_done(void *context, enum finding_result result, const char *cause);

/* `person` is who asks: an id, or "". `done` comes later, never from here. */
enum err probe_open(struct probe **probe, struct loop *loop, struct eventlog *log,
                    const char *person, probe_done *done, void *context,
                    struct fault *fault) MUST_CHECK;
/* Something was committed, or acknowledged by the hub. */
void probe_committed(struct probe *probe);
/* `done` doesn't come any more. Before the log is closed. Takes NULL. */
void probe_close(struct probe *probe);

#endif
