/*
 * Reconciliation: each line of the settlement files against the refunds that the ledger expects,
 * each payout against its lines and against the bank.
 *
 * What fits is settled at once: refund.settled becomes an event of the centre, which the ledger
 * books. What differs in amount, currency or sign, comes twice, or was charged back as well is
 * matched but not booked: an exception is raised and a person decides (reconcile_order.h). A late
 * line or an unexpected fee is booked, and raised. A line whose refund nobody knows waits: it is
 * looked at again when a refund that it may be becomes known, since stores without a link tell
 * late. What was told is resolved when the line or the refund is decided, by whomever.
 *
 * What the bank says is looked at last, by its days, and around each file that comes anew: which
 * file came first makes no difference to which payout is which entry. Inside the caller's
 * transaction.
 */
#ifndef SYNC_HUB_CONNECT_RECONCILE_H
#define SYNC_HUB_CONNECT_RECONCILE_H

#include "sync/hub/connect/match.h"
#include "sync/hub/connect/told.h"

#include "hal/database.h"

enum { RECONCILE_LINES_MAX = 50 };

struct reconcile_news {
    struct told told;
    int64_t looked_at; /* lines */
    int64_t settled;   /* refunds */
    bool more;
};

/* Follows new refunds, looks at up to RECONCILE_LINES_MAX new lines, and at what is missing;
 * `more`: to be called again. */
enum err reconcile_step(struct database *db, const struct match_rule *rule, int64_t now_ms,
                        struct reconcile_news *news, struct fault *fault) MUST_CHECK;

#endif
