#include "sync/hub/ingest/inbox.h"
#include "tests/support/arrival_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void messages_go_down_one_after_the_other(void **state)
{
    struct arrival_house *f = *state;
    struct fault fault;
    int64_t number;
    int64_t epoch = f->desk.rules.hub_epoch;
    arrival_house_state(f, "first", true);
    (void)arrival_house_number(f, "SELECT 1");
    worker_close(f->worker);
    for (int i = 0; i < 2; i++)
        assert_int_equal(inbox_put(hubdb_database(f->hub), "box-a",
                                   i ? SLICE_LITERAL("two") : SLICE_LITERAL("one"), 1, &number,
                                   &fault),
                         ERR_OK);
    arrival_house_work(f, 1024 * 1024);
    arrival_house_inbox_ack(f, 0, 77);
    arrival_house_await(f);
    assert_string_equal(f->name, "inbox");
    assert_string_equal(f->payload, "one");
    assert_int_equal(f->place.number, 1);
    assert_int_equal(f->place.hub_epoch, epoch);
    assert_false(f->retain);
    arrival_house_inbox_ack(f, epoch, 1);
    arrival_house_await(f);
    assert_string_equal(f->payload, "two");
    arrival_house_inbox_ack(f, epoch, 2);
    assert_int_equal(arrival_house_number(f, "SELECT inbox_through FROM device"), 2);
}

static void messages_go_down_together_to_who_takes_them(void **state)
{
    struct arrival_house *f = *state;
    struct fault fault;
    struct buf text;
    int64_t number;
    const struct inbox_ack ack = {f->desk.rules.hub_epoch, 0, true};
    arrival_house_state(f, "first", true);
    (void)arrival_house_number(f, "SELECT 1");
    worker_close(f->worker);
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            inbox_put(hubdb_database(f->hub), "box-a", SLICE_LITERAL("{}"), 1, &number, &fault),
            ERR_OK);
    arrival_house_work(f, 1024 * 1024);
    buf_init(&text, 256);
    inbox_ack_write(&text, &ack);
    assert_int_equal(
        arrival_house_take(f, (struct mqtt_message){.topic = "tb/v1/box-a/up/inbox-ack",
                                                    .payload = buf_slice(&text)}),
        ERR_OK);
    buf_free(&text);
    arrival_house_await(f);
    assert_string_equal(f->name, "inbox-batch");
    assert_int_equal(f->place.number, 1);
    assert_int_equal(f->place.last, 3);
    arrival_house_inbox_ack(f, f->desk.rules.hub_epoch, 2);
    arrival_house_await(f);
    assert_string_equal(f->name, "inbox");
    assert_int_equal(f->place.number, 3);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, arrival_house_setup, arrival_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(messages_go_down_one_after_the_other),
        TEST(messages_go_down_together_to_who_takes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
