#include "agent/rotate_order.h"

void rotate_order_run(void *context, struct order *order, const struct command *command)
{
    (void)command;
    struct fault fault;
    const struct slice nothing = {"", 0};
    if (hub_link_rotate(context, &fault) != ERR_OK)
        order_end(order, COMMAND_REFUSED, fault.text, nothing);
    else
        order_end(order, COMMAND_BEGUN, "a new key is made, and a certificate asked for", nothing);
}
