/*
 * Whether a return that a legacy till made, alone or in an exchange, can be recorded as it was:
 * this store's own decision is compared with what the till paid. Blocks on the disk for short.
 */
#ifndef AGENT_CAPTURE_POSLOG_QUOTE_H
#define AGENT_CAPTURE_POSLOG_QUOTE_H

#include "agent/capture/capture.h"
#include "agent/capture/poslog_order.h"
#include "agent/views/views.h"

/* True if a return decided like this (a quote or a return) is what the till did; else why. */
bool poslog_agrees(const struct poslog_order *order, const struct cJSON *decision,
                   struct fault *why);

/* An order that was recorded before: as which return, from which event on, and its sale with it. */
struct poslog_found {
    bool any;
    struct id returned;
    struct id first;
    bool linked;
};
enum err poslog_find(struct eventlog_reader *reader, const struct poslog_order *order,
                     struct poslog_found *found, struct fault *fault) MUST_CHECK;
/* What was decided of it then; freed by the caller. */
enum err poslog_decided(struct eventlog_reader *reader, const struct poslog_found *found,
                        struct cJSON **decision, struct fault *fault) MUST_CHECK;

/*
 * Writes what is to be asked of capture, a return or an exchange, which nobody has recorded before.
 * ERR_REFUSED with what doesn't agree, or another error.
 */
enum err poslog_quote(struct capture *capture, struct eventlog_reader *reader,
                      const struct poslog_order *order, const struct capture_actor *actor,
                      struct buf *body, struct fault *fault) MUST_CHECK;

#endif
