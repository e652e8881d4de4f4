/*
 * Has the provider pay out what the hub must: a courier (courier.h) whose jobs are the payments
 * that are due (payment.h). Loop thread only.
 */
#ifndef SYNC_HUB_CONNECT_PAYER_H
#define SYNC_HUB_CONNECT_PAYER_H

#include "sync/hub/connect/courier.h"
#include "sync/hub/connect/provider.h"

#define PAYER_NAME "provider" /* among the connectors: there is one */

struct payer;

struct payer_config {
    struct worker *worker;
    struct provider *provider; /* the payer's from now on, even if opening fails */
    struct clock *clock;
    struct diag *diag;
    struct gate_config gate;
    /* After each batch: events of the centre were recorded, and these appliances have news. */
    void (*told)(void *context, const char (*devices)[DEVICE_ID_MAX + 1], size_t count);
    void *context;
};

enum err payer_open(struct payer **payer, struct loop *loop, const struct payer_config *config,
                    struct fault *fault) MUST_CHECK;
/* As courier_close. */
void payer_close(struct payer *payer);
/* There may be something to pay. */
void payer_wake(struct payer *payer);
/* The provider can't be reached. */
bool payer_waits(const struct payer *payer);

#endif
