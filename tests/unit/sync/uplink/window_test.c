#include "sync/uplink/window.h"
#include "tests/support/seed.h"
#include "tests/support/window_road.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void an_idle_log_sends_nothing(void **state)
{
    (void)state;
    struct window window;
    struct window_choice choice;
    window_init(&window, &window_road_limits);
    assert_false(window_next(&window, &choice));
    assert_int_equal(window_deadline_ms(&window), INT64_MAX);
}

static void batches_follow_one_another_without_gap(void **state)
{
    (void)state;
    struct window window;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 35, 3);
    window_road_expect(&window, STREAM_RETURNS, 4, 13);
    window_road_expect(&window, STREAM_RETURNS, 14, 23);
    window_road_expect(&window, STREAM_RETURNS, 24, 33);
    window_road_expect(&window, STREAM_RETURNS, 34, 35);
    struct window_choice choice;
    assert_false(window_next(&window, &choice));
}

static void the_wire_holds_only_so_many_and_a_puback_makes_room(void **state)
{
    (void)state;
    struct window window;
    struct window_batch sent;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 90, 0);
    int first = window_road_send(&window, 0, &sent);
    for (int i = 1; i < 4; i++)
        assert_true(window_road_send(&window, 0, &sent) > 0);
    assert_int_equal(window_road_send(&window, 0, &sent), 0);
    window_taken(&window, first);
    assert_true(window_road_send(&window, 0, &sent) > 0);
    assert_int_equal(sent.first, 41);
    assert_int_equal(window_road_send(&window, 0, &sent), 0);
}

static void a_puback_moves_no_watermark(void **state)
{
    (void)state;
    struct window window;
    struct window_batch sent;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 10, 0);
    window_taken(&window, window_road_send(&window, 0, &sent));
    assert_int_equal(window_waiting(&window, STREAM_RETURNS), 10);
    assert_int_equal(window_deadline_ms(&window), 5000);
}

static void an_acknowledgement_slides_the_window(void **state)
{
    (void)state;
    struct window window;
    struct window_batch sent;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 20, 0);
    (void)window_road_send(&window, 0, &sent);
    (void)window_road_send(&window, 7, &sent);
    struct ack ack = (struct ack){.through = 10};
    assert_true(window_acknowledge(&window, STREAM_RETURNS, &ack, 0));
    assert_int_equal(window_waiting(&window, STREAM_RETURNS), 10);
    assert_int_equal(window_deadline_ms(&window), 5007);
    assert_false(window_acknowledge(&window, STREAM_RETURNS, &ack, 0));
}

static void after_a_reconnect_all_above_the_watermark_goes_again(void **state)
{
    (void)state;
    struct window window;
    struct window_batch sent;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 30, 0);
    while (window_road_send(&window, 0, &sent))
        continue;
    struct ack ack = (struct ack){.through = 10};
    (void)window_acknowledge(&window, STREAM_RETURNS, &ack, 0);
    window_restart(&window);
    window_road_expect(&window, STREAM_RETURNS, 11, 20);
}

static void a_hub_that_went_back_gets_the_rest_again(void **state)
{
    (void)state;
    struct window window;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 30, 30);
    struct ack ack = (struct ack){.through = 12};
    (void)window_acknowledge(&window, STREAM_RETURNS, &ack, 0);
    window_road_expect(&window, STREAM_RETURNS, 13, 22);
}

static void what_the_hub_holds_ahead_is_not_sent(void **state)
{
    (void)state;
    struct window window;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 40, 0);
    struct ack ack = {.also = {{6, 20}, {31, 40}}, .also_count = 2};
    (void)window_acknowledge(&window, STREAM_RETURNS, &ack, 0);
    assert_int_equal(window_waiting(&window, STREAM_RETURNS), 15);
    window_road_expect(&window, STREAM_RETURNS, 1, 5);
    window_road_expect(&window, STREAM_RETURNS, 21, 30);
    struct window_choice choice;
    assert_false(window_next(&window, &choice));
}

static void the_newest_overtake_a_long_backlog(void **state)
{
    (void)state;
    struct window window;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 1000, 0);
    window_road_expect(&window, STREAM_RETURNS, 991, 1000);
    window_road_expect(&window, STREAM_RETURNS, 1, 10);
    window_grow(&window, STREAM_RETURNS, 1002);
    window_road_expect(&window, STREAM_RETURNS, 1001, 1002);
    window_road_expect(&window, STREAM_RETURNS, 11, 20);
}

enum { MANY = 4000 };

/* What the hub holds, as it acknowledges: what is whole from the first on, and what is above. */
static struct ack ack_of(const bool held[static MANY + 1])
{
    struct ack ack = {0};
    while (ack.through < MANY && held[ack.through + 1])
        ack.through++;
    for (int64_t seq = ack.through + 2; seq <= MANY && ack.also_count < ACK_RANGES_MAX; seq++) {
        if (!held[seq] || held[seq - 1])
            continue;
        struct ack_range *range = &ack.also[ack.also_count++];
        *range = (struct ack_range){seq, seq};
        while (range->last < MANY && held[range->last + 1])
            range->last++;
    }
    return ack;
}

static void live_traffic_does_not_starve_the_backlog(void **state)
{
    (void)state;
    static bool held[MANY + 1];
    struct window window;
    struct window_batch sent;
    int64_t head = 1000;
    struct ack ack = {0};
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, head, 0);
    for (int round = 0; round < 200 && ack.through < 1000; round++) {
        head += 12;
        window_grow(&window, STREAM_RETURNS, head);
        for (int token; (token = window_road_send(&window, round, &sent)) != 0;) {
            window_taken(&window, token);
            for (int64_t seq = sent.first; seq <= sent.last; seq++)
                held[seq] = true;
        }
        ack = ack_of(held);
        (void)window_acknowledge(&window, STREAM_RETURNS, &ack, 0);
    }
    assert_true(ack.through >= 1000);
    assert_true(head < MANY);
}

static void sales_get_every_fourth_turn_behind_returns(void **state)
{
    (void)state;
    struct window window;
    struct window_batch sent;
    int sales = 0;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 90, 0);
    window_begin(&window, STREAM_SALES, 90, 0);
    for (int i = 0; i < 8; i++) {
        window_taken(&window, window_road_send(&window, 0, &sent));
        sales += sent.stream == STREAM_SALES;
    }
    assert_int_equal(sales, 2);
}

static void sales_go_alone_when_no_return_waits(void **state)
{
    (void)state;
    struct window window;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_SALES, 5, 0);
    window_road_expect(&window, STREAM_SALES, 1, 5);
}

static void bytes_bound_the_window_but_never_the_only_batch(void **state)
{
    (void)state;
    struct window window;
    struct window_choice choice;
    struct window_limits narrow = window_road_limits;
    narrow.bytes = 120;
    window_init(&window, &narrow);
    window_begin(&window, STREAM_RETURNS, 90, 0);
    assert_true(window_next(&window, &choice));
    const struct window_batch large = {
        .stream = STREAM_RETURNS, .first = 1, .last = 10, .bytes = 5000, .token = 1};
    window_sent(&window, &large);
    window_taken(&window, 1);
    assert_false(window_next(&window, &choice));
}

static void a_time_out_shrinks_and_success_grows_again(void **state)
{
    (void)state;
    struct window window;
    struct window_batch sent;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 100, 0);
    window_shrink(&window);
    window_restart(&window);
    window_taken(&window, window_road_send(&window, 0, &sent));
    assert_int_equal(window_road_send(&window, 0, &sent), 0);
    for (int64_t through = 10; through <= 70; through += 10) {
        struct ack ack = (struct ack){.through = through};
        assert_true(window_acknowledge(&window, STREAM_RETURNS, &ack, 0));
        window_taken(&window, window_road_send(&window, 0, &sent));
    }
    assert_int_equal(window.allowed, window_road_limits.batches);
    assert_true(window_road_send(&window, 0, &sent) > 0);
}

/* In bytes, since a line that nobody knows may be a slow one. */
static void the_first_batches_are_small_ones(void **state)
{
    (void)state;
    struct window window;
    struct window_limits careful = window_road_limits;
    struct window_batch sent;
    struct window_choice choice = {0};
    careful.first_bytes = 25;
    window_init(&window, &careful);
    window_begin(&window, STREAM_RETURNS, 100, 0);
    for (size_t bytes = 25; bytes <= 100; bytes *= 2) {
        assert_true(window_next(&window, &choice));
        assert_int_equal(choice.max_bytes, bytes);
        window_taken(&window, window_road_send(&window, 0, &sent));
        struct ack ack = (struct ack){.through = sent.last};
        assert_true(window_acknowledge(&window, STREAM_RETURNS, &ack, 0));
    }
    assert_true(window_next(&window, &choice));
    assert_int_equal(choice.max_bytes, window_road_limits.batch_bytes);
}

static void without_a_hub_only_one_event_at_a_time_is_tried(void **state)
{
    (void)state;
    struct window window;
    struct window_batch sent;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 100, 0);
    window_undelivered(&window, window_road_send(&window, 0, &sent));
    window_road_expect(&window, STREAM_RETURNS, 1, 1);
    assert_int_equal(window_road_send(&window, 0, &sent), 0);
    struct ack ack = (struct ack){.through = 1};
    assert_true(window_acknowledge(&window, STREAM_RETURNS, &ack, 0));
    window_road_expect(&window, STREAM_RETURNS, 2, 11);
    window_road_expect(&window, STREAM_RETURNS, 12, 21);
}

static void what_a_returned_hub_does_not_have_is_sent_again(void **state)
{
    (void)state;
    struct window window;
    struct window_batch sent;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 30, 0);
    window_taken(&window, window_road_send(&window, 1000, &sent));
    int on_wire = window_road_send(&window, 1000, &sent);
    window_taken(&window, window_road_send(&window, 1400, &sent));
    assert_true(on_wire > 0);
    assert_true(window_drop_old(&window, 1600, 500));
    assert_int_equal(window.count, 2);
    window_road_expect(&window, STREAM_RETURNS, 1, 10);
    assert_false(window_drop_old(&window, 1600, 500));
}

static void hub_with_a_long_queue_is_given_the_time_that_it_takes(void **state)
{
    (void)state;
    struct window window;
    struct window_batch sent;
    const struct ack ack = {.through = 10};
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 30, 0);
    window_taken(&window, window_road_send(&window, 1000, &sent));
    window_taken(&window, window_road_send(&window, 1000, &sent));
    assert_true(window_acknowledge(&window, STREAM_RETURNS, &ack, 1800));
    assert_false(window_drop_old(&window, 1900, 500));
    assert_true(window_drop_old(&window, 3100, 500));
}

static void another_log_forgets_only_its_own_stream(void **state)
{
    (void)state;
    struct window window;
    struct window_batch sent;
    window_init(&window, &window_road_limits);
    window_begin(&window, STREAM_RETURNS, 30, 0);
    (void)window_road_send(&window, 0, &sent);
    window_begin(&window, STREAM_SALES, 5, 0);
    while (window_road_send(&window, 0, &sent) && sent.stream != STREAM_SALES)
        continue;
    window_begin(&window, STREAM_RETURNS, 3, 0);
    assert_int_equal(window.count, 1);
    window_road_expect(&window, STREAM_RETURNS, 1, 3);
}

/* A road that loses, delays and restarts at random: everything arrives, nothing is invented. */
static void any_road_delivers_everything(void **state)
{
    (void)state;
    unsigned seed = (unsigned)seed_chosen();
    enum { EVENTS = 700 };
    for (int round = 0; round < 20; round++) {
        struct window window;
        bool there[EVENTS + 2] = {false};
        int64_t through = 0;
        window_init(&window, &window_road_limits);
        window_begin(&window, STREAM_RETURNS, EVENTS, 0);
        for (int step = 0; through < EVENTS; step++) {
            struct window_batch sent;
            assert_true(step < 20000);
            if (!window_road_send(&window, step, &sent) || rand_r(&seed) % 50 == 0) {
                window_restart(&window);
                continue;
            }
            assert_true(sent.first > through && sent.last <= EVENTS);
            if (rand_r(&seed) % 4)
                window_taken(&window, sent.token);
            if (rand_r(&seed) % 5 == 0)
                continue;
            for (int64_t seq = sent.first; seq <= sent.last; seq++)
                there[seq] = true;
            while (there[through + 1])
                through++;
            struct ack ack = (struct ack){.through = through};
            for (int64_t seq = through + 2; seq <= EVENTS && ack.also_count < 8; seq++) {
                if (!there[seq])
                    continue;
                struct ack_range *range = &ack.also[ack.also_count++];
                range->first = seq;
                while (there[seq + 1])
                    seq++;
                range->last = seq;
            }
            (void)window_acknowledge(&window, STREAM_RETURNS, &ack, 0);
        }
        assert_int_equal(window_waiting(&window, STREAM_RETURNS), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_log_sends_nothing),
        cmocka_unit_test(batches_follow_one_another_without_gap),
        cmocka_unit_test(the_wire_holds_only_so_many_and_a_puback_makes_room),
        cmocka_unit_test(a_puback_moves_no_watermark),
        cmocka_unit_test(an_acknowledgement_slides_the_window),
        cmocka_unit_test(after_a_reconnect_all_above_the_watermark_goes_again),
        cmocka_unit_test(a_hub_that_went_back_gets_the_rest_again),
        cmocka_unit_test(what_the_hub_holds_ahead_is_not_sent),
        cmocka_unit_test(the_newest_overtake_a_long_backlog),
        cmocka_unit_test(live_traffic_does_not_starve_the_backlog),
        cmocka_unit_test(sales_get_every_fourth_turn_behind_returns),
        cmocka_unit_test(sales_go_alone_when_no_return_waits),
        cmocka_unit_test(bytes_bound_the_window_but_never_the_only_batch),
        cmocka_unit_test(a_time_out_shrinks_and_success_grows_again),
        cmocka_unit_test(the_first_batches_are_small_ones),
        cmocka_unit_test(without_a_hub_only_one_event_at_a_time_is_tried),
        cmocka_unit_test(what_a_returned_hub_does_not_have_is_sent_again),
        cmocka_unit_test(hub_with_a_long_queue_is_given_the_time_that_it_takes),
        cmocka_unit_test(another_log_forgets_only_its_own_stream),
        cmocka_unit_test(any_road_delivers_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
