#include "sync/contract/told_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void the_sample_reads_and_is_written_the_same(void **state)
{
    (void)state;
    struct buf text;
    int64_t wall_ms;
    struct slice sample = SLICE_LITERAL("{\"time\":\"2026-11-22T10:12:00.345Z\"}");
    assert_int_equal(told_time_read(sample, &wall_ms, NULL), ERR_OK);
    assert_int_equal(wall_ms, INT64_C(1795342320345));
    buf_init(&text, 256);
    told_time_write(&text, wall_ms);
    assert_true(slice_equal(buf_slice(&text), sample));
    buf_free(&text);
}

static void what_is_no_time_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "{}",
        "[]",
        "{\"time\":1795342320345}",
        "{\"time\":\"\"}",
        "{\"time\":\"yesterday\"}",
        "{\"time\":\"2026-11-22T10:12:00.345\"}",
        "{\"time\":\"2026-11-22T10:12:00.345Z\"",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t wall_ms = 7;
        struct fault fault = {0};
        assert_int_equal(told_time_read(slice_of(wrong[i]), &wall_ms, &fault), ERR_INVALID);
        assert_int_equal(wall_ms, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_reads_and_is_written_the_same),
        cmocka_unit_test(what_is_no_time_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
