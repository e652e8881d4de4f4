#include "sync/hub/wire.h"
#include "hal/base/hex.h"
#include "hal/base/random.h"
#include "sync/contract/compression.h"
#include "sync/contract/topic.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    DIAL_TIMEOUT_MS = 5000,
    RETRY_LEAST_MS = 200,
    RETRY_SPREAD_MS = 800,
    UNTAKEN_MAX = 2000, /* answers on their way to the broker */
    NONCE_BYTES = 16,
};

static const char all[] = "tb/v1/+/up/#";

struct wire {
    struct loop *loop;
    struct wire_config config;
    struct mqtt *mqtt;
    char client_id[DEVICE_ID_MAX + 1];
    struct loop_timer *timer; /* to the next try */
    bool connected;
    bool online; /* connected and subscribed */
    int token;   /* of the subscription that completes it */
    enum err last;
    int64_t untaken;
    int64_t dropped;
};

static void try_again(struct wire *wire, const struct fault *fault)
{
    uint32_t random;
    random_fill(NULL, (uint8_t *)&random, sizeof random);
    if (wire->connected || wire->last != fault->code)
        diag_fault(wire->config.diag, DIAG_WARN, "hub.broker_away", fault);
    wire->last = fault->code;
    wire->connected = false;
    wire->online = false;
    mqtt_close(wire->mqtt, false);
    wire->mqtt = NULL;
    loop_timer_start(wire->timer, RETRY_LEAST_MS + random % RETRY_SPREAD_MS, 0);
}

static enum err join(struct wire *wire, const char *filter, struct fault *fault)
{
    char shared[TOPIC_MAX];
    (void)snprintf(shared, sizeof shared, "$share/%s/%s", wire->config.group, filter);
    return mqtt_subscribe(wire->mqtt, shared, 1, &wire->token, fault);
}

static void on_connected(void *context, enum err err, const struct fault *fault)
{
    struct wire *wire = context;
    struct fault why;
    if (err) {
        try_again(wire, fault);
        return;
    }
    wire->connected = true;
    wire->untaken = 0;
    if (wire->config.filter)
        err = join(wire, wire->config.filter, &why);
    if (!err)
        err = join(wire, all, &why);
    if (err)
        try_again(wire, &why);
}

static void on_subscribed(void *context, int token, enum err err)
{
    struct wire *wire = context;
    struct fault fault;
    if (err) {
        (void)fault_set(&fault, err, all, "the broker refused the subscription");
        try_again(wire, &fault);
        return;
    }
    if (token != wire->token)
        return;
    wire->online = true;
    wire->last = ERR_OK;
    diag_write(wire->config.diag, DIAG_INFO, "hub.subscribed", "as %s", wire->client_id);
    wire->config.subscribed(wire->config.context);
}

static void on_message(void *context, const struct mqtt_message *message)
{
    struct wire *wire = context;
    wire->config.message(wire->config.context, message);
}

static void on_published(void *context, int token, int reason)
{
    (void)token;
    (void)reason;
    struct wire *wire = context;
    wire->untaken--;
}

static void on_disconnected(void *context, enum err err, const struct fault *fault)
{
    (void)err;
    try_again(context, fault);
}

/* Where strangers may take any name, ours is one that they can't guess. */
static void choose_id(struct wire *wire)
{
    uint8_t nonce[NONCE_BYTES];
    char text[2 * NONCE_BYTES + 1];
    random_fill(NULL, nonce, sizeof nonce);
    hex_encode(nonce, sizeof nonce, text);
    if (wire->config.client_id)
        (void)snprintf(wire->client_id, sizeof wire->client_id, "%s", wire->config.client_id);
    else
        (void)snprintf(wire->client_id, sizeof wire->client_id, "hub-%s", text);
}

static void begin(void *context)
{
    struct wire *wire = context;
    struct fault fault = {0};
    choose_id(wire);
    const struct mqtt_config config = {
        .url = wire->config.url,
        .proxy = wire->config.proxy,
        .tls = wire->config.tls,
        .client_id = wire->client_id,
        .runtime_folder = wire->config.runtime_folder,
        .dial_timeout_ms = DIAL_TIMEOUT_MS,
        .diag = wire->config.diag,
    };
    const struct mqtt_listener listener = {on_connected,  on_message,      on_published,
                                           on_subscribed, on_disconnected, wire};
    if (mqtt_open(&wire->mqtt, wire->loop, &config, &listener, &fault) != ERR_OK) {
        wire->mqtt = NULL;
        try_again(wire, &fault);
    }
}

enum err wire_open(struct wire **out, struct loop *loop, const struct wire_config *config,
                   struct fault *fault)
{
    struct wire *wire = calloc(1, sizeof *wire);
    if (!wire)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    wire->loop = loop;
    wire->config = *config;
    wire->timer = loop_timer_open(loop, begin, wire);
    if (!wire->timer) {
        free(wire);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    loop_timer_start(wire->timer, 0, 0);
    *out = wire;
    return ERR_OK;
}

void wire_close(struct wire *wire)
{
    if (!wire)
        return;
    mqtt_close(wire->mqtt, true);
    loop_timer_close(wire->timer);
    free(wire);
}

void wire_use_tls(struct wire *wire, struct tls_context *tls)
{
    wire->config.tls = tls;
    if (wire->connected || !wire->mqtt)
        return;
    mqtt_close(wire->mqtt, false); /* it was being made with the one before */
    wire->mqtt = NULL;
    loop_timer_start(wire->timer, 0, 0);
}

bool wire_online(const struct wire *wire)
{
    return wire->online;
}

bool wire_has_room(const struct wire *wire)
{
    return wire->online && wire->untaken < UNTAKEN_MAX / 2;
}

int64_t wire_dropped(const struct wire *wire)
{
    return wire->dropped;
}

struct properties {
    struct mqtt_property list[MQTT_PROPERTIES_MAX];
    char values[MQTT_PROPERTIES_MAX][SHA256_TEXT + 1];
    size_t count;
};

static void put_property(void *context, const char *name, const char *value)
{
    struct properties *properties = context;
    size_t i = properties->count++;
    (void)snprintf(properties->values[i], sizeof properties->values[i], "%s", value);
    properties->list[i] = (struct mqtt_property){name, properties->values[i]};
}

static const char *content_type(const struct arrival_answer *answer)
{
    bool several = answer->batch || answer->place.last > answer->place.number;
    return several                ? "application/cloudevents-batch+json"
           : answer->place.number ? "application/cloudevents+json"
                                  : "application/json";
}

static enum err publish(struct wire *wire, const struct arrival_answer *answer, struct fault *fault)
{
    char topic[TOPIC_MAX];
    struct properties properties = {.count = 0};
    int token;
    topic_write(topic, answer->device, TOPIC_DOWN, answer->name);
    if (answer->place.number)
        inbox_place_write(&answer->place, put_property, &properties);
    if (answer->batch)
        batch_header_write(answer->batch, put_property, &properties);
    if (answer->packed)
        put_property(&properties, "content-encoding", COMPRESSION_NAME);
    const struct mqtt_message message = {
        .topic = topic,
        .payload = answer->payload,
        .retain = answer->retain,
        .qos = 1,
        .content_type = content_type(answer),
        .correlation = answer->correlation,
        .response_topic = answer->response_topic,
        .expiry_s = answer->expiry_s,
        .properties = properties.list,
        .property_count = properties.count,
    };
    return mqtt_publish(wire->mqtt, &message, &token, fault);
}

void wire_answer(struct wire *wire, const struct arrival_answer *answer)
{
    struct fault fault;
    if (wire->connected && wire->untaken < UNTAKEN_MAX && publish(wire, answer, &fault) == ERR_OK)
        wire->untaken++;
    else
        wire->dropped++;
}
