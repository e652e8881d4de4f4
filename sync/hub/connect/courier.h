/*
 * Carries jobs from the hub's database to a system outside, and back what came of them: picks some
 * that are due (on the database's thread), carries them one by one on a thread of its own, where a
 * call may block for as long as it likes, and records the outcome (on the database's thread again).
 * A crash in between leaves the jobs due: whoever carries them looks first whether it was done.
 *
 * While the other side can't be reached the courier waits longer from try to try, and tries with
 * one job only, until that succeeds (gate.h). Several couriers run side by side. Of several hubs on
 * one database one carries (database_lead), so that no job is on its way twice at a time; the
 * others look every few seconds whether it is their turn. Loop thread only.
 */
#ifndef SYNC_HUB_CONNECT_COURIER_H
#define SYNC_HUB_CONNECT_COURIER_H

#include "hal/clock.h"
#include "sync/hub/connect/gate.h"
#include "sync/hub/ingest/worker.h"

struct courier;

/* The kind of jobs. `self` is on one thread at a time. */
struct courier_ops {
    const char *name; /* the connector's kind, in connector_list.h and in diagnostics */
    size_t batch_max;
    size_t batch_bytes; /* what a batch holds in memory */
    /* Database thread, in a transaction: forgets the batch, takes up to `limit` due jobs. */
    enum err (*pick)(void *self, struct database *db, size_t limit, int64_t now_ms, size_t *count,
                     struct fault *fault);
    /* The courier's thread. Of class RETRY: the rest of the batch would fare no better. */
    enum err (*carry)(void *self, size_t job, struct fault *fault);
    /* The courier's thread, after such a one: how long the other side asked to be left alone; 0: it
     * didn't say. May be NULL. */
    int64_t (*asked_pause_ms)(void *self);
    /* Database thread, in a transaction: what came of those that were carried. */
    enum err (*record)(void *self, struct database *db, int64_t now_ms, struct fault *fault);
    /* Loop thread, after the commit of a pick or a record: tell who must know. */
    void (*told)(void *self);
    void (*close)(void *self);
};

struct courier_config {
    const struct courier_ops *ops;
    const char *name; /* of the connector, in connector_list.h; borrowed */
    void *self;       /* the courier's from now on, even if opening fails */
    struct worker *worker;
    struct clock *clock;
    struct diag *diag;
    struct gate_config gate;
};

enum err courier_open(struct courier **courier, struct loop *loop,
                      const struct courier_config *config, struct fault *fault) MUST_CHECK;
/*
 * Waits for the call that runs, if one does. Takes NULL. Before worker_close; what is still with
 * the worker then is freed by loop_close.
 */
void courier_close(struct courier *courier);
/* There may be jobs. */
void courier_wake(struct courier *courier);
/* The latest try failed, and will be repeated. */
bool courier_waits(const struct courier *courier);

#endif
