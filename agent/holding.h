/*
 * What the hub asks of this store's own sales, under down/reserve, before it says yes to another
 * store (sync/contract/reservation.h): held, and answered under up/reserved. Loop thread only.
 */
#ifndef AGENT_HOLDING_H
#define AGENT_HOLDING_H

#include "agent/capture/capture.h"
#include "hal/base/diag.h"
#include "sync/uplink/uplink.h"

struct holding;

/* All is borrowed. */
struct holding_config {
    struct loop *loop;
    struct capture *capture;
    struct uplink *uplink;
    struct diag *diag;
};

enum err holding_open(struct holding **holding, const struct holding_config *config,
                      struct fault *fault) MUST_CHECK;
/* Before the uplink is closed: what is under way is answered to nobody. Takes NULL. */
void holding_close(struct holding *holding);

/* A message of that name. */
void holding_take(struct holding *holding, const struct mqtt_message *message);
/* Says in a document about how the appliance is that it answers. */
void holding_describe(struct jsonw *w);

#endif
