/*
 * Keeps the books up to date: whenever events were stored, the worker takes them into the ledger,
 * a bounded step at a time so that ingest gets its turn in between. What nobody wakes it for is
 * found by looking every two seconds. Loop thread only.
 */
#ifndef SYNC_HUB_CLERK_H
#define SYNC_HUB_CLERK_H

#include "sync/hub/ingest/arrival.h"
#include "sync/hub/ledger/books.h"

struct clerk;

struct clerk_config {
    struct worker *worker;
    struct arrival_desk *desk; /* tells the acknowledgements that have something new to say */
    const struct books *books;
    struct clock *clock;
    struct diag *diag;
    void (*booked)(void *context); /* events were applied; may be NULL */
    void *context;
};

/* Since the start. */
struct clerk_counters {
    int64_t applied;
    int64_t parked;
    int64_t entries;
};

enum err clerk_open(struct clerk **clerk, struct loop *loop, const struct clerk_config *config,
                    struct fault *fault) MUST_CHECK;
/* Takes NULL. A step that runs is finished by worker_close, and answered by loop_close. */
void clerk_close(struct clerk *clerk);
/* Events were stored, or the centre has said something. */
void clerk_wake(struct clerk *clerk);
struct clerk_counters clerk_count(const struct clerk *clerk);

#endif
