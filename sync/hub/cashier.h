/*
 * Keeps the money reconciled: whenever events were booked or a settlement file came, and once a
 * minute for what is missing, the worker takes a bounded step so that ingest gets its turn in
 * between. Loop thread only.
 */
#ifndef SYNC_HUB_CASHIER_H
#define SYNC_HUB_CASHIER_H

#include "hal/clock.h"
#include "sync/hub/connect/reconcile.h"
#include "sync/hub/ingest/worker.h"

struct cashier;

struct cashier_config {
    struct worker *worker;
    struct match_rule rule;
    struct clock *clock;
    struct diag *diag;
    /* After each step: events of the centre were recorded, and these appliances have news. */
    void (*told)(void *context, const char (*devices)[DEVICE_ID_MAX + 1], size_t count);
    void *context;
};

enum err cashier_open(struct cashier **cashier, struct loop *loop,
                      const struct cashier_config *config, struct fault *fault) MUST_CHECK;
/* Takes NULL. A step that runs is finished by worker_close, and answered by loop_close. */
void cashier_close(struct cashier *cashier);
/* There may be something to do. */
void cashier_wake(struct cashier *cashier);

#endif
