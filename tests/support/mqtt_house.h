/*
 * A broker with its PKI, and guests: clients that keep what they were told. Asserts what it does
 * itself.
 */
#ifndef TESTS_SUPPORT_MQTT_HOUSE_H
#define TESTS_SUPPORT_MQTT_HOUSE_H

#include "sync/transport/mqtt.h"
#include "tests/support/broker.h"

enum { MQTT_GUEST_TEXT_MAX = 128 };

struct mqtt_house {
    struct tls_pki pki;
    struct broker broker;
    struct loop *loop;
    char runtime_folder[SCRATCH_PATH_MAX];
};

void mqtt_house_open(struct mqtt_house *house);
void mqtt_house_close(struct mqtt_house *house);

struct mqtt_guest {
    struct mqtt_house *house;
    struct mqtt *mqtt;
    struct tls_context *tls;
    bool connected;
    enum err connect_err;
    bool disconnected;
    struct fault fault;
    int published;
    int published_token;
    int published_reason;
    bool subscribed;
    int messages;
    char topic[MQTT_GUEST_TEXT_MAX];
    char payload[MQTT_GUEST_TEXT_MAX];
    size_t payload_len;
    bool retain;
    char content_type[MQTT_GUEST_TEXT_MAX];
    char response_topic[MQTT_GUEST_TEXT_MAX];
    char correlation[MQTT_GUEST_TEXT_MAX];
    char log_id[MQTT_GUEST_TEXT_MAX];
    char hash[MQTT_GUEST_TEXT_MAX];
    size_t property_count;
    uint32_t expiry_s;
    bool closes_when_told; /* from inside the callbacks */
};

/* Connects as `name`, with its certificate; NULL: none. What `config` leaves out is the house's. */
void mqtt_guest_begin(struct mqtt_house *house, struct mqtt_guest *guest, const char *name,
                      struct mqtt_config config);
/* The same, and waits until it is connected. */
void mqtt_guest_join(struct mqtt_house *house, struct mqtt_guest *guest, const char *name);
/* Waits until the broker has said yes. */
void mqtt_guest_subscribe(struct mqtt_guest *guest, const char *filter);
int mqtt_guest_publish(struct mqtt_guest *guest, struct mqtt_message message); /* its token */
void mqtt_guest_finish(struct mqtt_guest *guest, bool clean);

/* To be awaited; `context` is a guest. */
bool mqtt_guest_published(void *guest);
bool mqtt_guest_has_message(void *guest);
/* Asserts that the words are in why it failed. */
void mqtt_guest_assert_words(const struct mqtt_guest *guest, const char *words);

#endif
