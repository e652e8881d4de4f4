/* What is published and subscribed, and arrives. */
#include "tests/support/await.h"
#include "tests/support/mqtt_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BURST = 5000 };

static struct mqtt_house house;

static void publish_is_acknowledged_by_its_token(void **state)
{
    (void)state;
    struct mqtt_guest shop;
    mqtt_guest_join(&house, &shop, "shop-1");
    int token = mqtt_guest_publish(&shop, (struct mqtt_message){.topic = "tb/v1/shop-1/up/events",
                                                                .payload = SLICE_LITERAL("[]"),
                                                                .qos = 1});
    assert_true(await(house.loop, mqtt_guest_published, &shop, AWAIT_MS));
    assert_int_equal(shop.published_token, token);
    assert_true(shop.published_reason < 0x80);
    mqtt_guest_finish(&shop, true);
}

static void message_arrives_with_all_its_properties(void **state)
{
    (void)state;
    static const struct mqtt_property properties[] = {{"log_id", "0193"}, {"hash", "abc=def"}};
    struct mqtt_guest shop;
    struct mqtt_guest hub;
    mqtt_guest_join(&house, &hub, "hub");
    mqtt_guest_subscribe(&hub, "all/events");
    mqtt_guest_join(&house, &shop, "shop-1");
    mqtt_guest_publish(&shop,
                       (struct mqtt_message){.topic = "all/events",
                                             .payload = SLICE_LITERAL("[1,2]"),
                                             .qos = 1,
                                             .content_type = "application/cloudevents-batch+json",
                                             .response_topic = "all/reply",
                                             .correlation = SLICE_LITERAL("c-17"),
                                             .expiry_s = 60,
                                             .properties = properties,
                                             .property_count = 2});
    assert_true(await(house.loop, mqtt_guest_has_message, &hub, AWAIT_MS));
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
    mqtt_guest_finish(&shop, true);
    mqtt_guest_finish(&hub, true);
}

static void qos_0_gets_no_callback(void **state)
{
    (void)state;
    struct mqtt_guest hub;
    mqtt_guest_join(&house, &hub, "hub");
    mqtt_guest_subscribe(&hub, "all/quick");
    mqtt_guest_publish(&hub,
                       (struct mqtt_message){.topic = "all/quick", .payload = SLICE_LITERAL("x")});
    assert_true(await(house.loop, mqtt_guest_has_message, &hub, AWAIT_MS));
    assert_int_equal(hub.published, 0);
    mqtt_guest_finish(&hub, true);
}

static void retained_message_waits_for_the_subscriber(void **state)
{
    (void)state;
    struct mqtt_guest shop;
    struct mqtt_guest hub;
    mqtt_guest_join(&house, &hub, "hub");
    mqtt_guest_publish(
        &hub, (struct mqtt_message){
                  .topic = "all/kept", .payload = SLICE_LITERAL("kept"), .retain = true, .qos = 1});
    assert_true(await(house.loop, mqtt_guest_published, &hub, AWAIT_MS));
    mqtt_guest_finish(&hub, true);
    mqtt_guest_join(&house, &shop, "shop-1");
    mqtt_guest_subscribe(&shop, "all/kept");
    assert_true(await(house.loop, mqtt_guest_has_message, &shop, AWAIT_MS));
    assert_string_equal(shop.payload, "kept");
    assert_true(shop.retain);
    mqtt_guest_finish(&shop, true);
}

static void join_with_will(struct mqtt_guest *client)
{
    static const struct mqtt_property session = {"log_id", "session-9"};
    static const struct mqtt_message will = {.topic = "all/will",
                                             .payload = {"gone", 4},
                                             .qos = 1,
                                             .content_type = "text/plain",
                                             .properties = &session,
                                             .property_count = 1};
    mqtt_guest_begin(&house, client, "shop-1", (struct mqtt_config){.will = &will});
    assert_true(await_flag(house.loop, &client->connected, AWAIT_MS));
    assert_int_equal(client->connect_err, ERR_OK);
}

static void will_comes_after_a_drop_with_its_properties(void **state)
{
    (void)state;
    struct mqtt_guest shop;
    struct mqtt_guest hub;
    mqtt_guest_join(&house, &hub, "hub");
    mqtt_guest_subscribe(&hub, "all/will");
    join_with_will(&shop);
    mqtt_guest_finish(&shop, false);
    assert_true(await(house.loop, mqtt_guest_has_message, &hub, AWAIT_MS));
    assert_string_equal(hub.payload, "gone");
    assert_string_equal(hub.content_type, "text/plain");
    assert_string_equal(hub.log_id, "session-9");
    mqtt_guest_finish(&hub, true);
}

static void will_does_not_come_after_a_clean_end(void **state)
{
    (void)state;
    struct mqtt_guest shop;
    struct mqtt_guest hub;
    mqtt_guest_join(&house, &hub, "hub");
    mqtt_guest_subscribe(&hub, "all/will");
    mqtt_guest_subscribe(&hub, "all/after");
    join_with_will(&shop);
    mqtt_guest_finish(&shop, true);
    /* The broker saw shop-1 leave before it lets it in again: what comes then comes after a will.
     */
    mqtt_guest_join(&house, &shop, "shop-1");
    mqtt_guest_publish(&shop, (struct mqtt_message){
                                  .topic = "all/after", .payload = SLICE_LITERAL("x"), .qos = 1});
    assert_true(await(house.loop, mqtt_guest_has_message, &hub, AWAIT_MS));
    assert_string_equal(hub.topic, "all/after");
    assert_int_equal(hub.messages, 1);
    mqtt_guest_finish(&shop, true);
    mqtt_guest_finish(&hub, true);
}

static void publish_that_the_acl_refuses_says_so(void **state)
{
    (void)state;
    struct mqtt_guest shop;
    mqtt_guest_join(&house, &shop, "shop-1");
    mqtt_guest_publish(&shop, (struct mqtt_message){.topic = "tb/v1/shop-2/up/events",
                                                    .payload = SLICE_LITERAL("[]"),
                                                    .qos = 1});
    assert_true(await(house.loop, mqtt_guest_published, &shop, AWAIT_MS));
    assert_int_equal(shop.published_reason, 0x87);
    mqtt_guest_finish(&shop, true);
}

static void client_may_be_closed_inside_its_own_callback(void **state)
{
    (void)state;
    struct mqtt_guest hub;
    mqtt_guest_join(&house, &hub, "hub");
    mqtt_guest_subscribe(&hub, "all/close");
    hub.closes_when_told = true;
    mqtt_guest_publish(
        &hub, (struct mqtt_message){.topic = "all/close", .payload = SLICE_LITERAL("x"), .qos = 1});
    assert_true(await(house.loop, mqtt_guest_has_message, &hub, AWAIT_MS));
    assert_null(hub.mqtt);
    tls_context_close(hub.tls);
}

static void publishes_above_the_cap_are_refused_as_busy(void **state)
{
    (void)state;
    struct mqtt_guest shop;
    mqtt_guest_join(&house, &shop, "shop-1");
    struct mqtt_message message = {.topic = "all/many", .payload = SLICE_LITERAL("x"), .qos = 1};
    struct fault fault;
    for (int i = 0; i < MQTT_IN_FLIGHT_MAX; i++)
        assert_int_equal(mqtt_publish(shop.mqtt, &message, NULL, &fault), ERR_OK);
    assert_int_equal(mqtt_publish(shop.mqtt, &message, NULL, &fault), ERR_BUSY);
    while (shop.published < MQTT_IN_FLIGHT_MAX)
        loop_run_once(house.loop, AWAIT_MS);
    assert_int_equal(mqtt_publish(shop.mqtt, &message, NULL, &fault), ERR_OK);
    mqtt_guest_finish(&shop, true);
}

static void burst_through_the_relay_arrives_whole(void **state)
{
    (void)state;
    struct mqtt_guest shop;
    struct mqtt_guest hub;
    mqtt_guest_join(&house, &hub, "hub");
    mqtt_guest_subscribe(&hub, "all/burst");
    mqtt_guest_join(&house, &shop, "shop-1");
    char *payload = calloc(1, 700);
    assert_non_null(payload);
    struct mqtt_message message = {.topic = "all/burst", .payload = {payload, 700}, .qos = 1};
    int sent = 0;
    while (shop.published < BURST || hub.messages < BURST) {
        while (sent < BURST && sent - shop.published < 100) {
            mqtt_guest_publish(&shop, message);
            sent++;
        }
        loop_run_once(house.loop, AWAIT_MS);
        assert_false(shop.disconnected || hub.disconnected);
    }
    assert_int_equal(hub.messages, BURST);
    assert_int_equal(hub.payload_len, 700);
    free(payload);
    mqtt_guest_finish(&shop, true);
    mqtt_guest_finish(&hub, true);
}

static void payload_of_a_megabyte_goes_and_above_is_refused(void **state)
{
    (void)state;
    struct mqtt_guest hub;
    mqtt_guest_join(&house, &hub, "hub");
    mqtt_guest_subscribe(&hub, "all/large");
    char *payload = calloc(1, MQTT_PAYLOAD_MAX + 1);
    assert_non_null(payload);
    struct mqtt_message message = {
        .topic = "all/large", .payload = {payload, MQTT_PAYLOAD_MAX + 1}, .qos = 1};
    struct fault fault;
    assert_int_equal(mqtt_publish(hub.mqtt, &message, NULL, &fault), ERR_TOO_LARGE);
    message.payload.len = MQTT_PAYLOAD_MAX;
    mqtt_guest_publish(&hub, message);
    assert_true(await(house.loop, mqtt_guest_has_message, &hub, AWAIT_MS));
    assert_int_equal(hub.payload_len, MQTT_PAYLOAD_MAX);
    free(payload);
    mqtt_guest_finish(&hub, true);
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
        cmocka_unit_test(publish_is_acknowledged_by_its_token),
        cmocka_unit_test(message_arrives_with_all_its_properties),
        cmocka_unit_test(qos_0_gets_no_callback),
        cmocka_unit_test(retained_message_waits_for_the_subscriber),
        cmocka_unit_test(will_comes_after_a_drop_with_its_properties),
        cmocka_unit_test(will_does_not_come_after_a_clean_end),
        cmocka_unit_test(publish_that_the_acl_refuses_says_so),
        cmocka_unit_test(client_may_be_closed_inside_its_own_callback),
        cmocka_unit_test(publishes_above_the_cap_are_refused_as_busy),
        cmocka_unit_test(burst_through_the_relay_arrives_whole),
        cmocka_unit_test(payload_of_a_megabyte_goes_and_above_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
