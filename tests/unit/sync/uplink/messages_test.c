#include "sync/contract/compression.h"
#include "sync/uplink/uplink.h"
#include "tests/support/await.h"
#include "tests/support/fake_hub.h"
#include "tests/support/log_fixture.h"
#include "tests/support/uplink_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool inbox_is_told(void *context)
{
    return ((struct uplink_house *)context)->hub.inbox_through == 1;
}

static bool is_asked_for_logs(void *context)
{
    return ((struct uplink_house *)context)->hub.listed > 0;
}

static bool inbox_is_asked_for_again(void *context)
{
    return ((struct uplink_house *)context)->hub.inbox_acks > 1;
}

/* Else it would find none of the returns that it speaks of. */
static void a_message_waits_until_what_was_lost_is_back(void **state)
{
    struct uplink_house *f = *state;
    struct buf body;
    struct eventlog_status status;
    uplink_house_join(f);
    f->hub.lists_late = true;
    uplink_house_start(f);
    assert_true(await(f->loop, is_asked_for_logs, f, AWAIT_MS));
    buf_init(&body, 8192);
    log_fixture_message(&body, 7, log_fixture_id(8));
    const struct mqtt_property place[] = {{"hub_epoch", "5"}, {"number", "1"}};
    const struct mqtt_message message = {
        .payload = buf_slice(&body), .properties = place, .property_count = 2};
    fake_hub_publish(&f->hub, "inbox", message);
    int acks = f->hub.inbox_acks;
    fake_hub_list_logs(&f->hub); /* behind the message */
    assert_true(await(f->loop, inbox_is_asked_for_again, f, AWAIT_MS));
    assert_true(f->hub.inbox_acks > acks && f->hub.inbox_through == 0);
    uplink_house_append(f, 1); /* behind the message, if the log had got it */
    eventlog_status(f->log.log, &status);
    assert_int_equal(status.inbox_through, 0);
    fake_hub_publish(&f->hub, "inbox", message);
    assert_true(await(f->loop, inbox_is_told, f, AWAIT_MS));
    buf_free(&body);
}

static void a_message_is_kept_before_it_is_acknowledged(void **state)
{
    struct uplink_house *f = *state;
    struct buf body;
    struct eventlog_status status;
    uplink_house_join(f);
    uplink_house_start(f);
    assert_true(await(f->loop, uplink_house_online, f, AWAIT_MS));
    assert_true(await(f->loop, inbox_is_asked_for_again, f, AWAIT_MS)); /* nothing was lost */
    assert_int_equal(f->hub.inbox_through, 0);
    buf_init(&body, 8192);
    log_fixture_message(&body, 7, log_fixture_id(8));
    const struct mqtt_property place[] = {{"hub_epoch", "5"}, {"number", "1"}};
    const struct mqtt_message message = {
        .payload = buf_slice(&body), .properties = place, .property_count = 2};
    fake_hub_publish(&f->hub, "inbox", message);
    assert_true(await(f->loop, inbox_is_told, f, AWAIT_MS));
    eventlog_status(f->log.log, &status);
    assert_int_equal(status.inbox_through, 1);
    buf_free(&body);
}

static bool three_are_told(void *context)
{
    return ((struct uplink_house *)context)->hub.inbox_through == 3;
}

/* Three messages in a batch that says where the last of them stands. */
static void publish_three(struct uplink_house *f, const char *last)
{
    struct compressor *compressor = NULL;
    struct slice frame;
    struct buf batch, body;
    buf_init(&batch, 65536);
    buf_init(&body, 8192);
    batch_begin(&batch);
    for (uint8_t i = 0; i < 3; i++) {
        buf_reset(&body);
        log_fixture_message(&body, (uint8_t)(7 + i), log_fixture_id(8));
        batch_add(&batch, buf_slice(&body));
    }
    batch_end(&batch);
    assert_int_equal(compressor_open(&compressor, NULL), ERR_OK);
    assert_int_equal(compressor_pack(compressor, buf_slice(&batch), &frame, NULL), ERR_OK);
    const struct mqtt_property place[] = {{"hub_epoch", "5"},
                                          {"number", "1"},
                                          {"last", last},
                                          {"content-encoding", COMPRESSION_NAME}};
    fake_hub_publish(
        &f->hub, "inbox-batch",
        (struct mqtt_message){.payload = frame, .properties = place, .property_count = 4});
    compressor_close(compressor);
    buf_free(&batch);
    buf_free(&body);
}

static void messages_that_come_together_are_answered_once(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    uplink_house_start(f);
    assert_true(await(f->loop, inbox_is_asked_for_again, f, AWAIT_MS)); /* nothing was lost */
    assert_true(f->hub.takes_batches);
    int acks = f->hub.inbox_acks;
    publish_three(f, "3");
    assert_true(await(f->loop, three_are_told, f, AWAIT_MS));
    assert_int_equal(f->hub.inbox_acks, acks + 1);
    struct eventlog_status status;
    eventlog_status(f->log.log, &status);
    assert_int_equal(status.inbox_through, 3);
}

/* Else a number would stand for a message that never came. */
static void a_batch_of_another_number_than_it_says_is_not_taken(void **state)
{
    struct uplink_house *f = *state;
    struct eventlog_status status;
    uplink_house_join(f);
    uplink_house_start(f);
    assert_true(await(f->loop, inbox_is_asked_for_again, f, AWAIT_MS)); /* nothing was lost */
    publish_three(f, "4");
    publish_three(f, "2");
    uplink_house_append(f, 1);
    uplink_house_await_all_held(f, AWAIT_MS); /* which was told behind them */
    eventlog_status(f->log.log, &status);
    assert_int_equal(status.inbox_through, 0);
    publish_three(f, "3");
    assert_true(await(f->loop, three_are_told, f, AWAIT_MS));
}

static void publish_text(struct uplink_house *f, const char *number, struct slice text)
{
    const struct mqtt_property place[] = {{"hub_epoch", "5"}, {"number", number}};
    fake_hub_publish(
        &f->hub, "inbox",
        (struct mqtt_message){.payload = text, .properties = place, .property_count = 2});
}

static void publish_one(struct uplink_house *f, const char *number)
{
    struct buf body;
    buf_init(&body, 8192);
    log_fixture_message(&body, 7, log_fixture_id(8));
    publish_text(f, number, buf_slice(&body));
    buf_free(&body);
}

static bool is_answered(void *context)
{
    return ((struct uplink_house *)context)->hub.inbox_acks > 0;
}

/* The answer may have been lost with a broker. */
static void a_message_that_is_held_already_is_answered_each_time(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    uplink_house_start(f);
    assert_true(await(f->loop, inbox_is_asked_for_again, f, AWAIT_MS)); /* nothing was lost */
    for (int i = 0; i < 3; i++) {
        f->hub.inbox_acks = 0;
        publish_one(f, "1");
        assert_true(await(f->loop, is_answered, f, AWAIT_MS));
        assert_int_equal(f->hub.inbox_through, 1);
    }
}

/* With each answer the hub may send it again. */
static void messages_that_do_not_fit_are_answered_and_in_no_flood(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    uplink_house_start(f);
    assert_true(await(f->loop, inbox_is_asked_for_again, f, AWAIT_MS)); /* nothing was lost */
    f->hub.inbox_acks = 0;
    publish_one(f, "4");
    assert_true(await(f->loop, is_answered, f, AWAIT_MS));
    assert_int_equal(f->hub.inbox_through, 0);
    for (int i = 0; i < 3; i++) {
        publish_one(f, "4");
        uplink_house_append(f, 1);
        uplink_house_await_all_held(f, AWAIT_MS); /* which was told behind it */
    }
    publish_one(f, "1");
    assert_true(await(f->loop, inbox_is_told, f, AWAIT_MS));
    assert_int_equal(f->hub.inbox_acks, 2);
}

/* Several hubs may send at the same time, and one of them know less. */
static void a_message_behind_one_that_does_not_fit_is_taken(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    uplink_house_start(f);
    assert_true(await(f->loop, inbox_is_asked_for_again, f, AWAIT_MS)); /* nothing was lost */
    publish_one(f, "4");
    publish_one(f, "1");
    assert_true(await(f->loop, inbox_is_told, f, AWAIT_MS));
}

/* They are kept, and the hub may go on. */
static void messages_that_cannot_be_read_do_not_hold_up_one_another(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    uplink_house_start(f);
    assert_true(await(f->loop, inbox_is_asked_for_again, f, AWAIT_MS)); /* nothing was lost */
    publish_text(f, "1", SLICE_LITERAL("{}"));
    assert_true(await(f->loop, inbox_is_told, f, AWAIT_MS));
    publish_text(f, "2", SLICE_LITERAL("{}"));
    publish_text(f, "3", SLICE_LITERAL("{}"));
    assert_true(await(f->loop, three_are_told, f, AWAIT_MS));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, uplink_house_setup, uplink_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_message_waits_until_what_was_lost_is_back),
        TEST(a_message_is_kept_before_it_is_acknowledged),
        TEST(messages_that_come_together_are_answered_once),
        TEST(a_message_that_is_held_already_is_answered_each_time),
        TEST(messages_that_do_not_fit_are_answered_and_in_no_flood),
        TEST(a_message_behind_one_that_does_not_fit_is_taken),
        TEST(messages_that_cannot_be_read_do_not_hold_up_one_another),
        TEST(a_batch_of_another_number_than_it_says_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
