#include "sync/transport/mqtt_words.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>

static enum err code_of_reason(int reason)
{
    switch (reason) {
    case MQTT_RC_NOT_AUTHORIZED:
    case MQTT_RC_BAD_USERNAME_OR_PASSWORD:
    case MQTT_RC_CLIENTID_NOT_VALID:
    case MQTT_RC_BANNED:
        return ERR_FORBIDDEN;
    case MQTT_RC_SERVER_UNAVAILABLE:
    case MQTT_RC_SERVER_BUSY:
    case MQTT_RC_QUOTA_EXCEEDED:
        return ERR_BUSY;
    default:
        return ERR_CLOSED;
    }
}

enum err mqtt_words_reason(int reason, bool was_connected, struct fault *fault)
{
    return fault_set(fault, code_of_reason(reason), "", "the broker %s: %s (0x%02x)",
                     was_connected ? "ended the connection" : "refused",
                     mosquitto_reason_string(reason), (unsigned)reason);
}

enum err mqtt_words_end(int code, int keepalive_s, struct fault *fault)
{
    switch (code) {
    case MOSQ_ERR_KEEPALIVE:
        return fault_set(fault, ERR_TIMEOUT, "", "the broker was silent for more than %d s",
                         keepalive_s);
    case MOSQ_ERR_SUCCESS:
    case MOSQ_ERR_CONN_LOST:
    case MOSQ_ERR_NO_CONN:
        return fault_set(fault, ERR_CLOSED, "", "the broker closed the connection");
    case MOSQ_ERR_ERRNO:
        return fault_set(fault, ERR_CLOSED, "", "the connection to the broker failed");
    default:
        return fault_set(fault, ERR_CLOSED, "", "MQTT with the broker: %s",
                         mosquitto_strerror(code));
    }
}

enum err mqtt_words_call(int code, struct fault *fault)
{
    switch (code) {
    case MOSQ_ERR_NOMEM:
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    case MOSQ_ERR_OVERSIZE_PACKET:
    case MOSQ_ERR_PAYLOAD_SIZE:
        return fault_set(fault, ERR_TOO_LARGE, "payload", "larger than the broker takes");
    case MOSQ_ERR_INVAL:
    case MOSQ_ERR_MALFORMED_UTF8:
    case MOSQ_ERR_MALFORMED_PACKET:
    case MOSQ_ERR_DUPLICATE_PROPERTY:
    case MOSQ_ERR_QOS_NOT_SUPPORTED:
    case MOSQ_ERR_RETAIN_NOT_SUPPORTED:
        return fault_set(fault, ERR_INVALID, "", "%s", mosquitto_strerror(code));
    default:
        return fault_set(fault, ERR_CLOSED, "", "%s", mosquitto_strerror(code));
    }
}
