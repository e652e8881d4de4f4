/*
 * The centre's command "rotate-key" (sync/contract/command.h): a new key, for which a certificate
 * is asked. It is begun when the key is made. Loop thread only.
 */
#ifndef AGENT_ROTATE_ORDER_H
#define AGENT_ROTATE_ORDER_H

#include "agent/hub_link.h"
#include "agent/orders.h"

/* An order_run; `context` is a struct hub_link. */
void rotate_order_run(void *context, struct order *order, const struct command *command);

#endif
