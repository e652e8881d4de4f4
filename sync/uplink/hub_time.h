/*
 * Asks the hub what time it is, when a connection is up and every hour after; when no answer comes,
 * or one that took so long that it says little, again in a minute. Knows nothing of clocks that
 * people set: what is told goes to the listener. Loop thread only.
 */
#ifndef SYNC_UPLINK_HUB_TIME_H
#define SYNC_UPLINK_HUB_TIME_H

#include "sync/uplink/uplink.h"

struct hub_time;

/* `told` gets the hub's time as of the call, at most HUB_TIME_DOUBT_MS away from it. */
enum { HUB_TIME_DOUBT_MS = 5000 };
typedef void hub_time_told(void *context, int64_t wall_ms);

enum err hub_time_open(struct hub_time **hub_time, struct uplink *uplink, struct loop *loop,
                       const struct uplink_config *config, hub_time_told *told, void *context,
                       struct fault *fault) MUST_CHECK;
void hub_time_close(struct hub_time *hub_time); /* takes NULL */

/* The connection is subscribed: asks. */
void hub_time_begin(struct hub_time *hub_time);
/* The connection is gone. */
void hub_time_end(struct hub_time *hub_time);
/* A message under down/time. */
void hub_time_came(struct hub_time *hub_time, const struct mqtt_message *message);

#endif
