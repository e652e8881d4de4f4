#include "sync/transport/mqtt.h"

#include "sync/transport/dial.h"
#include "sync/transport/handover.h"
#include "sync/transport/mqtt_properties.h"
#include "sync/transport/mqtt_words.h"
#include "sync/transport/relay.h"

#include <assert.h>
#include <errno.h>
#include <mqtt_protocol.h>
#include <stdlib.h>
#include <string.h>

enum {
    DIAL_TIMEOUT_MS = 15000,
    LATER_MS = 100, /* than the dial's own limit, which knows better where it hangs */
    LOOKS = 4,      /* of libmosquitto's at how long nothing was heard or said, in a keepalive */
    PORT_MQTTS = 8883,
    PORT_PROXY = 3128,
    PACKETS_AT_ONCE = 64,
    MESSAGE_IDS = 65536,
    /* Topic and properties besides the payload. */
    PACKET_MAX = MQTT_PAYLOAD_MAX + 128 * 1024,
};

enum mqtt_phase { PHASE_DIALLING, PHASE_JOINING, PHASE_CONNECTED, PHASE_OVER };

struct mqtt {
    struct loop *loop;
    struct diag *diag;
    struct mqtt_listener listener;
    enum mqtt_phase phase;
    struct mosquitto *client;
    char *runtime_folder;
    int keepalive_s;
    struct dial *dial;
    struct relay *relay;
    struct loop_poll *poll; /* libmosquitto's end of the Unix socket */
    struct loop_timer *limit;
    struct loop_timer *misc; /* libmosquitto asks the broker, or gives it up */
    int broken; /* libmosquitto's error met inside a call of the owner's; told by the loop */
    int reason; /* what the broker gave: CONNACK's or DISCONNECT's, 0x80 and above; 0: none */
    unsigned entered;
    bool closed; /* torn down when the last callback of ours returns */
    bool says_goodbye;
    size_t in_flight;
    uint8_t waiting[MESSAGE_IDS / 8]; /* QoS 1 message ids without their PUBACK */
};

/* Not within a callback of libmosquitto's: there it would deadlock, or not write DISCONNECT. */
static void tear_down(struct mqtt *mqtt)
{
    loop_poll_close(mqtt->poll);
    if (mqtt->says_goodbye) {
        (void)mosquitto_disconnect_v5(mqtt->client, MQTT_RC_NORMAL_DISCONNECTION, NULL);
        relay_flush(mqtt->relay);
    }
    dial_close(mqtt->dial);
    relay_close(mqtt->relay);
    loop_timer_close(mqtt->limit);
    loop_timer_close(mqtt->misc);
    mosquitto_destroy(mqtt->client);
    (void)mosquitto_lib_cleanup();
    free(mqtt->runtime_folder);
    free(mqtt);
}

static void leave(struct mqtt *mqtt)
{
    if (--mqtt->entered == 0 && mqtt->closed)
        tear_down(mqtt);
}

/* The end, told once, by the callback that fits the phase. */
static void end(struct mqtt *mqtt, enum err err, const struct fault *fault)
{
    if (mqtt->phase == PHASE_OVER || mqtt->closed)
        return;
    enum mqtt_phase phase = mqtt->phase;
    mqtt->phase = PHASE_OVER;
    loop_timer_stop(mqtt->limit);
    loop_timer_stop(mqtt->misc);
    loop_poll_close(mqtt->poll);
    mqtt->poll = NULL;
    if (phase == PHASE_CONNECTED)
        mqtt->listener.disconnected(mqtt->listener.context, err, fault);
    else
        mqtt->listener.connected(mqtt->listener.context, err, fault);
}

/* What libmosquitto says is the last to know: TLS and the broker's reason come first. */
static void end_for(struct mqtt *mqtt, int code)
{
    struct fault fault;
    if (mqtt->relay && relay_fault(mqtt->relay)->code) {
        fault = *relay_fault(mqtt->relay);
        (void)fault_wrap(&fault, fault.code, "the connection to the broker");
    } else if (mqtt->reason) {
        (void)mqtt_words_reason(mqtt->reason, mqtt->phase == PHASE_CONNECTED, &fault);
    } else {
        (void)mqtt_words_end(code, mqtt->keepalive_s, &fault);
    }
    end(mqtt, fault.code, &fault);
}

/* To be called after whatever libmosquitto did: its wish to write changes with every call. */
static void update_poll(struct mqtt *mqtt)
{
    if (mqtt->poll)
        loop_poll_want(mqtt->poll,
                       LOOP_READ | (mosquitto_want_write(mqtt->client) ? LOOP_WRITE : 0u));
}

static void watch_silence(struct mqtt *mqtt)
{
    const int64_t every_ms = (int64_t)mqtt->keepalive_s * 1000 / LOOKS;
    loop_timer_start(mqtt->misc, every_ms, every_ms);
}

static void settle(struct mqtt *mqtt, int code)
{
    if (mqtt->closed || mqtt->phase == PHASE_OVER)
        return;
    if (code != MOSQ_ERR_SUCCESS || mosquitto_socket(mqtt->client) < 0)
        end_for(mqtt, code);
    else
        update_poll(mqtt);
}

/* --- What libmosquitto calls ----------------------------------------------------------------- */

static void on_connect(struct mosquitto *client, void *context, int reason, int flags,
                       const mosquitto_property *properties)
{
    (void)client;
    (void)flags;
    struct mqtt *mqtt = context;
    if (mqtt->closed || mqtt->phase != PHASE_JOINING)
        return;
    mqtt->reason = reason;
    if (reason)
        return;      /* loop_read fails next, and that ends it */
    uint16_t wanted; /* the broker's word counts, and libmosquitto heeds it */
    if (mosquitto_property_read_int16(properties, MQTT_PROP_SERVER_KEEP_ALIVE, &wanted, false)) {
        mqtt->keepalive_s = wanted;
        watch_silence(mqtt);
    }
    mqtt->phase = PHASE_CONNECTED;
    loop_timer_stop(mqtt->limit);
    mqtt->listener.connected(mqtt->listener.context, ERR_OK, NULL);
}

static void on_disconnect(struct mosquitto *client, void *context, int reason,
                          const mosquitto_property *properties)
{
    (void)client;
    (void)properties;
    struct mqtt *mqtt = context;
    if (reason >= MQTT_RC_UNSPECIFIED) /* below, it is libmosquitto's own code */
        mqtt->reason = reason;
}

static void on_message(struct mosquitto *client, void *context,
                       const struct mosquitto_message *arrived, const mosquitto_property *list)
{
    (void)client;
    struct mqtt *mqtt = context;
    if (mqtt->closed || mqtt->phase != PHASE_CONNECTED)
        return;
    if (arrived->payloadlen > MQTT_PAYLOAD_MAX) {
        diag_write(mqtt->diag, DIAG_WARN, "mqtt.too_large",
                   "a message of %d bytes on %s is dropped", arrived->payloadlen, arrived->topic);
        return;
    }
    struct mqtt_message message = {
        .topic = arrived->topic,
        .payload = {.data = arrived->payload, .len = (size_t)arrived->payloadlen},
        .retain = arrived->retain,
        .qos = arrived->qos,
    };
    struct mqtt_properties properties;
    mqtt_properties_read(list, &properties, &message);
    mqtt->listener.message(mqtt->listener.context, &message);
    mqtt_properties_free(&properties);
}

static bool is_waiting(const struct mqtt *mqtt, int id)
{
    return mqtt->waiting[id / 8] & 1u << id % 8;
}

static void flip_waiting(struct mqtt *mqtt, int id)
{
    mqtt->waiting[id / 8] = (uint8_t)(mqtt->waiting[id / 8] ^ 1u << id % 8);
}

static void on_publish(struct mosquitto *client, void *context, int id, int reason,
                       const mosquitto_property *properties)
{
    (void)client;
    (void)properties;
    struct mqtt *mqtt = context;
    /* For QoS 0 it is called too, once written. */
    if (id < 0 || id >= MESSAGE_IDS || !is_waiting(mqtt, id))
        return;
    flip_waiting(mqtt, id);
    mqtt->in_flight--;
    if (!mqtt->closed && mqtt->phase == PHASE_CONNECTED && mqtt->listener.published)
        mqtt->listener.published(mqtt->listener.context, id, reason);
}

static void on_subscribe(struct mosquitto *client, void *context, int id, int count,
                         const int *granted, const mosquitto_property *properties)
{
    (void)client;
    (void)properties;
    struct mqtt *mqtt = context;
    if (mqtt->closed || mqtt->phase != PHASE_CONNECTED || !mqtt->listener.subscribed)
        return;
    bool refused = count < 1 || granted[0] >= MQTT_RC_UNSPECIFIED;
    mqtt->listener.subscribed(mqtt->listener.context, id, refused ? ERR_FORBIDDEN : ERR_OK);
}

/* --- What the loop calls --------------------------------------------------------------------- */

static void on_socket(void *context, unsigned ready)
{
    struct mqtt *mqtt = context;
    mqtt->entered++;
    int code = MOSQ_ERR_SUCCESS;
    if (ready & (LOOP_READ | LOOP_HANGUP))
        code = mosquitto_loop_read(mqtt->client, PACKETS_AT_ONCE);
    if (!code && !mqtt->closed && mosquitto_want_write(mqtt->client))
        code = mosquitto_loop_write(mqtt->client, PACKETS_AT_ONCE);
    settle(mqtt, code);
    leave(mqtt);
}

static void on_misc(void *context)
{
    struct mqtt *mqtt = context;
    mqtt->entered++;
    settle(mqtt, mqtt->broken ? mqtt->broken : mosquitto_loop_misc(mqtt->client));
    leave(mqtt);
}

static void on_limit(void *context)
{
    struct mqtt *mqtt = context;
    mqtt->entered++;
    struct fault fault;
    (void)fault_set(&fault, ERR_TIMEOUT, "", "the broker didn't answer CONNECT in time");
    end(mqtt, ERR_TIMEOUT, &fault);
    leave(mqtt);
}

static void on_relay_ended(void *context, enum err err, const struct fault *fault)
{
    (void)err;
    (void)fault;
    struct mqtt *mqtt = context;
    mqtt->entered++;
    end_for(mqtt, MOSQ_ERR_CONN_LOST);
    leave(mqtt);
}

/* --- Joining --------------------------------------------------------------------------------- */

static int connect_client(struct mqtt *mqtt, const char *path)
{
    mosquitto_property *properties = NULL;
    int code = mosquitto_property_add_int32(&properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, PACKET_MAX);
    if (!code)
        code =
            mosquitto_connect_bind_v5(mqtt->client, path, 0, mqtt->keepalive_s, NULL, properties);
    mosquitto_property_free_all(&properties);
    return code;
}

/* libmosquitto's connect only needs our backlog, so it returns at once; then it is accepted. */
static enum err hand_over(struct mqtt *mqtt, int *fd, struct fault *fault)
{
    struct handover handover;
    enum err err = handover_open(&handover, mqtt->runtime_folder, fault);
    if (err)
        return err;
    int code = connect_client(mqtt, handover.address.sun_path);
    if (code)
        err = fault_set(fault, ERR_IO, "", "starting MQTT: %s", mosquitto_strerror(code));
    if (!err)
        err = handover_accept(&handover, fd, fault);
    handover_close(&handover);
    return err;
}

static enum err join(struct mqtt *mqtt, struct tls_stream *stream, struct fault *fault)
{
    int fd;
    enum err err = hand_over(mqtt, &fd, fault);
    if (err) {
        tls_stream_close(stream);
        return err;
    }
    err = relay_open(&mqtt->relay, mqtt->loop, stream, fd, on_relay_ended, mqtt, fault);
    if (!err)
        err = loop_poll_open(mqtt->loop, mosquitto_socket(mqtt->client), on_socket, mqtt,
                             &mqtt->poll, fault);
    if (err)
        return err;
    mqtt->phase = PHASE_JOINING;
    watch_silence(mqtt);
    update_poll(mqtt);
    return ERR_OK;
}

static void on_dialled(void *context, struct tls_stream *stream, const struct fault *why)
{
    struct mqtt *mqtt = context;
    mqtt->entered++;
    struct fault fault;
    if (!stream)
        end(mqtt, why->code, why);
    else if (join(mqtt, stream, &fault))
        end(mqtt, fault.code, &fault);
    leave(mqtt);
}

static enum err set_will(struct mqtt *mqtt, const struct mqtt_message *will, struct fault *fault)
{
    mosquitto_property *properties;
    enum err err = mqtt_properties_make(will, &properties, fault);
    if (err)
        return err;
    int code = mosquitto_will_set_v5(mqtt->client, will->topic, (int)will->payload.len,
                                     will->payload.data, will->qos, will->retain, properties);
    if (!code)
        return ERR_OK; /* the properties are libmosquitto's now */
    mosquitto_property_free_all(&properties);
    return fault_set(fault, ERR_INVALID, "will", "%s", mosquitto_strerror(code));
}

static enum err make_client(struct mqtt *mqtt, const struct mqtt_config *config,
                            struct fault *fault)
{
    mqtt->client = mosquitto_new(config->client_id, true, mqtt);
    if (!mqtt->client)
        return errno == ENOMEM ? fault_set(fault, ERR_NO_MEMORY, "", "out of memory")
                               : fault_set(fault, ERR_INVALID, "client_id", "not a client id");
    (void)mosquitto_int_option(mqtt->client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
    (void)mosquitto_int_option(mqtt->client, MOSQ_OPT_SEND_MAXIMUM, MQTT_IN_FLIGHT_MAX);
    mosquitto_connect_v5_callback_set(mqtt->client, on_connect);
    mosquitto_disconnect_v5_callback_set(mqtt->client, on_disconnect);
    mosquitto_message_v5_callback_set(mqtt->client, on_message);
    mosquitto_publish_v5_callback_set(mqtt->client, on_publish);
    mosquitto_subscribe_v5_callback_set(mqtt->client, on_subscribe);
    return config->will ? set_will(mqtt, config->will, fault) : ERR_OK;
}

static enum err begin(struct mqtt *mqtt, const struct mqtt_config *config, struct fault *fault)
{
    struct url url;
    struct url proxy = {0};
    enum err err = url_parse(config->url, "url", PORT_MQTTS, &url, fault);
    if (!err && url.scheme[0] && strcmp(url.scheme, "mqtts") != 0)
        err = fault_set(fault, ERR_INVALID, "url", "only mqtts:// is spoken");
    if (!err && config->proxy)
        err = url_parse(config->proxy, "proxy", PORT_PROXY, &proxy, fault);
    if (!err && config->proxy && proxy.scheme[0] && strcmp(proxy.scheme, "http") != 0)
        err = fault_set(fault, ERR_INVALID, "proxy", "only http:// proxies are spoken to");
    if (!err)
        err = make_client(mqtt, config, fault);
    if (err)
        return err;
    mqtt->runtime_folder = strdup(config->runtime_folder);
    mqtt->limit = loop_timer_open(mqtt->loop, on_limit, mqtt);
    mqtt->misc = loop_timer_open(mqtt->loop, on_misc, mqtt);
    if (!mqtt->runtime_folder || !mqtt->limit || !mqtt->misc)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    int64_t timeout_ms = config->dial_timeout_ms ? config->dial_timeout_ms : DIAL_TIMEOUT_MS;
    err = dial_open(&mqtt->dial, mqtt->loop,
                    &(struct dial_config){.host = url.host,
                                          .port = url.port,
                                          .proxy = config->proxy ? &proxy : NULL,
                                          .tls = config->tls,
                                          .timeout_ms = timeout_ms},
                    on_dialled, mqtt, fault);
    if (!err)
        loop_timer_start(mqtt->limit, timeout_ms + LATER_MS, 0);
    return err;
}

enum err mqtt_open(struct mqtt **out, struct loop *loop, const struct mqtt_config *config,
                   const struct mqtt_listener *listener, struct fault *fault)
{
    struct mqtt *mqtt = calloc(1, sizeof *mqtt);
    if (!mqtt)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    mqtt->loop = loop;
    mqtt->listener = *listener;
    mqtt->diag = config->diag;
    mqtt->keepalive_s = config->keepalive_s ? config->keepalive_s : MQTT_KEEPALIVE_S;
    (void)mosquitto_lib_init();
    enum err err = begin(mqtt, config, fault);
    if (err) {
        mqtt_close(mqtt, false);
        return err;
    }
    *out = mqtt;
    return ERR_OK;
}

void mqtt_close(struct mqtt *mqtt, bool clean)
{
    if (!mqtt || mqtt->closed)
        return;
    mqtt->closed = true;
    mqtt->says_goodbye = clean && mqtt->phase == PHASE_CONNECTED;
    if (mqtt->entered == 0)
        tear_down(mqtt);
}

/* --- Talking --------------------------------------------------------------------------------- */

static enum err refuse(struct mqtt *mqtt, int code, struct fault *fault)
{
    enum err err = mqtt_words_call(code, fault);
    if (err == ERR_CLOSED) {
        mqtt->broken = code;
        loop_timer_start(mqtt->misc, 0, 0);
    }
    return err;
}

static bool can_talk(const struct mqtt *mqtt)
{
    return mqtt->phase == PHASE_CONNECTED && !mqtt->closed && !mqtt->broken;
}

enum err mqtt_publish(struct mqtt *mqtt, const struct mqtt_message *message, int *token,
                      struct fault *fault)
{
    if (!can_talk(mqtt))
        return fault_set(fault, ERR_CLOSED, "", "not connected to the broker");
    if (message->payload.len > MQTT_PAYLOAD_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "payload", "larger than %d bytes", MQTT_PAYLOAD_MAX);
    if (message->qos > 0 && mqtt->in_flight >= MQTT_IN_FLIGHT_MAX)
        return fault_set(fault, ERR_BUSY, "", "%d publishes wait for their PUBACK",
                         MQTT_IN_FLIGHT_MAX);
    mosquitto_property *properties;
    enum err err = mqtt_properties_make(message, &properties, fault);
    if (err)
        return err;
    int id = 0;
    int code =
        mosquitto_publish_v5(mqtt->client, &id, message->topic, (int)message->payload.len,
                             message->payload.data, message->qos, message->retain, properties);
    mosquitto_property_free_all(&properties);
    /* Ids wrap without a look at those in use; 65,535 publishes later the connection is hopeless.
     */
    if (!code && message->qos > 0 && is_waiting(mqtt, id))
        code = MOSQ_ERR_PROTOCOL;
    if (code)
        return refuse(mqtt, code, fault);
    if (message->qos > 0) {
        flip_waiting(mqtt, id);
        mqtt->in_flight++;
    }
    update_poll(mqtt);
    if (token)
        *token = id;
    return ERR_OK;
}

enum err mqtt_subscribe(struct mqtt *mqtt, const char *filter, int qos, int *token,
                        struct fault *fault)
{
    if (!can_talk(mqtt))
        return fault_set(fault, ERR_CLOSED, "", "not connected to the broker");
    int id = 0;
    int code = mosquitto_subscribe_v5(mqtt->client, &id, filter, qos, 0, NULL);
    if (code)
        return refuse(mqtt, code, fault);
    update_poll(mqtt);
    if (token)
        *token = id;
    return ERR_OK;
}

const char *mqtt_property_of(const struct mqtt_message *message, const char *name)
{
    for (size_t i = 0; i < message->property_count; i++)
        if (strcmp(message->properties[i].name, name) == 0)
            return message->properties[i].value;
    return NULL;
}
