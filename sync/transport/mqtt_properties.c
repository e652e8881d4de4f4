#include "sync/transport/mqtt_properties.h"

#include <mqtt_protocol.h>
#include <stdlib.h>

enum { CORRELATION_MAX = 65535 };

enum err mqtt_properties_make(const struct mqtt_message *message, mosquitto_property **out,
                              struct fault *fault)
{
    mosquitto_property *list = NULL;
    int code = MOSQ_ERR_SUCCESS;
    if (message->correlation.len > CORRELATION_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "correlation", "longer than %d bytes",
                         CORRELATION_MAX);
    if (message->content_type)
        code = mosquitto_property_add_string(&list, MQTT_PROP_CONTENT_TYPE, message->content_type);
    if (!code && message->response_topic)
        code =
            mosquitto_property_add_string(&list, MQTT_PROP_RESPONSE_TOPIC, message->response_topic);
    if (!code && message->correlation.len)
        code = mosquitto_property_add_binary(&list, MQTT_PROP_CORRELATION_DATA,
                                             message->correlation.data,
                                             (uint16_t)message->correlation.len);
    if (!code && message->expiry_s)
        code = mosquitto_property_add_int32(&list, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL,
                                            message->expiry_s);
    for (size_t i = 0; !code && i < message->property_count; i++)
        code = mosquitto_property_add_string_pair(&list, MQTT_PROP_USER_PROPERTY,
                                                  message->properties[i].name,
                                                  message->properties[i].value);
    if (code) {
        mosquitto_property_free_all(&list);
        return fault_set(fault, code == MOSQ_ERR_NOMEM ? ERR_NO_MEMORY : ERR_INVALID, "properties",
                         "%s", mosquitto_strerror(code));
    }
    *out = list;
    return ERR_OK;
}

static void own(struct mqtt_properties *properties, void *allocated)
{
    properties->owned[properties->owned_count++] = allocated;
}

static void read_text(const mosquitto_property *at, int identifier,
                      struct mqtt_properties *properties, const char **text)
{
    char *value;
    /* A second one of a kind would be the broker's protocol error. */
    if (*text || !mosquitto_property_read_string(at, identifier, &value, false))
        return;
    own(properties, value);
    *text = value;
}

static void read_correlation(const mosquitto_property *at, struct mqtt_properties *properties,
                             struct slice *correlation)
{
    void *value;
    uint16_t len;
    if (correlation->data ||
        !mosquitto_property_read_binary(at, MQTT_PROP_CORRELATION_DATA, &value, &len, false))
        return;
    own(properties, value);
    *correlation = (struct slice){.data = value, .len = len};
}

static void read_user(const mosquitto_property *at, struct mqtt_properties *properties)
{
    char *name;
    char *value;
    if (properties->count == MQTT_PROPERTIES_MAX ||
        !mosquitto_property_read_string_pair(at, MQTT_PROP_USER_PROPERTY, &name, &value, false))
        return;
    own(properties, name);
    own(properties, value);
    properties->user[properties->count++] = (struct mqtt_property){.name = name, .value = value};
}

void mqtt_properties_read(const mosquitto_property *list, struct mqtt_properties *properties,
                          struct mqtt_message *message)
{
    properties->count = properties->owned_count = 0;
    for (const mosquitto_property *at = list; at; at = mosquitto_property_next(at)) {
        switch (mosquitto_property_identifier(at)) {
        case MQTT_PROP_CONTENT_TYPE:
            read_text(at, MQTT_PROP_CONTENT_TYPE, properties, &message->content_type);
            break;
        case MQTT_PROP_RESPONSE_TOPIC:
            read_text(at, MQTT_PROP_RESPONSE_TOPIC, properties, &message->response_topic);
            break;
        case MQTT_PROP_CORRELATION_DATA:
            read_correlation(at, properties, &message->correlation);
            break;
        case MQTT_PROP_MESSAGE_EXPIRY_INTERVAL:
            (void)mosquitto_property_read_int32(at, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL,
                                                &message->expiry_s, false);
            break;
        case MQTT_PROP_USER_PROPERTY:
            read_user(at, properties);
            break;
        default:
            break; /* topic aliases and the like are libmosquitto's business */
        }
    }
    message->properties = properties->user;
    message->property_count = properties->count;
}

void mqtt_properties_free(struct mqtt_properties *properties)
{
    for (size_t i = 0; i < properties->owned_count; i++)
        free(properties->owned[i]);
    properties->owned_count = 0;
}
