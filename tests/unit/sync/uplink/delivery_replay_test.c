/* What somebody asked to be sent once more, on the road: also when it is lost there. */
#include "sync/contract/ack.h"
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

static bool all_is_backed_up(void *context)
{
    struct uplink_house *f = context;
    struct eventlog_stream_status log = log_fixture_stream(&f->log, STREAM_RETURNS);
    return log.head > 0 && log.backed_up_through == log.head;
}

static bool nothing_is_replayed(void *context)
{
    struct uplink_house *f = context;
    struct uplink_status status;
    uplink_status(f->uplink, &status);
    return status.replaying == 0;
}

/* Six events are with the hub. */
static void deliver_six(struct uplink_house *f)
{
    uplink_house_join(f);
    f->hub.backs_up = true;
    uplink_house_append(f, 6);
    uplink_house_start(f);
    uplink_house_await_all_held(f, AWAIT_MS);
    assert_true(await(f->loop, all_is_backed_up, f, AWAIT_MS));
}

static void replay_two_to_four(struct uplink_house *f)
{
    int64_t count = 0;
    struct fault fault;
    assert_int_equal(uplink_replay(f->uplink, STREAM_RETURNS, 2, 4, &count, &fault), ERR_OK);
    assert_int_equal(count, 3);
    assert_false(nothing_is_replayed(f));
}

/* By an uplink that was opened anew. */
static void replay_before_there_is_a_link(struct uplink_house *f)
{
    deliver_six(f);
    uplink_close(f->uplink);
    uplink_house_start(f);
    replay_two_to_four(f);
}

static void two_to_four_came_twice(struct uplink_house *f)
{
    assert_true(await(f->loop, nothing_is_replayed, f, AWAIT_MS));
    for (int64_t seq = 1; seq <= 6; seq++)
        assert_int_equal(f->hub.shelf.times[seq], seq >= 2 && seq <= 4 ? 2 : 1);
}

static void what_is_asked_for_again_goes_once_more(void **state)
{
    struct uplink_house *f = *state;
    replay_before_there_is_a_link(f);
    two_to_four_came_twice(f);
}

/* Else nobody could ask for anything any more. */
static void what_was_cut_since_it_was_asked_for_is_given_up(void **state)
{
    struct uplink_house *f = *state;
    const struct eventlog_retention rules = {.max_events = 1};
    int64_t pruned = 0;
    replay_before_there_is_a_link(f);
    assert_int_equal(eventlog_prune(f->log.log, &rules, &pruned, NULL), ERR_OK);
    assert_true(pruned > 0);
    assert_true(await(f->loop, nothing_is_replayed, f, AWAIT_MS));
    uplink_house_append(f, 1);
    uplink_house_await_all_held(f, AWAIT_MS);
    assert_int_equal(f->hub.shelf.times[2], 1);
}

/* --- Lost on the road ------------------------------------------------------------------------- */

static bool a_batch_came(void *context)
{
    return ((struct uplink_house *)context)->hub.batches > 0;
}

/* The hub has it, and dies over it. */
static void lose_a_replay(struct uplink_house *f)
{
    deliver_six(f);
    f->hub.silent = true;
    f->hub.batches = 0;
    replay_two_to_four(f);
    assert_true(await(f->loop, a_batch_came, f, AWAIT_MS));
    f->hub.silent = false;
    assert_false(nothing_is_replayed(f));
}

static void what_stays_unanswered_goes_again_on_a_new_connection(void **state)
{
    struct uplink_house *f = *state;
    f->limits.ack_timeout_ms = 300;
    lose_a_replay(f);
    two_to_four_came_twice(f);
}

static void what_went_while_no_hub_was_there_goes_again(void **state)
{
    struct uplink_house *f = *state;
    deliver_six(f);
    fake_hub_leave(&f->hub);
    uplink_close(f->uplink);
    uplink_house_start(f);
    replay_two_to_four(f);
    assert_true(await(f->loop, uplink_house_online, f, AWAIT_MS));
    uplink_house_join(f);
    two_to_four_came_twice(f);
}

/* The broker has it from a hub that went back in time meanwhile. */
static void tell_of_more_than_there_is(struct uplink_house *f)
{
    struct buf text;
    const struct ack ack = {.log = f->hub.shelf.log,
                            .through = 1000,
                            .ack_no = f->hub.shelf.ack_no + 1,
                            .hub_epoch = 5};
    buf_init(&text, 8192);
    ack_write(&text, &ack);
    fake_hub_publish(&f->hub, "ack/returns",
                     (struct mqtt_message){.payload = buf_slice(&text), .retain = true});
    buf_free(&text);
}

static void what_was_asked_for_of_a_log_that_forks_is_given_up(void **state)
{
    struct uplink_house *f = *state;
    deliver_six(f);
    uplink_close(f->uplink);
    tell_of_more_than_there_is(f);
    f->hub.silent = true;
    uplink_house_start(f);
    replay_two_to_four(f);
    assert_true(await(f->loop, nothing_is_replayed, f, AWAIT_MS));
    assert_true(log_fixture_stream(&f->log, STREAM_RETURNS).forked);
}

struct repeater {
    struct uplink_house *house;
    int64_t said_ms;
};

/* The hub says of the other stream what it said before. */
static bool is_replayed_to_a_hub_that_repeats_itself(void *context)
{
    enum { EVERY_MS = 50 };
    struct repeater *repeater = context;
    struct uplink_house *f = repeater->house;
    const struct ack ack = {.log = log_fixture_stream(&f->log, STREAM_SALES).log, .hub_epoch = 5};
    struct buf text;
    if (loop_now_ms(f->loop) - repeater->said_ms >= EVERY_MS) {
        repeater->said_ms = loop_now_ms(f->loop);
        buf_init(&text, 8192);
        ack_write(&text, &ack);
        fake_hub_publish(&f->hub, "ack/sales", (struct mqtt_message){.payload = buf_slice(&text)});
        buf_free(&text);
    }
    return nothing_is_replayed(f);
}

static void what_a_hub_lost_goes_again_when_it_comes_back(void **state)
{
    struct uplink_house *f = *state;
    struct uplink_status status;
    struct repeater repeater = {.house = f};
    lose_a_replay(f);
    assert_true(await(f->loop, is_replayed_to_a_hub_that_repeats_itself, &repeater, AWAIT_MS));
    two_to_four_came_twice(f);
    uplink_status(f->uplink, &status);
    assert_int_equal(status.last.code, ERR_OK); /* the connection stayed */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, uplink_house_setup, uplink_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_asked_for_again_goes_once_more),
        TEST(what_was_cut_since_it_was_asked_for_is_given_up),
        TEST(what_stays_unanswered_goes_again_on_a_new_connection),
        TEST(what_went_while_no_hub_was_there_goes_again),
        TEST(what_was_asked_for_of_a_log_that_forks_is_given_up),
        TEST(what_a_hub_lost_goes_again_when_it_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
