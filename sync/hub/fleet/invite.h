/*
 * Invites an appliance: makes the signed bundle and the one-time code, and keeps of the code what
 * finds it again. Inside the caller's transaction; blocks on the disk.
 */
#ifndef SYNC_HUB_FLEET_INVITE_H
#define SYNC_HUB_FLEET_INVITE_H

#include "sync/hub/fleet/authorities.h"
#include "sync/hub/fleet/roster.h"

struct invite_order {
    const char *state; /* the hub's directory */
    const struct roster_device *device;
    const char *hub_url; /* as in struct bundle, as appliances reach them */
    const char *broker_url;
    const char *enrol_url;
    const char *const *time_servers;
    size_t time_server_count;
    const char *config; /* the first config, or NULL */
    int64_t now_ms;
    int64_t days; /* the code's validity */
};

/* Appends the bundle with the code in it, and tells the code. */
enum err invite_make(struct roster *roster, struct authorities *authorities,
                     const struct invite_order *order, struct buf *bundle, struct code *code,
                     struct fault *fault) MUST_CHECK;

#endif
