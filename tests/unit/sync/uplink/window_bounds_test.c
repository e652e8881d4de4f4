/* How far the window goes: what bounds it, and what it takes an answer or a new connection for. */
#include "sync/uplink/window.h"
#include "tests/support/window_road.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The counter sells on, more in each round than a batch takes. */
static void a_backlog_is_long_from_so_many_events_on(void **state)
{
    (void)state;
    struct window window;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 100, 0); /* 99 behind the oldest */
    window_road_expect(&window, STREAM_RETURNS, 1, 10);
    window_begin(&window, STREAM_RETURNS, 101, 0);
    window_road_expect(&window, STREAM_RETURNS, 92, 101);
}

static void the_backlog_ends_where_the_newest_are_on_the_road(void **state)
{
    (void)state;
    struct window window;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 105, 0);
    window_road_expect(&window, STREAM_RETURNS, 96, 105);
    struct ack ack = (struct ack){.through = 90};
    assert_false(window_acknowledge(&window, STREAM_RETURNS, &ack, 0));
    window_road_expect(&window, STREAM_RETURNS, 91, 95);
    assert_int_equal(window_road_send(&window, 0, &(struct window_batch){0}), 0);
}

/* Nobody hears the newest either: what is tried is what must be known first. */
static void without_a_hub_the_newest_overtake_nothing(void **state)
{
    (void)state;
    struct window window;
    struct window_batch sent;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 500, 0);
    window_undelivered(&window, window_road_send(&window, 0, &sent));
    window_road_expect(&window, STREAM_RETURNS, 1, 1);
}

static void a_time_out_leaves_one_small_batch_at_a_time(void **state)
{
    (void)state;
    struct window window;
    struct window_limits wide = window_road_limits;
    struct window_batch sent;
    struct window_choice choice = {0};
    wide.bytes = 1000000;
    wide.batch_bytes = wide.first_bytes = 40000;
    window_init(&window, &wide);
    window_begin(&window, STREAM_RETURNS, 100, 0);
    window_shrink(&window);
    assert_true(window_next(&window, &choice));
    assert_int_equal(choice.max_bytes, 10000);
    window_taken(&window, window_road_send(&window, 0, &sent));
    assert_false(window_next(&window, &choice));
    window_shrink(&window);
    window_restart(&window);
    assert_true(window_next(&window, &choice));
    assert_int_equal(choice.max_bytes, 4096); /* never less */
}

static void a_road_without_faults_holds_no_more_batches_than_it_may(void **state)
{
    (void)state;
    struct window window;
    struct window_batch sent;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 90, 0);
    for (int64_t through = 10; through <= 200; through += 10) {
        struct ack ack = (struct ack){.through = through};
        window_taken(&window, window_road_send(&window, 0, &sent));
        assert_true(window_acknowledge(&window, STREAM_RETURNS, &ack, 0));
        window_grow(&window, STREAM_RETURNS, through + 90);
    }
    for (int token; (token = window_road_send(&window, 0, &sent)) > 0;)
        window_taken(&window, token);
    assert_int_equal(window.count, window_road_limits.batches);
}

static void another_batch_goes_only_if_a_whole_one_has_room(void **state)
{
    (void)state;
    struct window window;
    struct window_choice choice;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 90, 0);
    struct window_batch large = {
        .stream = STREAM_RETURNS, .first = 1, .last = 10, .bytes = 901, .token = -1};
    window_sent(&window, &large);
    assert_false(window_next(&window, &choice));
    window_restart(&window);
    large.bytes = 900;
    window_sent(&window, &large);
    assert_true(window_next(&window, &choice));
}

static void what_waits_longest_for_its_answer_says_when_it_is_too_late(void **state)
{
    (void)state;
    struct window window;
    struct window_batch sent;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 90, 0);
    (void)window_road_send(&window, 7, &sent);
    (void)window_road_send(&window, 3, &sent);
    (void)window_road_send(&window, 9, &sent);
    assert_int_equal(window_deadline_ms(&window), 3 + window_road_limits.ack_timeout_ms);
}

/* What an older connection taught says nothing of the new one. */
static void a_new_connection_begins_anew(void **state)
{
    (void)state;
    struct window window;
    struct window_batch sent;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 100, 0);
    (void)window_road_send(&window, 0, &sent);
    struct ack ack = (struct ack){.through = 10};
    assert_true(window_acknowledge(&window, STREAM_RETURNS, &ack, 4000)); /* a slow hub */
    window_undelivered(&window, window_road_send(&window, 4000, &sent));
    window_restart(&window);
    window_road_expect(&window, STREAM_RETURNS, 11, 20);
    window_restart(&window);
    window_taken(&window, window_road_send(&window, 5000, &sent));
    assert_true(window_drop_old(&window, 5500, 500));
}

static void an_answer_in_the_middle_of_a_batch_leaves_it_on_the_road(void **state)
{
    (void)state;
    struct window window;
    struct window_batch sent;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 100, 0);
    (void)window_road_send(&window, 0, &sent);
    struct ack ack = (struct ack){.through = 5};
    assert_false(window_acknowledge(&window, STREAM_RETURNS, &ack, 0));
    window_road_expect(&window, STREAM_RETURNS, 11, 20);
}

static void an_answer_for_one_stream_says_nothing_of_the_other(void **state)
{
    (void)state;
    struct window window;
    struct window_batch sent;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 10, 0);
    window_begin(&window, STREAM_SALES, 10, 0);
    (void)window_road_send(&window, 0, &sent);
    assert_int_equal(sent.stream, STREAM_RETURNS);
    struct ack ack = (struct ack){.through = 10};
    assert_false(window_acknowledge(&window, STREAM_SALES, &ack, 0));
    assert_int_equal(window_deadline_ms(&window), 5000); /* it is still on the road */
}

/* What a broker kept, say, from before it was sent once more. */
static void only_an_answer_takes_what_goes_once_more_from_the_road(void **state)
{
    (void)state;
    struct window window;
    const struct ack ack = {.through = 10};
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 10, 10);
    window_sent(&window,
                &(struct window_batch){
                    .stream = STREAM_RETURNS, .first = 1, .last = 10, .bytes = 50, .replay = true});
    assert_false(window_acknowledge(&window, STREAM_RETURNS, &ack, 0));
    assert_false(window_replayed(&window, STREAM_SALES));
    assert_int_equal(window_deadline_ms(&window), 5000);
    assert_true(window_replayed(&window, STREAM_RETURNS));
    assert_int_equal(window_deadline_ms(&window), INT64_MAX);
    assert_false(window_replayed(&window, STREAM_RETURNS));
}

/* A log that lost its end waits for nothing. */
static void a_hub_that_holds_more_than_there_is_leaves_nothing_to_wait_for(void **state)
{
    (void)state;
    struct window window;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 10, 0);
    const struct ack ack = {.through = 5, .also = {{8, 20}}, .also_count = 1};
    assert_false(window_acknowledge(&window, STREAM_RETURNS, &ack, 0));
    assert_int_equal(window_waiting(&window, STREAM_RETURNS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backlog_is_long_from_so_many_events_on),
        cmocka_unit_test(the_backlog_ends_where_the_newest_are_on_the_road),
        cmocka_unit_test(without_a_hub_the_newest_overtake_nothing),
        cmocka_unit_test(a_time_out_leaves_one_small_batch_at_a_time),
        cmocka_unit_test(a_road_without_faults_holds_no_more_batches_than_it_may),
        cmocka_unit_test(another_batch_goes_only_if_a_whole_one_has_room),
        cmocka_unit_test(what_waits_longest_for_its_answer_says_when_it_is_too_late),
        cmocka_unit_test(a_new_connection_begins_anew),
        cmocka_unit_test(an_answer_in_the_middle_of_a_batch_leaves_it_on_the_road),
        cmocka_unit_test(an_answer_for_one_stream_says_nothing_of_the_other),
        cmocka_unit_test(only_an_answer_takes_what_goes_once_more_from_the_road),
        cmocka_unit_test(a_hub_that_holds_more_than_there_is_leaves_nothing_to_wait_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
