/*
 * The connectors and how each stands, kept in the database so that every hub on it and the command
 * line can tell: whether the system outside answers, and what waits for it. Inside the caller's
 * transaction.
 */
#ifndef SYNC_HUB_CONNECT_CONNECTOR_LIST_H
#define SYNC_HUB_CONNECT_CONNECTOR_LIST_H

#include "sync/hub/connect/posting.h"

/* Of the couriers (courier.h). */
#define CONNECTOR_POSTING "posting"
#define CONNECTOR_PAYMENT "payment"
#define CONNECTOR_OUTLET "outlet"

struct connector_card {
    const char *kind;
    const char *name;
    const char *system;    /* what it speaks to: tryton, ledger-file, http */
    int64_t most_a_minute; /* 0: no limit */
    struct posting_share share;
};

/* From now on these are all there are. */
enum err connector_list_put(struct database *db, const struct connector_card *cards, size_t count,
                            struct fault *fault) MUST_CHECK;

/* The jobs of a batch were tried. */
struct connector_trial {
    const char *kind;
    const char *name;
    int64_t now_ms;
    unsigned failures;       /* one after the other, with this one; 0: the other side answers */
    int64_t next_ms;         /* after a failure: not before */
    const struct fault *why; /* of the failure */
};
/* Nothing happens when there is no such connector. */
enum err connector_list_note(struct database *db, const struct connector_trial *trial,
                             struct fault *fault) MUST_CHECK;

#endif
