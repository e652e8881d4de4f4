/*
 * What one body turns out to be: an event, or something to be parked alone with a reason. Pure.
 */
#ifndef SYNC_HUB_INGEST_READING_H
#define SYNC_HUB_INGEST_READING_H

#include "sync/contract/ack.h"
#include "sync/contract/event.h"

struct reading {
    bool parked;
    char code[ACK_CODE_MAX];
    char detail[ACK_DETAIL_MAX];
    bool has_id;
    struct id id; /* what the body calls itself, parked or not */
    struct event event;
};

/*
 * `body` is JSON: batch_cut has checked it, or we wrote it. `reading` is zero; the texts of its event
 * are the body's or the arena's.
 */
void reading_make(struct reading *reading, struct slice body, enum stream stream,
                  struct arena *arena);
/* It is to be parked, whatever it says: an event that may not stand where it came. */
void reading_park(struct reading *reading, const char *code, const char *detail);

#endif
