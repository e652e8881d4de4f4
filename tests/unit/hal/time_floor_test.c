#include "hal/clock.h"
#include "hal/time_floor.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const int64_t build_ms = INT64_C(1795000000000);
static const int64_t day_ms = INT64_C(24) * 3600 * 1000;

static void a_new_folder_has_the_builds_time(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_make(&scratch);
    assert_int_equal(time_floor_read(scratch.path, build_ms), build_ms);
    scratch_remove(&scratch);
}

static void a_clock_back_at_1970_reads_the_last_time_that_was_written(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_make(&scratch);
    int64_t far_ms =
        INT64_C(4102444800000); /* 2100: whatever this machine's clock says is before */
    assert_int_equal(time_floor_write(scratch.path, far_ms, NULL), ERR_OK);
    struct clock *clock;
    assert_int_equal(clock_open(&clock, time_floor_read(scratch.path, build_ms), NULL), ERR_OK);
    assert_true(clock_wall_ms(clock) >= far_ms);
    assert_false(clock_read(clock).trusted);
    clock_close(clock);
    scratch_remove(&scratch);
}

static void what_is_older_than_the_build_or_damaged_says_nothing(void **state)
{
    (void)state;
    struct scratch scratch;
    char path[SCRATCH_PATH_MAX];
    scratch_make(&scratch);
    assert_int_equal(time_floor_write(scratch.path, build_ms - day_ms, NULL), ERR_OK);
    assert_int_equal(time_floor_read(scratch.path, build_ms), build_ms);
    scratch_write(scratch_path(&scratch, "clock", path), "\0\0\0\0", 4);
    assert_int_equal(time_floor_read(scratch.path, build_ms), build_ms);
    scratch_remove(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_folder_has_the_builds_time),
        cmocka_unit_test(a_clock_back_at_1970_reads_the_last_time_that_was_written),
        cmocka_unit_test(what_is_older_than_the_build_or_damaged_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
