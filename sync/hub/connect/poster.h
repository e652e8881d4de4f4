/*
 * Posts what the ledger made: picks entries that are ready (on the database's thread), lets the
 * connector post them on a thread of its own, where it may block for as long as it likes, and
 * records what came of it (on the database's thread again). A crash in between leaves entries
 * ready; the connector finds them by their reference then.
 *
 * While the other side can't be reached the poster waits longer from try to try, and tries with one
 * entry only, until that succeeds. Loop thread only.
 */
#ifndef SYNC_HUB_CONNECT_POSTER_H
#define SYNC_HUB_CONNECT_POSTER_H

#include "hal/clock.h"
#include "sync/hub/connect/posting.h"
#include "sync/hub/ingest/worker.h"

struct poster;

struct poster_config {
    struct worker *worker;
    const struct books *books;
    struct connector connector; /* the poster's from now on, even if opening fails */
    struct clock *clock;
    struct diag *diag;
    int64_t retry_least_ms; /* 1000 when 0 */
    int64_t retry_most_ms;  /* 300000 when 0 */
    /* After each batch: these appliances have something new in their inbox. */
    void (*told)(void *context, const char (*devices)[DEVICE_ID_MAX + 1], size_t count);
    void *context;
};

/* Since the start. */
struct poster_counters {
    int64_t posted;
    int64_t parked;
    int64_t retried;
    bool waiting; /* the other side can't be reached */
};

enum err poster_open(struct poster **poster, struct loop *loop, const struct poster_config *config,
                     struct fault *fault) MUST_CHECK;
/*
 * Waits for the connector's call that runs, if one does. Takes NULL. Before worker_close; what is
 * still with the worker then is freed by loop_close.
 */
void poster_close(struct poster *poster);
/* There may be something to post. */
void poster_wake(struct poster *poster);
struct poster_counters poster_count(const struct poster *poster);

#endif
