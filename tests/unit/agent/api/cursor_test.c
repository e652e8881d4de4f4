/* Cursors lead back to where a page ended, and nothing else is taken for one. */
#include "agent/api/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ID "01935a10-7c3d-7300-8300-000000000300"

static void a_cursor_is_read_as_it_was_written(void **state)
{
    (void)state;
    static const int64_t times[] = {0, 1795348800000, INT64_MAX};
    struct id id;
    assert_int_equal(id_parse(slice_of(ID), &id), ERR_OK);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char text[CURSOR_TEXT + 1];
        int64_t at_ms = -1;
        struct id found;
        cursor_write(text, times[i], &id);
        assert_int_equal(cursor_read(text, &at_ms, &found, NULL), ERR_OK);
        assert_int_equal(at_ms, times[i]);
        assert_true(id_equal(&found, &id));
    }
}

static void anything_else_is_refused_and_named(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",       ".",      "1",      "1.",     "1." ID "x",
        "-1." ID, " 1." ID, "+1." ID, "1,." ID, "99999999999999999999." ID,
        "x." ID,  ID,
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t at_ms = 7;
        struct id found;
        struct fault fault;
        assert_int_equal(cursor_read(texts[i], &at_ms, &found, &fault), ERR_INVALID);
        assert_string_equal(fault.where, "cursor");
        assert_int_equal(at_ms, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cursor_is_read_as_it_was_written),
        cmocka_unit_test(anything_else_is_refused_and_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
