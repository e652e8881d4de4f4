/*
 * What the store's people and tills touch of the appliance: the scanners, panels and printers, the
 * technician's desk, and the API behind its door; tied together, so that a scan reaches the page, a
 * decision the lamps, and a printer's trouble both. Loop thread only.
 */
#ifndef AGENT_COUNTER_H
#define AGENT_COUNTER_H

#include "agent/api/api.h"
#include "agent/ground.h"
#include "sync/enrol/membership.h"

struct counter;

/* All is borrowed. */
struct counter_config {
    const struct ground *ground;
    const struct settings *settings;
    const struct membership *member;
    struct eventlog *log;
    const struct eventlog_config *log_config;
    struct capture *capture;
    struct poslog_desk *poslog;
    const struct scan_formats *formats;
    const struct policy *policy;
    struct uplink *uplink; /* NULL: there is no link */
    /* As api_config has it. */
    void (*describe_config)(void *context, struct jsonw *w);
    void *context;
};

/* After a failure, too, there may be one, half built: to be stopped, hushed and closed. */
enum err counter_open(struct counter **counter, const struct counter_config *config,
                      struct fault *fault) MUST_CHECK;
/* Nobody comes in any more, and no device is heard. Before the log is closed. Takes NULL. */
void counter_stop(struct counter *counter);
/* After the log: what was accepted is answered while the loop ends. Takes NULL. */
void counter_hush(struct counter *counter);
void counter_close(struct counter *counter); /* after the loop; takes NULL */

/* Something was committed. */
void counter_committed(struct counter *counter);
void counter_link_changed(struct counter *counter);

/* Those that the centre's configuration and commands reach. */
struct api *counter_api(const struct counter *counter);
struct print_desk *counter_prints(const struct counter *counter);
struct service *counter_service(const struct counter *counter);
/* As door_address. */
const char *counter_address(const struct counter *counter);

#endif
