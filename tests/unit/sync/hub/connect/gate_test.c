#include "sync/hub/connect/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct gate opened(int64_t most_a_minute)
{
    const struct gate_config config = {
        .retry_least_ms = 100, .retry_most_ms = 800, .most_a_minute = most_a_minute};
    struct gate gate;
    gate_init(&gate, &config);
    return gate;
}

static void failure_lets_one_through_after_a_pause(void **state)
{
    (void)state;
    struct gate gate = opened(0);
    assert_int_equal(gate_let(&gate, 50, 1000), 50);
    gate_tried(&gate, 3, true, 1000);
    assert_int_equal(gate_let(&gate, 50, 1000), 0);
    int64_t wait = gate_wait_ms(&gate, 1000);
    assert_in_range(wait, 50, 100);
    assert_int_equal(gate_let(&gate, 50, 1000 + wait), 1);
    gate_tried(&gate, 1, false, 1000 + wait);
    assert_int_equal(gate_let(&gate, 50, 1000 + wait), 50);
}

static void pause_that_the_other_side_asks_for_is_kept(void **state)
{
    (void)state;
    struct gate gate = opened(0);
    gate_tried(&gate, 1, true, 1000);
    gate_hold(&gate, 0, 1000); /* it asked for none */
    assert_in_range(gate_wait_ms(&gate, 1000), 50, 100);
    gate_hold(&gate, 30000, 1000);
    assert_int_equal(gate_wait_ms(&gate, 1000), 30000);
    assert_int_equal(gate_let(&gate, 50, 30999), 0);
    assert_int_equal(gate_let(&gate, 50, 31000), 1);
    gate_hold(&gate, 10, 1000); /* none shorter than what was kept so far */
    assert_int_equal(gate_wait_ms(&gate, 1000), 30000);
}

static void pause_doubles_up_to_the_most(void **state)
{
    (void)state;
    struct gate gate = opened(0);
    int64_t now = 1000;
    for (int64_t longest = 100, i = 0; i < 100; i++) {
        gate_tried(&gate, 1, true, now);
        assert_in_range(gate_wait_ms(&gate, now), longest / 2, longest);
        now += gate_wait_ms(&gate, now);
        longest = longest < 800 ? 2 * longest : 800;
    }
}

static void minute_lets_no_more_than_its_share(void **state)
{
    (void)state;
    struct gate gate = opened(60);
    assert_int_equal(gate_let(&gate, 50, 100000), 50);
    gate_tried(&gate, 50, false, 100000);
    assert_int_equal(gate_let(&gate, 50, 100001), 10);
    gate_tried(&gate, 10, false, 100001);
    assert_int_equal(gate_let(&gate, 50, 100002), 0);
    assert_int_equal(gate_wait_ms(&gate, 100002), 59998);
    gate_hold(&gate, 90000, 100002); /* longer than the minute */
    assert_int_equal(gate_wait_ms(&gate, 100002), 90000);
    assert_int_equal(gate_let(&gate, 50, 160000), 0);
    assert_int_equal(gate_let(&gate, 50, 190002), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failure_lets_one_through_after_a_pause),
        cmocka_unit_test(pause_that_the_other_side_asks_for_is_kept),
        cmocka_unit_test(pause_doubles_up_to_the_most),
        cmocka_unit_test(minute_lets_no_more_than_its_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
