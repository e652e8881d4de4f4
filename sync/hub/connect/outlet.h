/*
 * Tells one system outside the events that it asked for, in the order in which the ledger applied
 * them, at least once each: an HTTP request per event (outlet_message.h), 2xx means taken. It is a
 * courier (courier.h) with a cursor of its own in the database, so outlets don't wait for each
 * other; a new one begins with the present.
 *
 * While the other side can't be reached, nothing is passed over. An event that it refuses (400,
 * 409, 410, 413, 415, 422), or that fails as often as the outlet's `park_after` says, is parked,
 * and the next has its turn; a person resubmits or discards it. Loop thread only.
 */
#ifndef SYNC_HUB_CONNECT_OUTLET_H
#define SYNC_HUB_CONNECT_OUTLET_H

#include "sync/hub/connect/courier.h"
#include "sync/hub/connect/outlet_config.h"

struct outlet;

struct outlet_parts {
    const struct outlet_config *config; /* borrowed */
    struct worker *worker;
    struct clock *clock;
    struct diag *diag;
    struct gate_config gate;
};

enum err outlet_open(struct outlet **outlet, struct loop *loop, const struct outlet_parts *parts,
                     struct fault *fault) MUST_CHECK;
/* As courier_close. */
void outlet_close(struct outlet *outlet);
/* There may be events to tell. */
void outlet_wake(struct outlet *outlet);
/* The other side doesn't take them at the moment. */
bool outlet_waits(const struct outlet *outlet);

/* Frees outlets that a crash left held. Only at the start of the only hub on a database. */
enum err outlet_release(struct database *db, struct fault *fault) MUST_CHECK;
/* A parked one once more, or never. ERR_NOT_FOUND when it isn't parked. */
enum err outlet_decide(struct database *db, int64_t delivery_no, bool discard, int64_t now_ms,
                       struct fault *fault) MUST_CHECK;

#endif
