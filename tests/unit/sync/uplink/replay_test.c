/* What is asked for once more: one batch at a time, and nothing forgotten on the way. */
#include "sync/uplink/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void ask(struct replay *replay, int64_t first, int64_t last)
{
    const struct replay_range range = {.stream = STREAM_RETURNS, .first = first, .last = last};
    assert_int_equal(replay_add(replay, &range), ERR_OK);
}

static void ranges_are_sent_in_order_one_batch_at_a_time(void **state)
{
    (void)state;
    struct replay replay = {.count = 0};
    struct replay_range next;
    assert_false(replay_next(&replay, &next));
    ask(&replay, 5, 14);
    ask(&replay, 2, 2);
    assert_int_equal(replay_left(&replay), 11);
    assert_true(replay_next(&replay, &next));
    assert_int_equal(next.first, 5);
    replay_sent(&replay, 9);
    assert_false(replay_next(&replay, &next));
    replay_answered(&replay);
    assert_true(replay_next(&replay, &next));
    assert_int_equal(next.first, 10);
    replay_sent(&replay, 14);
    replay_answered(&replay);
    assert_true(replay_next(&replay, &next));
    assert_int_equal(next.first, 2);
    replay_sent(&replay, 2);
    replay_answered(&replay);
    assert_int_equal(replay_left(&replay), 0);
    replay_answered(&replay);
    assert_false(replay_next(&replay, &next));
}

static void what_was_lost_on_the_road_is_sent_again(void **state)
{
    (void)state;
    struct replay replay = {.count = 0};
    struct replay_range next;
    ask(&replay, 1, 4);
    replay_sent(&replay, 3);
    replay_restart(&replay);
    assert_true(replay_next(&replay, &next));
    assert_int_equal(next.first, 1);
    replay_drop(&replay);
    assert_false(replay_next(&replay, &next));
}

static void too_many_wishes_are_refused(void **state)
{
    (void)state;
    struct replay replay = {.count = 0};
    const struct replay_range range = {.first = 1, .last = 1};
    for (int i = 0; i < REPLAY_RANGES_MAX; i++)
        ask(&replay, 1, 1);
    assert_int_equal(replay_add(&replay, &range), ERR_BUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_sent_in_order_one_batch_at_a_time),
        cmocka_unit_test(what_was_lost_on_the_road_is_sent_again),
        cmocka_unit_test(too_many_wishes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
