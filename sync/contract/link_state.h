/*
 * How an appliance is, retained under up/state: a birth when it has connected, health while it is,
 * and offline when it goes, said by itself or by the broker as its last will. All of one
 * connection carry its session, so that the will of a broken connection, delivered late, is not
 * taken for news about the next one. Health may have more members. Pure; any thread.
 */
#ifndef SYNC_CONTRACT_LINK_STATE_H
#define SYNC_CONTRACT_LINK_STATE_H

#include "hal/base/jsonw.h"
#include "sync/contract/event.h"

enum { LINK_STATE_BYTES_MAX = 16 * 1024 };

struct link_state {
    struct id session; /* one for each connection */
    bool online;
    int64_t time_ms;                       /* only when online */
    int64_t waiting[STREAMS_OF_APPLIANCE]; /* events that the hub doesn't hold; only when online */
    bool has_logs; /* says which logs are the current ones, so that a hub that lost one can tell */
    struct id logs[STREAMS_OF_APPLIANCE];
    int64_t torn_ends; /* how often it was torn off, as it says beside; not written here */
    bool confirms;     /* it answers what the hub asks of its own sales; as well */
};

/* Writes the members into the open object; the last will is the state with `online` false. */
void link_state_write(struct jsonw *w, const struct link_state *state);
enum err link_state_read(struct slice text, struct link_state *state,
                         struct fault *fault) MUST_CHECK;

#endif
