/*
 * What the centre says to this appliance besides delivery: its configuration and commands, tied to
 * the parts that follow them. Loop thread only.
 */
#ifndef AGENT_CENTRE_H
#define AGENT_CENTRE_H

#include "agent/orders.h"
#include "agent/pushed.h"
#include "sync/config/keeper.h"

struct centre;

struct centre_config {
    struct loop *loop;
    struct eventlog *log;
    struct clock *clock;
    struct diag *diag;
    const char *identity_folder;
    const char *device;
    const char *store;
    struct pushed_config pushed;
    /* The commands that another part carries out; those with a `run` here are not this one's. */
    struct order_handler handlers[COMMAND_COUNT];
};

/*
 * Puts in force what was pushed before. Takes over `policy` and `formats`, on failure too. Once
 * the log's writer takes commands.
 */
enum err centre_open(struct centre **centre, const struct centre_config *config,
                     struct policy_file *policy, struct scan_formats *formats,
                     struct fault *fault) MUST_CHECK;
/* Nothing is taken or told any more. Before the uplink and the log are closed. Takes NULL. */
void centre_stop(struct centre *centre);
/* After loop_close and the capture. Takes NULL. */
void centre_close(struct centre *centre);

void centre_connected(struct centre *centre);
void centre_disconnected(struct centre *centre);
/* A message under down/ that delivery has no use for; true if it was ours. */
bool centre_message(struct centre *centre, const char *name, const struct mqtt_message *message);
/* Adds "config" to a document about how the appliance is. */
void centre_describe(struct centre *centre, struct jsonw *w);

#endif
