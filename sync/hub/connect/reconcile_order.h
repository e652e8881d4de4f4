/*
 * What a person decides of a settlement's line that fits no refund, or of a refund that no line
 * settles; reconcile.h has done what it could. Inside the caller's transaction.
 */
#ifndef SYNC_HUB_CONNECT_RECONCILE_ORDER_H
#define SYNC_HUB_CONNECT_RECONCILE_ORDER_H

#include "hal/database.h"
#include "sync/hub/connect/told.h"

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
