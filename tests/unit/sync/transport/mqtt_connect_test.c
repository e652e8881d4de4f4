/* How connections come about, end, and fail, and what that is called. */
#include "tests/support/await.h"
#include "tests/support/forwarder.h"
#include "tests/support/mqtt_house.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct mqtt_house house;

static void killed_broker_is_noticed_at_once(void **state)
{
    (void)state;
    struct mqtt_guest shop;
    mqtt_guest_join(&house, &shop, "shop-1");
    broker_kill(&house.broker);
    assert_true(await_flag(house.loop, &shop.disconnected, MQTT_KEEPALIVE_S * 1000 / 2));
    assert_int_equal(shop.fault.code, ERR_CLOSED);
    struct fault fault;
    struct mqtt_message message = {.topic = "all/late", .qos = 1};
    assert_int_equal(mqtt_publish(shop.mqtt, &message, NULL, &fault), ERR_CLOSED);
    assert_int_equal(mqtt_subscribe(shop.mqtt, "all/late", 1, NULL, &fault), ERR_CLOSED);
    mqtt_guest_finish(&shop, true);
    broker_start(&house.broker, &house.pki, "server", NULL);
}

static void takeover_by_the_same_id_ends_the_first(void **state)
{
    (void)state;
    struct mqtt_guest first;
    struct mqtt_guest second;
    mqtt_guest_join(&house, &first, "shop-1");
    mqtt_guest_join(&house, &second, "shop-1");
    assert_true(await_flag(house.loop, &first.disconnected, AWAIT_MS));
    assert_int_equal(first.fault.code, ERR_CLOSED);
    mqtt_guest_finish(&first, false);
    mqtt_guest_finish(&second, true);
}

static void connack_that_refuses_is_told(void **state)
{
    (void)state;
    struct broker strict;
    broker_start(&strict, &house.pki, "server", "clientid_prefixes till-");
    struct mqtt_guest shop;
    mqtt_guest_begin(&house, &shop, "shop-1", (struct mqtt_config){.url = strict.url});
    assert_true(await_flag(house.loop, &shop.connected, AWAIT_MS));
    mqtt_guest_finish(&shop, false);
    broker_kill(&strict);
    assert_int_equal(shop.connect_err, ERR_FORBIDDEN);
    mqtt_guest_assert_words(&shop, "the broker refused: Not authorized (0x87)");
}

/* Its own keepalive, or the shorter one that the broker asks for. */
static void black_hole_ends_by_keepalive(void **state)
{
    (void)state;
    struct broker asking;
    broker_start(&asking, &house.pki, "server", "max_keepalive 10");
    struct forwarder *wire = forwarder_open(FORWARDER_WIRE, asking.port);
    char url[64];
    (void)snprintf(url, sizeof url, "mqtts://localhost:%u", forwarder_port(wire));
    static const struct {
        const char *name;
        int keepalive_s;
    } guests[] = {{"shop-1", 5}, {"hub", 3600}};
    struct mqtt_guest shops[2];
    for (size_t i = 0; i < 2; i++) {
        mqtt_guest_begin(&house, &shops[i], guests[i].name,
                         (struct mqtt_config){.url = url, .keepalive_s = guests[i].keepalive_s});
        assert_true(await_flag(house.loop, &shops[i].connected, AWAIT_MS));
        assert_int_equal(shops[i].connect_err, ERR_OK);
    }
    forwarder_set_hole(wire, true);
    for (size_t i = 0; i < 2; i++) {
        assert_true(await_flag(house.loop, &shops[i].disconnected, AWAIT_MS));
        assert_int_equal(shops[i].fault.code, ERR_TIMEOUT);
        mqtt_guest_assert_words(&shops[i], "silent");
        mqtt_guest_finish(&shops[i], false);
    }
    forwarder_close(wire);
    broker_kill(&asking);
}

static void black_hole_at_the_start_ends_by_the_limit(void **state)
{
    (void)state;
    struct forwarder *wire = forwarder_open(FORWARDER_WIRE, house.broker.port);
    char url[64];
    (void)snprintf(url, sizeof url, "mqtts://localhost:%u", forwarder_port(wire));
    forwarder_set_hole(wire, true);
    struct mqtt_guest shop;
    mqtt_guest_begin(&house, &shop, "shop-1",
                     (struct mqtt_config){.url = url, .dial_timeout_ms = 300});
    assert_true(await_flag(house.loop, &shop.connected, AWAIT_MS));
    assert_int_equal(shop.connect_err, ERR_TIMEOUT);
    mqtt_guest_finish(&shop, false);
    forwarder_close(wire);
}

static void nobody_listening_is_unreachable(void **state)
{
    (void)state;
    char url[64];
    (void)snprintf(url, sizeof url, "mqtts://localhost:%u", broker_free_port());
    struct mqtt_guest shop;
    mqtt_guest_begin(&house, &shop, "shop-1", (struct mqtt_config){.url = url});
    assert_true(await_flag(house.loop, &shop.connected, AWAIT_MS));
    assert_int_equal(shop.connect_err, ERR_UNREACHABLE);
    mqtt_guest_finish(&shop, false);
}

static void unknown_host_is_unreachable(void **state)
{
    (void)state;
    struct mqtt_guest shop;
    mqtt_guest_begin(&house, &shop, "shop-1",
                     (struct mqtt_config){.url = "mqtts://nowhere.invalid:8883"});
    assert_true(await_flag(house.loop, &shop.connected, AWAIT_MS));
    assert_int_equal(shop.connect_err, ERR_UNREACHABLE);
    assert_string_equal(shop.fault.where, "nowhere.invalid");
    mqtt_guest_finish(&shop, false);
}

static void proxied(enum forwarder_kind kind, const char *user, struct mqtt_guest *shop,
                    struct forwarder **proxy)
{
    char address[96];
    *proxy = forwarder_open(kind, house.broker.port);
    (void)snprintf(address, sizeof address, "http://%s127.0.0.1:%u", user, forwarder_port(*proxy));
    mqtt_guest_begin(&house, shop, "shop-1", (struct mqtt_config){.proxy = address});
    assert_true(await_flag(house.loop, &shop->connected, AWAIT_MS));
}

static void proxy_is_asked_to_connect(void **state)
{
    (void)state;
    struct mqtt_guest shop;
    struct forwarder *proxy;
    char line[128];
    proxied(FORWARDER_PROXY, "till:secret@", &shop, &proxy);
    assert_int_equal(shop.connect_err, ERR_OK);
    (void)snprintf(line, sizeof line, "CONNECT localhost:%u HTTP/1.1\r\n", house.broker.port);
    assert_memory_equal(forwarder_request(proxy), line, strlen(line));
    assert_non_null(
        strstr(forwarder_request(proxy), "Proxy-Authorization: Basic dGlsbDpzZWNyZXQ=\r\n"));
    mqtt_guest_finish(&shop, true);
    forwarder_close(proxy);
}

static void proxy_that_refuses_is_named(void **state)
{
    (void)state;
    struct mqtt_guest shop;
    struct forwarder *proxy;
    proxied(FORWARDER_PROXY_REFUSES, "", &shop, &proxy);
    assert_int_equal(shop.connect_err, ERR_REFUSED);
    assert_string_equal(shop.fault.where, "proxy");
    mqtt_guest_assert_words(&shop, "407");
    mqtt_guest_finish(&shop, false);
    forwarder_close(proxy);
    proxied(FORWARDER_PROXY_BABBLES, "", &shop, &proxy);
    assert_int_equal(shop.connect_err, ERR_INVALID);
    mqtt_guest_finish(&shop, false);
    forwarder_close(proxy);
}

/* Against mosquitto's OpenSSL: what each refusal is called. */
static void broker_with_a_bad_certificate(const char *server, const char *words)
{
    struct broker bad;
    broker_start(&bad, &house.pki, server, NULL);
    struct mqtt_guest shop;
    mqtt_guest_begin(&house, &shop, "shop-1", (struct mqtt_config){.url = bad.url});
    assert_true(await_flag(house.loop, &shop.connected, AWAIT_MS));
    assert_int_equal(shop.connect_err, ERR_TLS);
    mqtt_guest_assert_words(&shop, words);
    mqtt_guest_finish(&shop, false);
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
    struct mqtt_guest shop;
    mqtt_guest_begin(&house, &shop, name, (struct mqtt_config){0});
    assert_true(await_flag(house.loop, &shop.connected, AWAIT_MS));
    mqtt_guest_finish(&shop, false);
    mqtt_guest_assert_words(&shop, words);
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

static void never(void *context, enum err err, const struct fault *fault)
{
    (void)context;
    fail_msg("%s: %s", err_name(err), fault->text);
}

static void plain_mqtt_is_not_spoken(void **state)
{
    (void)state;
    struct mqtt *mqtt;
    struct fault fault;
    struct mqtt_config config = {.url = "mqtt://localhost:1883",
                                 .client_id = "shop-1",
                                 .runtime_folder = house.runtime_folder};
    struct mqtt_listener listener = {.connected = never};
    assert_int_equal(mqtt_open(&mqtt, house.loop, &config, &listener, &fault), ERR_INVALID);
    assert_string_equal(fault.where, "url");
}

static void too_long_runtime_folder_is_refused_by_name(void **state)
{
    (void)state;
    char usual[SCRATCH_PATH_MAX];
    memcpy(usual, house.runtime_folder, sizeof usual);
    memset(house.runtime_folder, 'x', 120);
    house.runtime_folder[120] = '\0';
    struct mqtt_guest shop;
    mqtt_guest_begin(&house, &shop, "shop-1", (struct mqtt_config){0});
    memcpy(house.runtime_folder, usual, sizeof usual);
    assert_true(await_flag(house.loop, &shop.connected, AWAIT_MS));
    assert_int_equal(shop.connect_err, ERR_TOO_LARGE);
    mqtt_guest_assert_words(&shop, "too long");
    mqtt_guest_finish(&shop, false);
}

static void nothing_is_left_in_the_runtime_folder(void **state)
{
    (void)state;
    struct mqtt_guest shop;
    mqtt_guest_join(&house, &shop, "shop-1");
    DIR *folder = opendir(house.runtime_folder);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        assert_true(entry->d_name[0] == '.');
    closedir(folder);
    mqtt_guest_finish(&shop, true);
}

static int set_up(void **state)
{
    (void)state;
    mqtt_house_open(&house);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mqtt_house_close(&house);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
