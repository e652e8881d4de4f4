#include "sync/transport/mqtt.h"

#include "tests/support/await.h"
#include "tests/support/broker.h"
#include "tests/support/forwarder.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { BURST = 5000, TEXT_MAX = 128 };

static struct tls_pki pki;
static struct broker broker;
static struct loop *loop;
static char runtime_folder[SCRATCH_PATH_MAX];

/* A client with what it was told. */
struct client {
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
    char topic[TEXT_MAX];
    char payload[TEXT_MAX];
    size_t payload_len;
    bool retain;
    char content_type[TEXT_MAX];
    char response_topic[TEXT_MAX];
    char correlation[TEXT_MAX];
    char log_id[TEXT_MAX];
    char hash[TEXT_MAX];
    size_t property_count;
    uint32_t expiry_s;
    bool closes_when_told; /* from inside the callbacks */
};

static void on_connected(void *context, enum err err, const struct fault *fault)
{
    struct client *client = context;
    assert_false(client->connected);
    client->connected = true;
    client->connect_err = err;
    if (err)
        client->fault = *fault;
}

static void keep(char out[TEXT_MAX], const char *text)
{
    (void)snprintf(out, TEXT_MAX, "%s", text ? text : "");
}

static void on_message(void *context, const struct mqtt_message *message)
{
    struct client *client = context;
    client->messages++;
    keep(client->topic, message->topic);
    client->payload_len = message->payload.len;
    (void)snprintf(client->payload, TEXT_MAX, "%.*s",
                   message->payload.len < TEXT_MAX ? (int)message->payload.len : TEXT_MAX,
                   message->payload.data);
    client->retain = message->retain;
    keep(client->content_type, message->content_type);
    keep(client->response_topic, message->response_topic);
    (void)snprintf(client->correlation, TEXT_MAX, "%.*s", (int)message->correlation.len,
                   message->correlation.data ? message->correlation.data : "");
    keep(client->log_id, mqtt_property_of(message, "log_id"));
    keep(client->hash, mqtt_property_of(message, "hash"));
    client->property_count = message->property_count;
    client->expiry_s = message->expiry_s;
    if (client->closes_when_told) {
        mqtt_close(client->mqtt, true);
        client->mqtt = NULL;
    }
}

static void on_published(void *context, int token, int reason)
{
    struct client *client = context;
    client->published++;
    client->published_token = token;
    client->published_reason = reason;
}

static void on_subscribed(void *context, int token, enum err err)
{
    (void)token;
    struct client *client = context;
    assert_int_equal(err, ERR_OK);
    client->subscribed = true;
}

static void on_disconnected(void *context, enum err err, const struct fault *fault)
{
    struct client *client = context;
    assert_false(client->disconnected);
    assert_int_equal(err, fault->code);
    client->disconnected = true;
    client->fault = *fault;
}

static void begin(struct client *client, const char *name, struct mqtt_config config)
{
    struct fault fault;
    *client = (struct client){.tls = tls_pki_context(&pki, TLS_CLIENT, name)};
    config.url = config.url ? config.url : broker.url;
    config.tls = client->tls;
    config.client_id = config.client_id ? config.client_id : name ? name : "nobody";
    config.runtime_folder = runtime_folder;
    if (mqtt_open(&client->mqtt, loop, &config,
                  &(struct mqtt_listener){.connected = on_connected,
                                          .message = on_message,
                                          .published = on_published,
                                          .subscribed = on_subscribed,
                                          .disconnected = on_disconnected,
                                          .context = client},
                  &fault))
        fail_msg("%s: %s", fault.where, fault.text);
}

static void finish(struct client *client, bool clean)
{
    mqtt_close(client->mqtt, clean);
    client->mqtt = NULL;
    tls_context_close(client->tls);
    client->tls = NULL;
}

static void join(struct client *client, const char *name)
{
    begin(client, name, (struct mqtt_config){0});
    assert_true(await_flag(loop, &client->connected, AWAIT_MS));
    if (client->connect_err)
        fail_msg("%s", client->fault.text);
}

static void subscribe(struct client *client, const char *filter)
{
    int token;
    client->subscribed = false;
    assert_int_equal(mqtt_subscribe(client->mqtt, filter, 1, &token, NULL), ERR_OK);
    assert_true(await_flag(loop, &client->subscribed, AWAIT_MS));
}

static int publish(struct client *client, struct mqtt_message message)
{
    struct fault fault;
    int token = 0;
    if (mqtt_publish(client->mqtt, &message, &token, &fault))
        fail_msg("%s", fault.text);
    return token;
}

static bool was_published(void *context)
{
    const struct client *client = context;
    return client->published > 0;
}

static bool has_message(void *context)
{
    const struct client *client = context;
    return client->messages > 0;
}

static void assert_words(const struct client *client, const char *words)
{
    if (!strstr(client->fault.text, words))
        fail_msg("\"%s\" isn't in \"%s\"", words, client->fault.text);
}

static void publish_is_acknowledged_by_its_token(void **state)
{
    (void)state;
    struct client shop;
    join(&shop, "shop-1");
    int token = publish(&shop, (struct mqtt_message){.topic = "tb/v1/shop-1/up/events",
                                                     .payload = SLICE_LITERAL("[]"),
                                                     .qos = 1});
    assert_true(await(loop, was_published, &shop, AWAIT_MS));
    assert_int_equal(shop.published_token, token);
    assert_true(shop.published_reason < 0x80);
    finish(&shop, true);
}

static void message_arrives_with_all_its_properties(void **state)
{
    (void)state;
    static const struct mqtt_property properties[] = {{"log_id", "0193"}, {"hash", "abc=def"}};
    struct client shop;
    struct client hub;
    join(&hub, "hub");
    subscribe(&hub, "all/events");
    join(&shop, "shop-1");
    publish(&shop, (struct mqtt_message){.topic = "all/events",
                                         .payload = SLICE_LITERAL("[1,2]"),
                                         .qos = 1,
                                         .content_type = "application/cloudevents-batch+json",
                                         .response_topic = "all/reply",
                                         .correlation = SLICE_LITERAL("c-17"),
                                         .expiry_s = 60,
                                         .properties = properties,
                                         .property_count = 2});
    assert_true(await(loop, has_message, &hub, AWAIT_MS));
    assert_string_equal(hub.topic, "all/events");
    assert_string_equal(hub.payload, "[1,2]");
    assert_string_equal(hub.content_type, "application/cloudevents-batch+json");
    assert_string_equal(hub.response_topic, "all/reply");
    assert_string_equal(hub.correlation, "c-17");
    assert_string_equal(hub.log_id, "0193");
    assert_string_equal(hub.hash, "abc=def");
    assert_int_equal(hub.property_count, 2);
    assert_in_range(hub.expiry_s, 55, 60);
    assert_false(hub.retain);
    finish(&shop, true);
    finish(&hub, true);
}

static void qos_0_gets_no_callback(void **state)
{
    (void)state;
    struct client hub;
    join(&hub, "hub");
    subscribe(&hub, "all/quick");
    publish(&hub, (struct mqtt_message){.topic = "all/quick", .payload = SLICE_LITERAL("x")});
    assert_true(await(loop, has_message, &hub, AWAIT_MS));
    assert_int_equal(hub.published, 0);
    finish(&hub, true);
}

static void retained_message_waits_for_the_subscriber(void **state)
{
    (void)state;
    struct client shop;
    struct client hub;
    join(&hub, "hub");
    publish(&hub,
            (struct mqtt_message){
                .topic = "all/kept", .payload = SLICE_LITERAL("kept"), .retain = true, .qos = 1});
    assert_true(await(loop, was_published, &hub, AWAIT_MS));
    finish(&hub, true);
    join(&shop, "shop-1");
    subscribe(&shop, "all/kept");
    assert_true(await(loop, has_message, &shop, AWAIT_MS));
    assert_string_equal(shop.payload, "kept");
    assert_true(shop.retain);
    finish(&shop, true);
}

static void join_with_will(struct client *client)
{
    static const struct mqtt_property session = {"log_id", "session-9"};
    static const struct mqtt_message will = {.topic = "all/will",
                                             .payload = {"gone", 4},
                                             .qos = 1,
                                             .content_type = "text/plain",
                                             .properties = &session,
                                             .property_count = 1};
    begin(client, "shop-1", (struct mqtt_config){.will = &will});
    assert_true(await_flag(loop, &client->connected, AWAIT_MS));
    assert_int_equal(client->connect_err, ERR_OK);
}

static void will_comes_after_a_drop_with_its_properties(void **state)
{
    (void)state;
    struct client shop;
    struct client hub;
    join(&hub, "hub");
    subscribe(&hub, "all/will");
    join_with_will(&shop);
    finish(&shop, false);
    assert_true(await(loop, has_message, &hub, AWAIT_MS));
    assert_string_equal(hub.payload, "gone");
    assert_string_equal(hub.content_type, "text/plain");
    assert_string_equal(hub.log_id, "session-9");
    finish(&hub, true);
}

static void will_does_not_come_after_a_clean_end(void **state)
{
    (void)state;
    struct client shop;
    struct client hub;
    join(&hub, "hub");
    subscribe(&hub, "all/will");
    subscribe(&hub, "all/after");
    join_with_will(&shop);
    finish(&shop, true);
    /* The broker saw shop-1 leave before it lets it in again: what comes then comes after a will.
     */
    join(&shop, "shop-1");
    publish(&shop,
            (struct mqtt_message){.topic = "all/after", .payload = SLICE_LITERAL("x"), .qos = 1});
    assert_true(await(loop, has_message, &hub, AWAIT_MS));
    assert_string_equal(hub.topic, "all/after");
    assert_int_equal(hub.messages, 1);
    finish(&shop, true);
    finish(&hub, true);
}

static void publish_that_the_acl_refuses_says_so(void **state)
{
    (void)state;
    struct client shop;
    join(&shop, "shop-1");
    publish(&shop, (struct mqtt_message){.topic = "tb/v1/shop-2/up/events",
                                         .payload = SLICE_LITERAL("[]"),
                                         .qos = 1});
    assert_true(await(loop, was_published, &shop, AWAIT_MS));
    assert_int_equal(shop.published_reason, 0x87);
    finish(&shop, true);
}

static void killed_broker_is_noticed_at_once(void **state)
{
    (void)state;
    struct client shop;
    join(&shop, "shop-1");
    broker_kill(&broker);
    assert_true(await_flag(loop, &shop.disconnected, MQTT_KEEPALIVE_S * 1000 / 2));
    assert_int_equal(shop.fault.code, ERR_CLOSED);
    struct fault fault;
    struct mqtt_message message = {.topic = "all/late", .qos = 1};
    assert_int_equal(mqtt_publish(shop.mqtt, &message, NULL, &fault), ERR_CLOSED);
    assert_int_equal(mqtt_subscribe(shop.mqtt, "all/late", 1, NULL, &fault), ERR_CLOSED);
    finish(&shop, true);
    broker_start(&broker, &pki, "server", NULL);
}

static void takeover_by_the_same_id_ends_the_first(void **state)
{
    (void)state;
    struct client first;
    struct client second;
    join(&first, "shop-1");
    join(&second, "shop-1");
    assert_true(await_flag(loop, &first.disconnected, AWAIT_MS));
    assert_int_equal(first.fault.code, ERR_CLOSED);
    finish(&first, false);
    finish(&second, true);
}

static void connack_that_refuses_is_told(void **state)
{
    (void)state;
    struct broker strict;
    broker_start(&strict, &pki, "server", "clientid_prefixes till-");
    struct client shop;
    begin(&shop, "shop-1", (struct mqtt_config){.url = strict.url});
    assert_true(await_flag(loop, &shop.connected, AWAIT_MS));
    finish(&shop, false);
    broker_kill(&strict);
    assert_int_equal(shop.connect_err, ERR_FORBIDDEN);
    assert_words(&shop, "the broker refused: Not authorized (0x87)");
}

static void black_hole_ends_by_keepalive(void **state)
{
    (void)state;
    struct forwarder *wire = forwarder_open(FORWARDER_WIRE, broker.port);
    char url[64];
    (void)snprintf(url, sizeof url, "mqtts://localhost:%u", forwarder_port(wire));
    struct client shop;
    begin(&shop, "shop-1", (struct mqtt_config){.url = url, .keepalive_s = 5});
    assert_true(await_flag(loop, &shop.connected, AWAIT_MS));
    assert_int_equal(shop.connect_err, ERR_OK);
    forwarder_set_hole(wire, true);
    assert_true(await_flag(loop, &shop.disconnected, AWAIT_MS));
    assert_int_equal(shop.fault.code, ERR_TIMEOUT);
    assert_words(&shop, "silent");
    finish(&shop, false);
    forwarder_close(wire);
}

static void black_hole_at_the_start_ends_by_the_limit(void **state)
{
    (void)state;
    struct forwarder *wire = forwarder_open(FORWARDER_WIRE, broker.port);
    char url[64];
    (void)snprintf(url, sizeof url, "mqtts://localhost:%u", forwarder_port(wire));
    forwarder_set_hole(wire, true);
    struct client shop;
    begin(&shop, "shop-1", (struct mqtt_config){.url = url, .dial_timeout_ms = 300});
    assert_true(await_flag(loop, &shop.connected, AWAIT_MS));
    assert_int_equal(shop.connect_err, ERR_TIMEOUT);
    finish(&shop, false);
    forwarder_close(wire);
}

static void nobody_listening_is_unreachable(void **state)
{
    (void)state;
    char url[64];
    (void)snprintf(url, sizeof url, "mqtts://localhost:%u", broker_free_port());
    struct client shop;
    begin(&shop, "shop-1", (struct mqtt_config){.url = url});
    assert_true(await_flag(loop, &shop.connected, AWAIT_MS));
    assert_int_equal(shop.connect_err, ERR_UNREACHABLE);
    finish(&shop, false);
}

static void unknown_host_is_unreachable(void **state)
{
    (void)state;
    struct client shop;
    begin(&shop, "shop-1", (struct mqtt_config){.url = "mqtts://nowhere.invalid:8883"});
    assert_true(await_flag(loop, &shop.connected, AWAIT_MS));
    assert_int_equal(shop.connect_err, ERR_UNREACHABLE);
    assert_string_equal(shop.fault.where, "nowhere.invalid");
    finish(&shop, false);
}

static void proxied(enum forwarder_kind kind, const char *user, struct client *shop,
                    struct forwarder **proxy)
{
    char address[96];
    *proxy = forwarder_open(kind, broker.port);
    (void)snprintf(address, sizeof address, "http://%s127.0.0.1:%u", user, forwarder_port(*proxy));
    begin(shop, "shop-1", (struct mqtt_config){.proxy = address});
    assert_true(await_flag(loop, &shop->connected, AWAIT_MS));
}

static void proxy_is_asked_to_connect(void **state)
{
    (void)state;
    struct client shop;
    struct forwarder *proxy;
    char line[128];
    proxied(FORWARDER_PROXY, "till:secret@", &shop, &proxy);
    assert_int_equal(shop.connect_err, ERR_OK);
    (void)snprintf(line, sizeof line, "CONNECT localhost:%u HTTP/1.1\r\n", broker.port);
    assert_memory_equal(forwarder_request(proxy), line, strlen(line));
    assert_non_null(
        strstr(forwarder_request(proxy), "Proxy-Authorization: Basic dGlsbDpzZWNyZXQ=\r\n"));
    finish(&shop, true);
    forwarder_close(proxy);
}

static void proxy_that_refuses_is_named(void **state)
{
    (void)state;
    struct client shop;
    struct forwarder *proxy;
    proxied(FORWARDER_PROXY_REFUSES, "", &shop, &proxy);
    assert_int_equal(shop.connect_err, ERR_REFUSED);
    assert_string_equal(shop.fault.where, "proxy");
    assert_words(&shop, "407");
    finish(&shop, false);
    forwarder_close(proxy);
    proxied(FORWARDER_PROXY_BABBLES, "", &shop, &proxy);
    assert_int_equal(shop.connect_err, ERR_INVALID);
    finish(&shop, false);
    forwarder_close(proxy);
}

/* Against mosquitto's OpenSSL: what each refusal is called. */
static void broker_with_a_bad_certificate(const char *server, const char *words)
{
    struct broker bad;
    broker_start(&bad, &pki, server, NULL);
    struct client shop;
    begin(&shop, "shop-1", (struct mqtt_config){.url = bad.url});
    assert_true(await_flag(loop, &shop.connected, AWAIT_MS));
    assert_int_equal(shop.connect_err, ERR_TLS);
    assert_words(&shop, words);
    finish(&shop, false);
    broker_kill(&bad);
}

static void brokers_with_bad_certificates_are_refused(void **state)
{
    (void)state;
    broker_with_a_bad_certificate("expired", "expired on 20");
    broker_with_a_bad_certificate("not_yet", "not yet valid");
    broker_with_a_bad_certificate("wrong_host", "another host name");
    broker_with_a_bad_certificate("stranger", "not from a trusted authority");
    broker_with_a_bad_certificate("revoked", "revoked");
}

static void refused_by_broker(const char *name, const char *words)
{
    struct client shop;
    begin(&shop, name, (struct mqtt_config){0});
    assert_true(await_flag(loop, &shop.connected, AWAIT_MS));
    finish(&shop, false);
    assert_words(&shop, words);
    assert_int_equal(shop.connect_err, ERR_TLS);
}

static void broker_s_refusal_of_our_certificate_is_told(void **state)
{
    (void)state;
    refused_by_broker(NULL, "the server refused: it");
    refused_by_broker("late-shop", "our certificate expired");
    refused_by_broker("early-shop", "our certificate");
    refused_by_broker("bad-shop", "our certificate is revoked");
    refused_by_broker("far-shop", "the server refused: it");
}

static void plain_mqtt_is_not_spoken(void **state)
{
    (void)state;
    struct mqtt *mqtt;
    struct fault fault;
    struct mqtt_config config = {
        .url = "mqtt://localhost:1883", .client_id = "shop-1", .runtime_folder = runtime_folder};
    struct mqtt_listener listener = {.connected = on_connected};
    assert_int_equal(mqtt_open(&mqtt, loop, &config, &listener, &fault), ERR_INVALID);
    assert_string_equal(fault.where, "url");
}

static void too_long_runtime_folder_is_refused_by_name(void **state)
{
    (void)state;
    char usual[SCRATCH_PATH_MAX];
    memcpy(usual, runtime_folder, sizeof usual);
    memset(runtime_folder, 'x', 120);
    runtime_folder[120] = '\0';
    struct client shop;
    begin(&shop, "shop-1", (struct mqtt_config){0});
    memcpy(runtime_folder, usual, sizeof usual);
    assert_true(await_flag(loop, &shop.connected, AWAIT_MS));
    assert_int_equal(shop.connect_err, ERR_TOO_LARGE);
    assert_words(&shop, "too long");
    finish(&shop, false);
}

static void nothing_is_left_in_the_runtime_folder(void **state)
{
    (void)state;
    struct client shop;
    join(&shop, "shop-1");
    DIR *folder = opendir(runtime_folder);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        assert_true(entry->d_name[0] == '.');
    closedir(folder);
    finish(&shop, true);
}

static void client_may_be_closed_inside_its_own_callback(void **state)
{
    (void)state;
    struct client hub;
    join(&hub, "hub");
    subscribe(&hub, "all/close");
    hub.closes_when_told = true;
    publish(&hub,
            (struct mqtt_message){.topic = "all/close", .payload = SLICE_LITERAL("x"), .qos = 1});
    assert_true(await(loop, has_message, &hub, AWAIT_MS));
    assert_null(hub.mqtt);
    tls_context_close(hub.tls);
}

static void publishes_above_the_cap_are_refused_as_busy(void **state)
{
    (void)state;
    struct client shop;
    join(&shop, "shop-1");
    struct mqtt_message message = {.topic = "all/many", .payload = SLICE_LITERAL("x"), .qos = 1};
    struct fault fault;
    for (int i = 0; i < MQTT_IN_FLIGHT_MAX; i++)
        assert_int_equal(mqtt_publish(shop.mqtt, &message, NULL, &fault), ERR_OK);
    assert_int_equal(mqtt_publish(shop.mqtt, &message, NULL, &fault), ERR_BUSY);
    while (shop.published < MQTT_IN_FLIGHT_MAX)
        loop_run_once(loop, AWAIT_MS);
    assert_int_equal(mqtt_publish(shop.mqtt, &message, NULL, &fault), ERR_OK);
    finish(&shop, true);
}

static void burst_through_the_relay_arrives_whole(void **state)
{
    (void)state;
    struct client shop;
    struct client hub;
    join(&hub, "hub");
    subscribe(&hub, "all/burst");
    join(&shop, "shop-1");
    char *payload = calloc(1, 700);
    assert_non_null(payload);
    struct mqtt_message message = {.topic = "all/burst", .payload = {payload, 700}, .qos = 1};
    int sent = 0;
    while (shop.published < BURST || hub.messages < BURST) {
        while (sent < BURST && sent - shop.published < 100) {
            publish(&shop, message);
            sent++;
        }
        loop_run_once(loop, AWAIT_MS);
        assert_false(shop.disconnected || hub.disconnected);
    }
    assert_int_equal(hub.messages, BURST);
    assert_int_equal(hub.payload_len, 700);
    free(payload);
    finish(&shop, true);
    finish(&hub, true);
}

static void payload_of_a_megabyte_goes_and_above_is_refused(void **state)
{
    (void)state;
    struct client hub;
    join(&hub, "hub");
    subscribe(&hub, "all/large");
    char *payload = calloc(1, MQTT_PAYLOAD_MAX + 1);
    assert_non_null(payload);
    struct mqtt_message message = {
        .topic = "all/large", .payload = {payload, MQTT_PAYLOAD_MAX + 1}, .qos = 1};
    struct fault fault;
    assert_int_equal(mqtt_publish(hub.mqtt, &message, NULL, &fault), ERR_TOO_LARGE);
    message.payload.len = MQTT_PAYLOAD_MAX;
    publish(&hub, message);
    assert_true(await(loop, has_message, &hub, AWAIT_MS));
    assert_int_equal(hub.payload_len, MQTT_PAYLOAD_MAX);
    free(payload);
    finish(&hub, true);
}

static int set_up(void **state)
{
    (void)state;
    tls_pki_make(&pki);
    tls_pki_path(&pki, "run", runtime_folder);
    if (mkdir(runtime_folder, 0700) != 0)
        return -1;
    broker_start(&broker, &pki, "server", NULL);
    return loop_open(&loop, NULL) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    loop_close(loop);
    broker_kill(&broker);
    tls_pki_remove(&pki);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(publish_is_acknowledged_by_its_token),
        cmocka_unit_test(message_arrives_with_all_its_properties),
        cmocka_unit_test(qos_0_gets_no_callback),
        cmocka_unit_test(retained_message_waits_for_the_subscriber),
        cmocka_unit_test(will_comes_after_a_drop_with_its_properties),
        cmocka_unit_test(will_does_not_come_after_a_clean_end),
        cmocka_unit_test(publish_that_the_acl_refuses_says_so),
        cmocka_unit_test(killed_broker_is_noticed_at_once),
        cmocka_unit_test(takeover_by_the_same_id_ends_the_first),
        cmocka_unit_test(connack_that_refuses_is_told),
        cmocka_unit_test(black_hole_ends_by_keepalive),
        cmocka_unit_test(black_hole_at_the_start_ends_by_the_limit),
        cmocka_unit_test(nobody_listening_is_unreachable),
        cmocka_unit_test(unknown_host_is_unreachable),
        cmocka_unit_test(proxy_is_asked_to_connect),
        cmocka_unit_test(proxy_that_refuses_is_named),
        cmocka_unit_test(brokers_with_bad_certificates_are_refused),
        cmocka_unit_test(broker_s_refusal_of_our_certificate_is_told),
        cmocka_unit_test(plain_mqtt_is_not_spoken),
        cmocka_unit_test(too_long_runtime_folder_is_refused_by_name),
        cmocka_unit_test(nothing_is_left_in_the_runtime_folder),
        cmocka_unit_test(client_may_be_closed_inside_its_own_callback),
        cmocka_unit_test(publishes_above_the_cap_are_refused_as_busy),
        cmocka_unit_test(burst_through_the_relay_arrives_whole),
        cmocka_unit_test(payload_of_a_megabyte_goes_and_above_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
