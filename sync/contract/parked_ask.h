/*
 * An appliance asks on up/parked for what else the hub has parked of a log: an acknowledgement
 * names the newest only. The answer, on down/parked, is an acknowledgement too (ack.h), with the
 * page below that seq in place of the newest. Pure; any thread.
 */
#ifndef SYNC_CONTRACT_PARKED_ASK_H
#define SYNC_CONTRACT_PARKED_ASK_H

#include "hal/base/buf.h"
#include "hal/base/id.h"

enum { PARKED_ASK_BYTES_MAX = 512 };

struct parked_ask {
    struct id log;
    int64_t below; /* a seq */
};

void parked_ask_write(struct buf *out, const struct parked_ask *ask);
enum err parked_ask_read(struct slice text, struct parked_ask *ask, struct fault *fault) MUST_CHECK;

#endif
