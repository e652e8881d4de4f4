/*
 * Whether a return that a legacy till made can be recorded as it was: this store's own decision is
 * compared with what the till paid. Blocks on the disk for short.
 */
#ifndef AGENT_CAPTURE_POSLOG_QUOTE_H
#define AGENT_CAPTURE_POSLOG_QUOTE_H

#include "agent/capture/capture.h"
#include "agent/capture/poslog_order.h"
#include "agent/views/views.h"

/* True if a return decided like this (JSON of a quote or a return) is what the till did; else why.
 */
bool poslog_agrees(const struct poslog_order *order, struct slice decision, struct fault *why);

/*
 * ERR_OK: record it; it agrees, or it was recorded before, and its key will say so. ERR_REFUSED
 * with what doesn't agree, or another error.
 */
enum err poslog_quote(struct capture *capture, struct eventlog_reader *reader,
                      const struct poslog_order *order, const struct capture_actor *actor,
                      struct fault *fault) MUST_CHECK;

#endif
