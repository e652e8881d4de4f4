/*
 * The appliance's way to the hub: the uplink with the identity that it shows, the renewal of that
 * identity, the post of the contacts' keys, and the hub's word on the time. Without a broker,
 * not enrolled yet, or with an identity that can't be used, there is no uplink: the appliance
 * captures, and what it saves waits. Loop thread only; blocks on the disk for the identity.
 */
#ifndef AGENT_HUB_LINK_H
#define AGENT_HUB_LINK_H

#include "agent/capture/contact_keys.h"
#include "hal/settings.h"
#include "sync/enrol/membership.h"
#include "sync/uplink/uplink.h"

struct hub_link;

/* All is borrowed. */
struct hub_link_config {
    struct loop *loop;
    struct clock *clock;
    struct diag *diag;
    const struct settings *settings;
    const char *folder; /* of the state */
    const struct membership *member;
    struct contact_keys *contacts;
    struct eventlog *log;
    const struct eventlog_config *log_config;
};

struct hub_link_listener {
    void (*changed)(void *context, bool online);
    void (*heard)(void *context); /* the hub's messages come from now on */
    void (*message)(void *context, const char *name, const struct mqtt_message *message);
    /* What the hub is told of the appliance beside how delivery stands. */
    void (*describe)(void *context, struct jsonw *w);
    void (*renewed)(void *context); /* another certificate is the current one */
    void *context;
};

enum err hub_link_open(struct hub_link **link, const struct hub_link_config *config,
                       const struct hub_link_listener *listener, struct fault *fault) MUST_CHECK;
/* No word goes out or comes in any more. Before the log is closed. Takes NULL. */
void hub_link_stop(struct hub_link *link);
void hub_link_close(struct hub_link *link); /* after the log; takes NULL */

/* NULL: the appliance captures only. */
struct uplink *hub_link_uplink(const struct hub_link *link);
/* The broker that the settings name. The identity in it changes when it is renewed. */
const struct uplink_target *hub_link_target(const struct hub_link *link);
/* Something was committed. */
void hub_link_committed(struct hub_link *link);
/* The member "identity" says until when the certificate is good; none without one. */
void hub_link_describe(const struct hub_link *link, struct jsonw *w);
/* As renewal_rotate; ERR_NOT_FOUND when it is not enrolled. */
enum err hub_link_rotate(struct hub_link *link, struct fault *fault) MUST_CHECK;

#endif
