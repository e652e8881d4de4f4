/*
 * MQTT 5 properties of a PUBLISH or will: our message's side and libmosquitto's, each made from
 * the other. For mqtt.c alone.
 */
#ifndef SYNC_TRANSPORT_MQTT_PROPERTIES_H
#define SYNC_TRANSPORT_MQTT_PROPERTIES_H

#include "sync/transport/mqtt.h"

#include <mosquitto.h>

/* The list is the caller's: mosquitto_property_free_all. */
enum err mqtt_properties_make(const struct mqtt_message *message, mosquitto_property **list,
                              struct fault *fault) MUST_CHECK;

/* What mqtt_properties_read allocated for a message that arrived. */
struct mqtt_properties {
    struct mqtt_property user[MQTT_PROPERTIES_MAX];
    size_t count;
    void *owned[2 * MQTT_PROPERTIES_MAX + 3];
    size_t owned_count;
};

/* Fills the message's members; they point into `properties`, up to mqtt_properties_free. */
void mqtt_properties_read(const mosquitto_property *list, struct mqtt_properties *properties,
                          struct mqtt_message *message);
void mqtt_properties_free(struct mqtt_properties *properties);

#endif
