/*
 * Commands of the centre (sync/contract/command.h): checked, noted in the event log, carried out
 * once, answered. The note comes first and carries the command's id, so that a command that comes
 * again, or again after a power cut, is answered as repeated and not carried out. Loop thread only.
 */
#ifndef AGENT_ORDERS_H
#define AGENT_ORDERS_H

#include "hal/base/diag.h"
#include "hal/loop.h"
#include "sync/contract/command.h"
#include "sync/eventlog/eventlog.h"
#include "sync/transport/mqtt.h"

struct orders;
struct order; /* one command on its way through here */

/*
 * Carries out a command whose id is noted: ends it with order_end, now or later, on the loop's
 * thread.
 */
typedef void order_run(void *context, struct order *order, const struct command *command);

struct order_handler {
    order_run *run; /* NULL: this appliance has nothing for it */
    void *context;
};

struct orders_config {
    struct loop *loop;
    struct eventlog *log;
    struct clock *clock;
    struct diag *diag;
    const char *identity_folder; /* whom to trust */
    const char *device;
    struct order_handler handlers[COMMAND_COUNT];
    /* Publishes on up/reply. */
    void (*reply)(void *context, struct mqtt_message *message);
    void *context;
};

enum err orders_open(struct orders **orders, const struct orders_config *config,
                     struct fault *fault) MUST_CHECK;
/* Before loop_close: what is under way is answered to nobody. Takes NULL. */
void orders_close(struct orders *orders);

/* What came under down/cmd/<name>. */
void orders_take(struct orders *orders, const char *name, const struct mqtt_message *message);
/* Answers, and forgets, the order. `result` is a JSON object or empty. */
void order_end(struct order *order, enum command_outcome outcome, const char *detail,
               struct slice result);

#endif
