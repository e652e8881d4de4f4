/*
 * MQTT 5.0 packets (OASIS, mqtt-v5.0-os), as many of them as a simulated appliance needs: what it
 * writes, and what a broker sends it. Pure.
 */
#ifndef TESTS_SIM_PACKET_H
#define TESTS_SIM_PACKET_H

#include "hal/base/buf.h"

#include <stdint.h>

enum packet_type {
    PACKET_CONNACK = 2,
    PACKET_PUBLISH = 3,
    PACKET_PUBACK = 4,
    PACKET_SUBACK = 9,
    PACKET_PINGRESP = 13,
    PACKET_DISCONNECT = 14,
};

void packet_connect(struct buf *out, const char *client_id, uint16_t keepalive_s);
void packet_subscribe(struct buf *out, uint16_t id, const char *filter);
/* QoS 1; `correlation` may be empty. */
void packet_publish(struct buf *out, uint16_t id, const char *topic, struct slice payload,
                    bool retain, struct slice correlation);
void packet_puback(struct buf *out, uint16_t id);
void packet_ping(struct buf *out);
void packet_disconnect(struct buf *out);

struct packet {
    enum packet_type type;
    uint8_t reason; /* of CONNACK, SUBACK, PUBACK, DISCONNECT */
    uint16_t id;    /* of PUBLISH with QoS 1, PUBACK, SUBACK */
    int qos;
    struct slice topic;
    struct slice payload;
    struct slice correlation;
};

/*
 * The first whole packet of `in`; *used is 0 while it isn't whole. ERR_INVALID when it is none.
 * Slices point into `in`.
 */
enum err packet_read(struct slice in, struct packet *packet, size_t *used) MUST_CHECK;

#endif
