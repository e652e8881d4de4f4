/*
 * What time it is: the question under up/time, the hub's answer under down/time, matched by MQTT 5
 * correlation data. Half of the time between the two is the doubt. Pure; any thread.
 */
#ifndef SYNC_CONTRACT_TOLD_TIME_H
#define SYNC_CONTRACT_TOLD_TIME_H

#include "hal/base/buf.h"

/* The question has no members. */
void told_time_ask(struct buf *out);
/* Milliseconds since 1970-01-01T00:00:00Z. */
void told_time_write(struct buf *out, int64_t wall_ms);
enum err told_time_read(struct slice text, int64_t *wall_ms, struct fault *fault) MUST_CHECK;

#endif
