#include "hal/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const int64_t year_2026 = INT64_C(1767225600000);
static const int64_t year_2100 = INT64_C(4102444800000);
static const int64_t hour_ms = 3600 * 1000;

static struct clock *open_real(int64_t floor_ms)
{
    struct clock *clock;
    struct fault fault;
    assert_int_equal(clock_open(&clock, floor_ms, &fault), ERR_OK);
    return clock;
}

static struct clock *open_fake(int64_t wall_ms)
{
    struct clock *clock;
    assert_int_equal(clock_fake_open(&clock, wall_ms, NULL), ERR_OK);
    return clock;
}

static void real_clock_reads_the_kernel(void **state)
{
    (void)state;
    struct clock *clock = open_real(0);
    struct clock_reading first = clock_read(clock);
    struct clock_reading second = clock_read(clock);
    assert_true(first.wall_ms > 0);
    assert_true(first.monotonic_ms > 0);
    assert_true(second.monotonic_ms >= first.monotonic_ms);
    assert_int_equal(strlen(first.boot_id), CLOCK_BOOT_ID_TEXT);
    assert_string_equal(first.boot_id, second.boot_id);
    assert_false(first.trusted);
    clock_close(clock);
}

static void wall_time_never_reads_below_the_floor(void **state)
{
    (void)state;
    struct clock *clock = open_real(year_2100);
    int64_t wall_ms = clock_wall_ms(clock);
    assert_true(wall_ms >= year_2100 && wall_ms < year_2100 + hour_ms);
    clock_close(clock);
}

static void trusted_time_holds_although_the_system_clock_jumps(void **state)
{
    (void)state;
    struct clock *clock = open_fake(0);
    assert_int_equal(clock_trust(clock, year_2026), year_2026);
    assert_true(clock_read(clock).trusted);
    clock_fake_advance(clock, 500);
    assert_int_equal(clock_wall_ms(clock), year_2026 + 500);
    clock_fake_set_wall(clock, year_2100);
    assert_int_equal(clock_wall_ms(clock), year_2026 + 500);
    assert_int_equal(clock_monotonic_ms(clock), 500);
    clock_close(clock);
}

static void trust_tells_the_step_from_what_was_read_before(void **state)
{
    (void)state;
    struct clock *clock = open_fake(year_2026);
    assert_int_equal(clock_trust(clock, year_2026 - 300), -300);
    assert_int_equal(clock_trust(clock, year_2026 - 300), 0);
    clock_fake_advance(clock, 1000);
    assert_int_equal(clock_trust(clock, year_2026 + 701), 1);
    clock_close(clock);
}

static void trusted_time_may_be_earlier_than_a_floor_that_was_wrong(void **state)
{
    (void)state;
    struct clock *clock = open_real(year_2100);
    assert_true(clock_trust(clock, year_2026) < 0);
    assert_true(clock_wall_ms(clock) < year_2026 + hour_ms);
    clock_close(clock);
}

static void fake_stands_still_until_told(void **state)
{
    (void)state;
    struct clock *clock = open_fake(year_2026);
    struct clock_reading reading = clock_read(clock);
    assert_int_equal(reading.wall_ms, year_2026);
    assert_int_equal(reading.monotonic_ms, 0);
    assert_false(reading.trusted);
    assert_int_equal(strlen(reading.boot_id), CLOCK_BOOT_ID_TEXT);
    clock_fake_advance(clock, 7);
    assert_int_equal(clock_wall_ms(clock), year_2026 + 7);
    assert_int_equal(clock_monotonic_ms(clock), 7);
    clock_fake_set_wall(clock, 1000);
    assert_int_equal(clock_wall_ms(clock), 1000);
    assert_int_equal(clock_monotonic_ms(clock), 7);
    clock_close(clock);
}

static void *read_often(void *context)
{
    for (int i = 0; i < 1000; i++)
        if (clock_read(context).wall_ms < year_2026)
            return context;
    return NULL;
}

static void several_threads_may_read_while_one_trusts(void **state)
{
    (void)state;
    struct clock *clock = open_fake(year_2026);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_often, clock), 0);
    for (int i = 1; i <= 1000; i++)
        assert_int_equal(clock_trust(clock, year_2026 + i), 1);
    void *wrong;
    assert_int_equal(pthread_join(thread, &wrong), 0);
    assert_null(wrong);
    clock_close(clock);
    clock_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_clock_reads_the_kernel),
        cmocka_unit_test(wall_time_never_reads_below_the_floor),
        cmocka_unit_test(trusted_time_holds_although_the_system_clock_jumps),
        cmocka_unit_test(trust_tells_the_step_from_what_was_read_before),
        cmocka_unit_test(trusted_time_may_be_earlier_than_a_floor_that_was_wrong),
        cmocka_unit_test(fake_stands_still_until_told),
        cmocka_unit_test(several_threads_may_read_while_one_trusts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
