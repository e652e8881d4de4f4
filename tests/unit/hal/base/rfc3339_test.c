#include "hal/base/rfc3339.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const int64_t day_ms = INT64_C(86400000);

static int64_t parsed(const char *text)
{
    int64_t ms;
    assert_int_equal(rfc3339_parse(slice_of(text), &ms), ERR_OK);
    return ms;
}

static void the_examples_of_the_standard_parse(void **state)
{
    (void)state;
    assert_int_equal(parsed("1985-04-12T23:20:50.52Z"), INT64_C(482196050520));
    assert_int_equal(parsed("1996-12-19T16:39:57-08:00"), INT64_C(851042397000));
    assert_int_equal(parsed("1937-01-01T12:00:27.87+00:20"), INT64_C(-1041337172130));
    assert_int_equal(parsed("1990-12-31T23:59:60Z"), INT64_C(662687999000));
    assert_int_equal(parsed("1970-01-01t00:00:00z"), 0);
}

static void every_day_until_2200_goes_both_ways(void **state)
{
    (void)state;
    for (int64_t day = 0; day < 84000; day++) {
        int64_t ms = day * day_ms + day * 997 % day_ms;
        char text[RFC3339_TEXT + 1];
        rfc3339_format(ms, text);
        assert_int_equal(strlen(text), RFC3339_TEXT);
        assert_int_equal(parsed(text), ms);
    }
}

static void known_dates_have_their_day_number(void **state)
{
    (void)state;
    assert_int_equal(civil_days(1970, 1, 1), 0);
    assert_int_equal(civil_days(1969, 12, 31), -1);
    assert_int_equal(civil_days(2000, 2, 29), 11016);
    assert_int_equal(civil_days(2000, 3, 1), 11017);
    assert_int_equal(civil_days(0, 3, 1), -719468);
}

static void times_out_of_range_are_clamped_when_written(void **state)
{
    (void)state;
    char text[RFC3339_TEXT + 1];
    rfc3339_format(-1, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    rfc3339_format(INT64_MIN, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    rfc3339_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    rfc3339_format(INT64_C(951782400001), text);
    assert_string_equal(text, "2000-02-29T00:00:00.001Z");
}

static void fractions_are_cut_to_milliseconds(void **state)
{
    (void)state;
    assert_int_equal(parsed("1970-01-01T00:00:00.1Z"), 100);
    assert_int_equal(parsed("1970-01-01T00:00:00.123456789Z"), 123);
    assert_int_equal(parsed("1970-01-01T00:00:00.0009Z"), 0);
}

static void offsets_are_taken_off(void **state)
{
    (void)state;
    assert_int_equal(parsed("1970-01-01T01:30:00+01:30"), 0);
    assert_int_equal(parsed("1969-12-31T16:00:00-08:00"), 0);
    assert_int_equal(parsed("1970-01-01T00:00:00-00:00"), 0);
}

static void what_is_no_time_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026-11-22",
        "2026-11-22T10:11:12",
        "2026-11-22 10:11:12Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.1234567890Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:60",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00Zx",
        "+026-01-01T00:00:00Z",
    };
    int64_t ms = 42;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(rfc3339_parse(slice_of(bad[i]), &ms), ERR_INVALID);
    assert_int_equal(ms, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_standard_parse),
        cmocka_unit_test(every_day_until_2200_goes_both_ways),
        cmocka_unit_test(known_dates_have_their_day_number),
        cmocka_unit_test(times_out_of_range_are_clamped_when_written),
        cmocka_unit_test(fractions_are_cut_to_milliseconds),
        cmocka_unit_test(offsets_are_taken_off),
        cmocka_unit_test(what_is_no_time_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
