/*
 * What one body turns out to be: an event, or something to be parked alone with a reason. Pure; any
 * thread.
 */
#ifndef SYNC_HUB_INGEST_READING_H
#define SYNC_HUB_INGEST_READING_H

#include "hal/base/sha256.h"
#include "sync/contract/event.h"

struct reading {
    struct slice body;
    struct sha256 hash; /* of the body */
    bool parked;
    const char *code; /* why; both NULL unless it is parked */
    const char *detail;
    bool has_id;
    struct id id; /* what the body calls itself, parked or not */
    struct event event;
    struct slice number; /* what people find a return by that the event creates, or empty */
    struct slice receipt;
};

/*
 * `body` is JSON: batch_cut has checked it, or we wrote it. `reading` is zero; it borrows the body,
 * and what isn't the body's is the arena's.
 */
void reading_make(struct reading *reading, struct slice body, enum stream stream,
                  struct arena *arena);
/* It is to be parked, whatever it says: an event that may not stand where it came. Borrows the
 * texts. */
void reading_park(struct reading *reading, const char *code, const char *detail);

#endif
