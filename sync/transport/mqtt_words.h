/* What libmosquitto and the broker say when something fails, as our faults. Pure. */
#ifndef SYNC_TRANSPORT_MQTT_WORDS_H
#define SYNC_TRANSPORT_MQTT_WORDS_H

#include "hal/base/fault.h"

/* A reason code of CONNACK or DISCONNECT (MQTT 5, section 2.4), 0x80 and above. */
enum err mqtt_words_reason(int reason, bool was_connected, struct fault *fault);
/* libmosquitto's own code at the end of a connection. */
enum err mqtt_words_end(int code, int keepalive_s, struct fault *fault);
/* libmosquitto's answer to a publish or subscribe; ERR_CLOSED when the connection is done for. */
enum err mqtt_words_call(int code, struct fault *fault);

#endif
