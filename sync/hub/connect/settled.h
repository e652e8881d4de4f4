/*
 * What settlement means for a return, as events of the centre: settled, came back, charged back,
 * won back, written off. The ledger books them; the return's store is told.
 * Inside the caller's transaction; for reconcile.c.
 */
#ifndef SYNC_HUB_CONNECT_SETTLED_H
#define SYNC_HUB_CONNECT_SETTLED_H

#include "sync/hub/connect/expected.h"
#include "sync/hub/ingest/centre_queue.h"

enum { SETTLED_KEY_MAX = 192 };

/* One movement at the provider that concerns a refund. Amounts are above 0. */
struct settled {
    const struct expected *refund;
    const char *key; /* which movement it is: a restored hub that meets it again records the same */
    int64_t amount_minor;
    int64_t fee_minor; /* that we bear, in the refund's currency */
    int64_t day;
    const char *reference; /* "" if there is none */
    int64_t now_ms;
    struct told *told;
    struct centre_queue *queue; /* takes the events; NULL: they are recorded at once */
};

/* The refund is settled. */
enum err settled_refund(struct database *db, const struct settled *settled,
                        struct fault *fault) MUST_CHECK;
/* It came back: it was settled (or not) and failed after all, and is owed again. */
enum err settled_came_back(struct database *db, const struct settled *settled,
                           struct fault *fault) MUST_CHECK;
/* The customer's bank took the payment back as well. */
enum err settled_charged_back(struct database *db, const struct settled *settled,
                              struct fault *fault) MUST_CHECK;
/* The dispute was won: the money is ours again. */
enum err settled_won(struct database *db, const struct settled *settled,
                     struct fault *fault) MUST_CHECK;
/* What will never be settled of it; below 0 when more was settled than refunded. */
enum err settled_write_off(struct database *db, const struct settled *settled,
                           struct fault *fault) MUST_CHECK;
/* The same of all of it, which nobody waits for any more. */
enum err settled_give_up(struct database *db, const struct settled *settled,
                         struct fault *fault) MUST_CHECK;

#endif
