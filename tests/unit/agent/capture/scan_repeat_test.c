/* A double-firing scanner makes one scan; people who scan twice make two. */
#include "agent/capture/scan_repeat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static bool seen(struct scan_repeat *repeat, const char *scanner, const char *data, int64_t at)
{
    return scan_repeat_seen(repeat, scanner, slice_of(data), at);
}

static void the_same_data_soon_after_is_a_repeat(void **state)
{
    (void)state;
    struct scan_repeat repeat = {0};
    assert_false(seen(&repeat, "a", "x", 1000));
    assert_true(seen(&repeat, "a", "x", 1000 + SCAN_REPEAT_MS - 1));
    assert_true(seen(&repeat, "a", "x", 1000 + 2 * SCAN_REPEAT_MS - 2));
    assert_false(seen(&repeat, "a", "x", 1000 + 4 * SCAN_REPEAT_MS));
}

static void other_data_or_another_scanner_is_new(void **state)
{
    (void)state;
    struct scan_repeat repeat = {0};
    assert_false(seen(&repeat, "a", "x", 0));
    assert_false(seen(&repeat, "b", "x", 1));
    assert_false(seen(&repeat, "a", "y", 2));
    assert_false(seen(&repeat, "a", "x", 3));
    assert_true(seen(&repeat, "b", "x", 4));
}

static void more_scanners_than_places_still_work(void **state)
{
    (void)state;
    struct scan_repeat repeat = {0};
    for (int i = 0; i < 2 * SCAN_REPEAT_SCANNERS; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "s%d", i);
        assert_false(seen(&repeat, name, "x", 10 * i));
        assert_true(seen(&repeat, name, "x", 10 * i + 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_data_soon_after_is_a_repeat),
        cmocka_unit_test(other_data_or_another_scanner_is_new),
        cmocka_unit_test(more_scanners_than_places_still_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
