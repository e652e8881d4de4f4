/*
 * The appliance's connection to the broker: made, watched, thrown away and made again for ever.
 *
 * On a line that swallows everything a connection attempt hangs in TCP's own, ever longer, pauses
 * and would miss the line's return. So beside an attempt that takes long a scout is sent, and
 * another and another; whichever connects first is the connection. Waits between failures are
 * random and short. Each connection is a session with an id of its own, and its last will names it,
 * so that a late will can't be taken for news. Loop thread only.
 */
#ifndef SYNC_UPLINK_LINK_H
#define SYNC_UPLINK_LINK_H

#include "hal/base/id.h"
#include "sync/transport/mqtt.h"

struct link;

enum uplink_state { UPLINK_OFFLINE, UPLINK_CONNECTING, UPLINK_ONLINE };

/* Where to connect, and as whom. Texts and `tls` are borrowed until replaced or closed. */
struct uplink_target {
    const char *url;            /* "mqtts://host:8883" */
    const char *proxy;          /* NULL, or "http://host:port" */
    const char *device;         /* client id and topic */
    const char *runtime_folder; /* see mqtt.h */
    struct tls_context *tls;
};

struct link_config {
    struct uplink_target target;
    int64_t dial_timeout_ms;
    int64_t scout_ms;
    int64_t backoff_base_ms;
    int64_t backoff_cap_ms;
    struct clock *clock;
    struct diag *diag;
};

struct link_listener {
    void (*connected)(void *context);
    /* An established connection has ended. */
    void (*lost)(void *context);
    /* link_state or the last fault changed. */
    void (*changed)(void *context);
    void (*message)(void *context, const struct mqtt_message *message);
    void (*published)(void *context, int token, int reason);
    void (*subscribed)(void *context, int token, enum err err);
    void *context;
};

/* Begins to connect from the loop. */
enum err link_open(struct link **link, struct loop *loop, const struct link_config *config,
                   const struct link_listener *listener, struct fault *fault) MUST_CHECK;
void link_close(struct link *link); /* takes NULL; no callback comes after */

enum uplink_state link_state(const struct link *link);
/* Why the link was last lost or refused; code ERR_OK if it never was. */
const struct fault *link_fault(const struct link *link);
/* The connection; NULL unless online. */
struct mqtt *link_mqtt(struct link *link);
/* The connection's session; only while online. */
const struct id *link_session(const struct link *link);

/* Throws the connection away, for the reason in `fault`, and makes another. Not from `connected`.
 */
void link_drop(struct link *link, const struct fault *fault);
/* The connection has proven useful: the next failure waits briefly again. */
void link_useful(struct link *link);
void link_use(struct link *link, const struct uplink_target *target);

#endif
