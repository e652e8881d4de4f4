/*
 * The centre's command "diag" (sync/contract/command.h): the diagnostics bundle, as the
 * technician's desk makes it, in the command's reply. Loop thread only.
 */
#ifndef AGENT_DIAG_ORDER_H
#define AGENT_DIAG_ORDER_H

#include "agent/orders.h"
#include "agent/service/desk.h"

/* An order_run; `context` is a struct service. */
void diag_order_run(void *context, struct order *order, const struct command *command);

#endif
