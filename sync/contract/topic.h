/*
 * MQTT topics: tb/v1/<device>/up/<name...> and tb/v1/<device>/down/<name...>.
 * Device ids are 1 to 64 of [A-Za-z0-9._-], beginning with a letter or digit. Pure; any thread.
 */
#ifndef SYNC_CONTRACT_TOPIC_H
#define SYNC_CONTRACT_TOPIC_H

#include "sync/contract/event.h"

enum { TOPIC_MAX = 160 };

enum topic_direction { TOPIC_UP, TOPIC_DOWN };

struct topic {
    char device[DEVICE_ID_MAX + 1];
    enum topic_direction direction;
    const char *name; /* "events", "ack/returns"; points into the text that was read */
};

bool device_id_valid(struct slice text);
/* Writes the topic with a NUL; `name` is at most 64 bytes. */
void topic_write(char out[static TOPIC_MAX], const char *device, enum topic_direction direction,
                 const char *name);
enum err topic_read(const char *text, struct topic *topic) MUST_CHECK;

#endif
