/*
 * The hub's connectors to systems outside, as the settings say, side by side: where entries are
 * posted, who pays refunds out, who is told events. Loop thread only.
 */
#ifndef SYNC_HUB_OUTSIDE_H
#define SYNC_HUB_OUTSIDE_H

#include "hal/settings.h"
#include "sync/hub/connect/payer.h"
#include "sync/hub/connect/posters.h"

struct outside;

struct outside_config {
    const struct settings *settings;
    struct worker *worker;
    const struct books *books;
    struct clock *clock;
    struct diag *diag;
    /* Events of the centre were recorded, and these appliances have news. */
    void (*told)(void *context, const char (*devices)[DEVICE_ID_MAX + 1], size_t count);
    void *context;
};

/* *outside is to be stopped and closed after a failure too: the worker may be at it already. */
enum err outside_open(struct outside **outside, struct loop *loop,
                      const struct outside_config *config, struct fault *fault) MUST_CHECK;
/* Before worker_close: waits for the calls that run. Takes NULL. */
void outside_stop(struct outside *outside);
/* After worker_close. Takes NULL. */
void outside_close(struct outside *outside);
/*
 * Frees what a crash left held. Only at the start of the only hub on a database, before the worker
 * has it.
 */
enum err outside_release(struct database *db, struct fault *fault) MUST_CHECK;

/* Events were applied, or somebody decided something: there may be work. */
void outside_wake(struct outside *outside);

/* Since the start; false and 0 for what isn't there. */
struct outside_facts {
    struct posters_fact posters[CONNECTORS_MAX];
    size_t poster_count;
    bool payments_wait;
    int64_t outlets_waiting;
};
struct outside_facts outside_facts(const struct outside *outside);

/*
 * The secret that the payment provider signs with; NULL: there is no provider that tells us
 * anything. Borrowed.
 */
const struct webhook_secret *outside_provider_secret(const struct outside *outside);

#endif
