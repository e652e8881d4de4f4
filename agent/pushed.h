/*
 * What the centre may push to this appliance, and how each thing is put in force here: one part for
 * each section of the configuration (sync/config/part.h). What a configuration doesn't speak of is
 * as the settings say. Loop thread only.
 *
 * Sections: policy, scan, printing, staff, retention, limits, broker, time, diagnostics, features,
 * updates. Time servers and the update channel are the system's to follow: they are written to
 * timesyncd.conf and update-channel in the state directory. A release that is wanted the updater
 * brings.
 */
#ifndef AGENT_PUSHED_H
#define AGENT_PUSHED_H

#include "agent/api/api.h"
#include "agent/capture/policy_file.h"
#include "agent/print/desk.h"
#include "agent/retention.h"
#include "agent/service/updater.h"
#include "sync/config/part.h"

struct pushed;

/* Everything is borrowed. `uplink` may be NULL. */
struct pushed_config {
    const struct settings *settings;
    const char *folder; /* state directory */
    struct capture *capture;
    struct api *api;
    struct retention *retention;
    struct print_desk *prints;
    struct uplink *uplink;
    struct updater *updater;
    const struct uplink_target *target; /* as the settings have it; its `tls` may change */
    struct diag *diag;
};

/* Takes over `policy` and `formats`, which are in force already; closes them on failure too. */
enum err pushed_open(struct pushed **pushed, const struct pushed_config *config,
                     struct policy_file *policy, struct scan_formats *formats,
                     struct fault *fault) MUST_CHECK;
/* After the capture. Takes NULL. */
void pushed_close(struct pushed *pushed);
const struct config_part *pushed_parts(const struct pushed *pushed, size_t *count);

#endif
