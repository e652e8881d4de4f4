/*
 * Makes the appliance's clock trusted by what the hub tells, and notes each step of it in the event
 * log (clock.synchronised): what was saved before keeps its times, and with the step anyone can
 * read them right. A note that can't be saved is made up for when the hub tells the time again.
 *
 * Calls are the loop thread's; the note is made on the log's writer thread.
 */
#ifndef AGENT_TIMEKEEPER_H
#define AGENT_TIMEKEEPER_H

#include "sync/eventlog/eventlog.h"

/* A smaller step of a clock that was trusted before is not worth a note. */
enum { TIMEKEEPER_STEP_MS = 1000 };

struct timekeeper;

struct timekeeper_config {
    struct eventlog *log;
    struct clock *clock;
    struct diag *diag;
    const char *device;
    const char *folder; /* of the state; the time floor is written there at once */
};

/* All of the config is borrowed. */
enum err timekeeper_open(struct timekeeper **timekeeper, const struct timekeeper_config *config,
                         struct fault *fault) MUST_CHECK;
void timekeeper_close(struct timekeeper *timekeeper); /* after eventlog_close; takes NULL */
/* The hub says that it is `wall_ms` now. A time before this program was built is not believed. */
void timekeeper_told(struct timekeeper *timekeeper, int64_t wall_ms);

#endif
