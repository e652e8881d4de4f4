/*
 * Work that the event log does for a loop's object on a thread of its own, and its way back to the
 * loop. The object may be closed while errands are out: they come back to nobody then.
 */
#ifndef SYNC_UPLINK_ERRAND_H
#define SYNC_UPLINK_ERRAND_H

#include "hal/loop.h"
#include "sync/contract/event_type.h"

struct errands;

struct errand {
    struct errands *errands;
    void *owner;        /* what errands_open was given */
    enum stream stream; /* the caller's to set */
    enum err err;
    struct fault fault;
    void (*back)(struct errand *errand);
};

/* NULL on no memory. */
struct errands *errands_open(struct loop *loop, void *owner);
/* Takes NULL. No `back` is called any more. */
void errands_close(struct errands *errands);
/*
 * A new errand, to be given as context together with errand_done to the log; `back` is called on
 * the loop's thread, and the errand is freed after it. NULL on no memory.
 */
struct errand *errand_new(struct errands *errands, void (*back)(struct errand *errand));
/* The log's thread: it is done. Without memory for the way back, `back` never comes. */
void errand_done(void *errand, enum err err, const struct fault *fault);

#endif
