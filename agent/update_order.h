/*
 * The centre's command "update" (sync/contract/command.h): its arguments are a release
 * (sync/contract/release.h). It is begun when the release is noted; up/state tells the rest. Loop
 * thread only.
 */
#ifndef AGENT_UPDATE_ORDER_H
#define AGENT_UPDATE_ORDER_H

#include "agent/orders.h"
#include "agent/service/updater.h"

/* An order_run; `context` is a struct updater. */
void update_order_run(void *context, struct order *order, const struct command *command);

#endif
