/*
 * Saving a decided return inside a command, by itself or as one half of an exchange. The event
 * log's writer thread, but for return_read, which is pure.
 */
#ifndef AGENT_CAPTURE_RETURN_H
#define AGENT_CAPTURE_RETURN_H

#include "agent/capture/release.h"

/* Reads the JSON of POST /v1/returns; the request is made in the arena. */
enum err return_read(const struct cJSON *doc, const struct known_formats *known,
                     struct arena *arena, struct return_request **request,
                     struct fault *fault) MUST_CHECK;

/*
 * Appends return.created with a number of its own, the exceptions that its reasons raise, and what
 * follows from an acceptance. `request` is the JSON as it came. `release` is made here; more events
 * of the return may be appended with it.
 */
enum err return_save(struct capture_job *job, struct eventlog_txn *txn,
                     const struct question *question, const struct cJSON *request,
                     struct release *release, struct fault *fault) MUST_CHECK;

#endif
