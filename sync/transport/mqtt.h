/*
 * An MQTT 5 connection: dial (DNS, TCP, proxy, mbedTLS), then libmosquitto over a private Unix
 * socket, driven by the loop. A pipe, never a queue: publish works only while connected, and a
 * client that has been disconnected is thrown away whole. It never reconnects by itself: who
 * drives it does (uplink, hub), from its own watermark. Loop thread only; never blocks.
 */
#ifndef SYNC_TRANSPORT_MQTT_H
#define SYNC_TRANSPORT_MQTT_H

#include "hal/base/diag.h"
#include "sync/transport/tls.h"

struct mqtt;

enum {
    MQTT_PROPERTIES_MAX = 16, /* user properties beyond that are passed over */
    MQTT_KEEPALIVE_S = 20,
    MQTT_PAYLOAD_MAX = 1024 * 1024,
    MQTT_IN_FLIGHT_MAX = 1024, /* publishes without their PUBACK */
};

struct mqtt_property {
    const char *name;
    const char *value;
};

/* A message in either direction. On arrival everything is borrowed for the callback. */
struct mqtt_message {
    const char *topic;
    struct slice payload;
    bool retain;
    int qos;                                /* 0 or 1 */
    const char *content_type;               /* NULL: none */
    const char *response_topic;             /* NULL: none */
    struct slice correlation;               /* empty: none */
    uint32_t expiry_s;                      /* 0: none */
    const struct mqtt_property *properties; /* user properties */
    size_t property_count;
};

struct mqtt_listener {
    /* After CONNACK, with ERR_OK, or why not: then the object is only good for mqtt_close. */
    void (*connected)(void *context, enum err err, const struct fault *fault);
    void (*message)(void *context, const struct mqtt_message *message);
    /* A publish's PUBACK; `reason` is the MQTT 5 reason code, 0x80 and above is a refusal. */
    void (*published)(void *context, int token, int reason);
    void (*subscribed)(void *context, int token, enum err err);
    /* Once, when an established connection ends; the object is then only good for mqtt_close. */
    void (*disconnected)(void *context, enum err err, const struct fault *fault);
    void *context;
};

struct mqtt_config {
    const char *url;   /* "mqtts://host:8883" */
    const char *proxy; /* NULL, or "http://host:port" for HTTP CONNECT */
    struct tls_context *tls;
    const char *client_id;
    const char *runtime_folder;      /* private (0700), short: holds the Unix socket for a moment */
    const struct mqtt_message *will; /* NULL: none */
    /* MQTT_KEEPALIVE_S when 0; at least 5; the broker may ask for another. After silence for twice
     * that, and a quarter, it has ended. */
    int keepalive_s;
    int64_t dial_timeout_ms; /* DNS and TCP and TLS and CONNACK together; 15000 when 0 */
    struct diag *diag;
};

/* Begins to connect; `connected` tells the end of it. Texts are copied. */
enum err mqtt_open(struct mqtt **mqtt, struct loop *loop, const struct mqtt_config *config,
                   const struct mqtt_listener *listener, struct fault *fault) MUST_CHECK;
/*
 * Drops the connection at once; no callback comes after. `clean` says DISCONNECT, without waiting
 * for it to arrive; otherwise the broker publishes the will. Takes NULL.
 */
void mqtt_close(struct mqtt *mqtt, bool clean);
/* ERR_CLOSED unless connected; ERR_BUSY when MQTT_IN_FLIGHT_MAX are unacknowledged. *token names it
 * in `published`; QoS 0 gets no callback. */
enum err mqtt_publish(struct mqtt *mqtt, const struct mqtt_message *message, int *token,
                      struct fault *fault) MUST_CHECK;
enum err mqtt_subscribe(struct mqtt *mqtt, const char *filter, int qos, int *token,
                        struct fault *fault) MUST_CHECK;
/* The value of a user property of a message that arrived; NULL if it isn't there. */
const char *mqtt_property_of(const struct mqtt_message *message, const char *name);

#endif
