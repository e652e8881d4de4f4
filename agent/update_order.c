#include "agent/update_order.h"

#include <stdio.h>

void update_order_run(void *context, struct order *order, const struct command *command)
{
    struct updater *updater = context;
    struct release release;
    struct fault fault = {0};
    char told[COMMAND_DETAIL_MAX + 1];
    const struct slice nothing = {"", 0};
    enum err err = release_read(command->arguments, &release, &fault);
    if (!err)
        err = updater_order(updater, &release, &fault);
    if (err)
        (void)snprintf(told, sizeof told, "%s: %.300s", fault.where, fault.text);
    else
        (void)snprintf(told, sizeof told, "%s is fetched; the appliance's state tells the rest",
                       release.version);
    if (err)
        order_end(order, err_class(err) == ERR_CLASS_PARK ? COMMAND_REFUSED : COMMAND_FAILED, told,
                  nothing);
    else
        order_end(order, COMMAND_BEGUN, told, nothing);
}
