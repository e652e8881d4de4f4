/*
 * Whether the broker keeps an appliance to its own topics, found out on a live connection of it.
 *
 * Non-delivery is what counts: brokers grant forbidden filters, and say that a publish was fine. So
 * it subscribes to a topic of another's, publishes there, and then to its own: the second
 * acknowledgement comes after all that the first publish may have brought. Loop thread only.
 */
#ifndef SYNC_UPLINK_RIGHTS_H
#define SYNC_UPLINK_RIGHTS_H

#include "sync/contract/topic.h"
#include "sync/transport/mqtt.h"

enum rights_found {
    RIGHTS_UNKNOWN, /* there was no answer */
    RIGHTS_KEPT,
    RIGHTS_OWN_REFUSED,
    RIGHTS_FOREIGN, /* it gets at the topics of others */
};

/* Comes once. */
typedef void rights_done(void *context, enum rights_found found);

/* Zeroed when none is out. */
struct rights {
    struct mqtt *mqtt;
    rights_done *done; /* NULL: none is out */
    void *context;
    char foreign_topic[TOPIC_MAX];
    char own_topic[TOPIC_MAX];
    int subscription;
    int foreign;
    int own;
    bool foreign_delivered;
};

/* ERR_BUSY while one is out. */
enum err rights_begin(struct rights *rights, struct mqtt *mqtt, const char *device,
                      rights_done *done, void *context, struct fault *fault) MUST_CHECK;
/* News of the connection: false when it isn't of this. */
bool rights_subscribed(struct rights *rights, int token);
bool rights_published(struct rights *rights, int token, int reason);
bool rights_message(struct rights *rights, const struct mqtt_message *message);
/* The connection has ended, or nobody waits any longer: RIGHTS_UNKNOWN if one is out. */
void rights_end(struct rights *rights);

#endif
