/* Days, closed periods and what a cut-off report lists. */
#include "sync/hub/ledger/period.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int64_t day(const char *text)
{
    int64_t parsed;
    assert_int_equal(day_parse(text, &parsed), ERR_OK);
    return parsed;
}

static void expect_day(int64_t given, const char *text)
{
    char written[DAY_TEXT + 1];
    day_format(given, written);
    assert_string_equal(written, text);
}

static void days_are_counted_from_1970(void **state)
{
    (void)state;
    assert_int_equal(day("1970-01-01"), 0);
    assert_int_equal(day("1970-02-01"), 31);
    assert_int_equal(day_of_ms(86399999), 0);
    assert_int_equal(day_of_ms(86400000), 1);
    expect_day(day("2028-02-29"), "2028-02-29");
}

static void no_day_of_the_calendar_is_refused(void **state)
{
    static const char *const texts[] = {"2026-02-29",  "2026-13-01", "2026-11-2", "",
                                        "2026-11-221", "2026/11/22", "22-11-2026"};
    int64_t parsed = -7;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(day_parse(texts[i], &parsed), ERR_INVALID);
    assert_int_equal(parsed, -7);
}

static void open_period_keeps_the_document_day(void **state)
{
    struct closed_period closed = {day("2026-10-01"), day("2026-10-31")};
    struct period_rule rule = {&closed, 1, WHEN_CLOSED_PARK};
    int64_t posting;
    (void)state;
    assert_int_equal(period_place(&rule, day("2026-11-01"), &posting, NULL), ERR_OK);
    expect_day(posting, "2026-11-01");
    assert_int_equal(period_place(&rule, day("2026-09-30"), &posting, NULL), ERR_OK);
    expect_day(posting, "2026-09-30");
}

static void closed_period_parks_for_approval(void **state)
{
    struct closed_period closed = {day("2026-10-01"), day("2026-10-31")};
    struct period_rule rule = {&closed, 1, WHEN_CLOSED_PARK};
    struct fault fault = {0};
    int64_t posting = -7;
    (void)state;
    assert_int_equal(period_place(&rule, day("2026-10-31"), &posting, &fault), ERR_REFUSED);
    assert_int_equal(err_class(fault.code), ERR_CLASS_PARK);
    assert_non_null(strstr(fault.text, "2026-10-31"));
    assert_int_equal(posting, -7);
}

static void closed_period_moves_to_the_first_open_day(void **state)
{
    struct closed_period closed[] = {{day("2026-11-01"), day("2026-11-30")},
                                     {day("2026-10-01"), day("2026-10-31")}};
    struct period_rule rule = {closed, 2, WHEN_CLOSED_MOVE};
    int64_t posting;
    (void)state;
    assert_int_equal(period_place(&rule, day("2026-10-15"), &posting, NULL), ERR_OK);
    expect_day(posting, "2026-12-01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_counted_from_1970),
        cmocka_unit_test(no_day_of_the_calendar_is_refused),
        cmocka_unit_test(open_period_keeps_the_document_day),
        cmocka_unit_test(closed_period_parks_for_approval),
        cmocka_unit_test(closed_period_moves_to_the_first_open_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
