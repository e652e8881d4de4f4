#include "sync/uplink/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void waits_grow_to_the_cap_and_stay_there(void **state)
{
    (void)state;
    struct backoff backoff = {.base_ms = 100, .cap_ms = 1500};
    const int64_t ceilings[] = {100, 200, 400, 800, 1500, 1500, 1500};
    for (size_t i = 0; i < sizeof ceilings / sizeof *ceilings; i++)
        assert_int_equal(backoff_next(&backoff, UINT32_MAX), ceilings[i]);
}

static void jitter_spreads_over_nearly_the_whole_ceiling(void **state)
{
    (void)state;
    struct backoff backoff = {.base_ms = 1000, .cap_ms = 1000};
    assert_int_equal(backoff_next(&backoff, 0), 100);
    assert_int_equal(backoff_next(&backoff, UINT32_MAX / 2), 549);
    assert_int_equal(backoff_next(&backoff, UINT32_MAX), 1000);
}

static void a_reset_begins_anew(void **state)
{
    (void)state;
    struct backoff backoff = {.base_ms = 100, .cap_ms = 1500};
    for (int i = 0; i < 10; i++)
        (void)backoff_next(&backoff, UINT32_MAX);
    backoff_reset(&backoff);
    assert_int_equal(backoff_next(&backoff, UINT32_MAX), 100);
}

static void ten_thousand_failures_do_not_overflow(void **state)
{
    (void)state;
    struct backoff backoff = {.base_ms = 100, .cap_ms = 1500};
    for (int i = 0; i < 10000; i++) {
        int64_t wait_ms = backoff_next(&backoff, (uint32_t)i * 2654435761U);
        assert_true(wait_ms >= 10 && wait_ms <= 1500);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_grow_to_the_cap_and_stay_there),
        cmocka_unit_test(jitter_spreads_over_nearly_the_whole_ceiling),
        cmocka_unit_test(a_reset_begins_anew),
        cmocka_unit_test(ten_thousand_failures_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
