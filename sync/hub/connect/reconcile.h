/*
 * Reconciliation: each line of the settlement files against the refunds that the ledger expects,
 * each payout against its lines and against the bank, and what a person decides where they differ.
 *
 * What fits is settled at once: refund.settled becomes an event of the centre, which the ledger
 * books. What differs in amount, currency or sign, comes twice, or was charged back as well is
 * matched but not booked: an exception is raised and a person decides. A late line or an unexpected
 * fee is booked, and raised. Inside the caller's transaction.
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

/* Follows new refunds, looks at up to RECONCILE_LINES_MAX new lines, and at what is missing. */
enum err reconcile_step(struct database *db, const struct match_rule *rule, int64_t now_ms,
                        struct reconcile_news *news, struct fault *fault) MUST_CHECK;

/* A person's decision. */
struct reconcile_order {
    int64_t line;   /* of a settlement; see below */
    int64_t refund; /* that is expected */
    int64_t now_ms;
};

/*
 * The line is this refund: it is settled with what the line says, and what is left of it, or too
 * much, is written off. ERR_NOT_FOUND; ERR_CONFLICT when either was decided before, ERR_REFUSED
 * when they are in different currencies.
 */
enum err reconcile_match(struct database *db, const struct reconcile_order *order,
                         struct told *told, struct fault *fault) MUST_CHECK;
/* The line is nobody's refund: it is cleared elsewhere. Nothing is booked here. */
enum err reconcile_set_aside(struct database *db, const struct reconcile_order *order,
                             struct fault *fault) MUST_CHECK;
/* The refund will never be settled: its clearing account is cleared to settlement differences. */
enum err reconcile_write_off(struct database *db, const struct reconcile_order *order,
                             struct told *told, struct fault *fault) MUST_CHECK;

#endif
