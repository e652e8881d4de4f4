/*
 * The box's own lamp (hal/beacon.h), lit by how the appliance is. Loop thread.
 */
#ifndef AGENT_LAMP_H
#define AGENT_LAMP_H

#include "agent/service/updater.h"
#include "hal/beacon.h"
#include "sync/uplink/uplink.h"

struct lamp;

struct lamp_config {
    struct loop *loop;
    struct eventlog *log;
    const struct fault *identity; /* what is wrong with it, as health_judge takes it */
    struct uplink *uplink;        /* NULL: it is nobody's */
    const struct updater *updater;
    struct clock *clock;
    const char *leds; /* "green=FOLDER,red=FOLDER": either may be missing */
};

/* ERR_INVALID for a setting that names no lamp. */
enum err lamp_open(struct lamp **lamp, const struct lamp_config *config,
                   struct fault *fault) MUST_CHECK;
void lamp_close(struct lamp *lamp); /* before the log is closed; takes NULL */

/*
 * What to show: the first that holds of ill, updating, nobody's, attention, offline, online. `link`
 * is NULL when it is nobody's; the rest is as of health_judge. Pure.
 */
enum beacon_state lamp_judge(const struct eventlog_status *log, const struct fault *identity,
                             const struct uplink_status *link, bool updating, int64_t now_ms);

#endif
