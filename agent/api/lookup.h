/*
 * Receipts that this store didn't write: while the link is up, the hub is asked what it knows of
 * one before anything is decided of it, for two seconds at most; what it says is kept in the log.
 * Who only looks asks for one receipt once in a while; before a return is decided or quoted the hub
 * is always asked, and asks the store that wrote the receipt (sync/contract/reservation.h), so that
 * a quote says what the return will come to. Only for the files of this folder. Loop thread only.
 */
#ifndef AGENT_API_LOOKUP_H
#define AGENT_API_LOOKUP_H

#include "agent/api/internal.h"
#include "agent/views/return_state.h"

/* `handle` is given the request that waited, and the api as its context. NULL on no memory. */
struct lookup *lookup_open(struct api *api,
                           void (*handle)(void *context, struct http_request *request));
/* The requests that wait are not answered any more. Takes NULL. */
void lookup_close(struct lookup *lookup);

/*
 * True when the request, which names a receipt in its query or its body, has to wait: it is handled
 * anew from its beginning when the hub has answered or hasn't in time; or it is answered here,
 * since another store has the receipt in hand.
 */
bool lookup_asks(struct api_call *call);
/* The same of a request upon which a return is decided or quoted. */
bool lookup_reserves(struct api_call *call);
/* ... of a return that was asked for before. */
bool lookup_reserves_return(struct api_call *call, const struct return_state *state);

#endif
