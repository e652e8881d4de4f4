/*
 * Tells the event log what was done with somebody's access, as access.changed: of a person, else
 * of a lane, else of the appliance. Any thread; doesn't block. What can't be appended is told in
 * the diagnostics.
 */
#ifndef AGENT_CAPTURE_ACCESS_NOTE_H
#define AGENT_CAPTURE_ACCESS_NOTE_H

#include "agent/people/access.h"
#include "hal/base/diag.h"
#include "sync/eventlog/eventlog.h"

/* As access_told. A copy is written on the log's writer thread, which it blocks for a moment. */
void access_note(struct eventlog *log, struct diag *diag, const struct access *acts, size_t count,
                 const struct access_copy *copy);

#endif
