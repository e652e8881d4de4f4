#include "tests/support/mqtt_house.h"
#include "tests/support/await.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

void mqtt_house_open(struct mqtt_house *house)
{
    tls_pki_make(&house->pki);
    tls_pki_path(&house->pki, "run", house->runtime_folder);
    assert_int_equal(mkdir(house->runtime_folder, 0700), 0);
    broker_start(&house->broker, &house->pki, "server", NULL);
    assert_int_equal(loop_open(&house->loop, NULL), ERR_OK);
}

void mqtt_house_close(struct mqtt_house *house)
{
    loop_close(house->loop);
    broker_kill(&house->broker);
    tls_pki_remove(&house->pki);
}

static void on_connected(void *context, enum err err, const struct fault *fault)
{
    struct mqtt_guest *guest = context;
    assert_false(guest->connected);
    guest->connected = true;
    guest->connect_err = err;
    if (err)
        guest->fault = *fault;
}

static void keep(char out[MQTT_GUEST_TEXT_MAX], const char *text)
{
    (void)snprintf(out, MQTT_GUEST_TEXT_MAX, "%s", text ? text : "");
}

static void on_message(void *context, const struct mqtt_message *message)
{
    struct mqtt_guest *guest = context;
    guest->messages++;
    keep(guest->topic, message->topic);
    guest->payload_len = message->payload.len;
    (void)snprintf(guest->payload, MQTT_GUEST_TEXT_MAX, "%.*s",
                   message->payload.len < MQTT_GUEST_TEXT_MAX ? (int)message->payload.len
                                                              : MQTT_GUEST_TEXT_MAX,
                   message->payload.data);
    guest->retain = message->retain;
    keep(guest->content_type, message->content_type);
    keep(guest->response_topic, message->response_topic);
    (void)snprintf(guest->correlation, MQTT_GUEST_TEXT_MAX, "%.*s", (int)message->correlation.len,
                   message->correlation.data ? message->correlation.data : "");
    keep(guest->log_id, mqtt_property_of(message, "log_id"));
    keep(guest->hash, mqtt_property_of(message, "hash"));
    guest->property_count = message->property_count;
    guest->expiry_s = message->expiry_s;
    if (guest->closes_when_told) {
        mqtt_close(guest->mqtt, true);
        guest->mqtt = NULL;
    }
}

static void on_published(void *context, int token, int reason)
{
    struct mqtt_guest *guest = context;
    guest->published++;
    guest->published_token = token;
    guest->published_reason = reason;
}

static void on_subscribed(void *context, int token, enum err err)
{
    (void)token;
    struct mqtt_guest *guest = context;
    assert_int_equal(err, ERR_OK);
    guest->subscribed = true;
}

static void on_disconnected(void *context, enum err err, const struct fault *fault)
{
    struct mqtt_guest *guest = context;
    assert_false(guest->disconnected);
    assert_int_equal(err, fault->code);
    guest->disconnected = true;
    guest->fault = *fault;
}

void mqtt_guest_begin(struct mqtt_house *house, struct mqtt_guest *guest, const char *name,
                      struct mqtt_config config)
{
    struct fault fault;
    *guest =
        (struct mqtt_guest){.house = house, .tls = tls_pki_context(&house->pki, TLS_CLIENT, name)};
    config.url = config.url ? config.url : house->broker.url;
    config.tls = guest->tls;
    config.client_id = config.client_id ? config.client_id : name ? name : "nobody";
    config.runtime_folder = house->runtime_folder;
    if (mqtt_open(&guest->mqtt, house->loop, &config,
                  &(struct mqtt_listener){.connected = on_connected,
                                          .message = on_message,
                                          .published = on_published,
                                          .subscribed = on_subscribed,
                                          .disconnected = on_disconnected,
                                          .context = guest},
                  &fault))
        fail_msg("%s: %s", fault.where, fault.text);
}

void mqtt_guest_finish(struct mqtt_guest *guest, bool clean)
{
    mqtt_close(guest->mqtt, clean);
    guest->mqtt = NULL;
    tls_context_close(guest->tls);
    guest->tls = NULL;
}

void mqtt_guest_join(struct mqtt_house *house, struct mqtt_guest *guest, const char *name)
{
    mqtt_guest_begin(house, guest, name, (struct mqtt_config){0});
    assert_true(await_flag(house->loop, &guest->connected, AWAIT_MS));
    if (guest->connect_err)
        fail_msg("%s", guest->fault.text);
}

void mqtt_guest_subscribe(struct mqtt_guest *guest, const char *filter)
{
    int token;
    guest->subscribed = false;
    assert_int_equal(mqtt_subscribe(guest->mqtt, filter, 1, &token, NULL), ERR_OK);
    assert_true(await_flag(guest->house->loop, &guest->subscribed, AWAIT_MS));
}

int mqtt_guest_publish(struct mqtt_guest *guest, struct mqtt_message message)
{
    struct fault fault;
    int token = 0;
    if (mqtt_publish(guest->mqtt, &message, &token, &fault))
        fail_msg("%s", fault.text);
    return token;
}

bool mqtt_guest_published(void *context)
{
    const struct mqtt_guest *guest = context;
    return guest->published > 0;
}

bool mqtt_guest_has_message(void *context)
{
    const struct mqtt_guest *guest = context;
    return guest->messages > 0;
}

void mqtt_guest_assert_words(const struct mqtt_guest *guest, const char *words)
{
    if (!strstr(guest->fault.text, words))
        fail_msg("\"%s\" isn't in \"%s\"", words, guest->fault.text);
}
