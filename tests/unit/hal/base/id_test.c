#include "hal/base/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const int64_t now_ms = INT64_C(0x017F22E279B0); /* RFC 9562, appendix A.6 */

static void fill_with(void *context, uint8_t *bytes, size_t len)
{
    memset(bytes, *(const int *)context, len);
}

static void an_id_is_a_version_7_uuid_of_its_time(void **state)
{
    (void)state;
    int filler = 0xff;
    struct id_source source;
    id_source_init(&source, fill_with, &filler);
    struct id id = id_next(&source, now_ms);
    char text[ID_TEXT + 1];
    id_format(&id, text);
    assert_string_equal(text, "017f22e2-79b0-7fff-bf7f-ffffffffffff");
    assert_int_equal(id_time_ms(&id), now_ms);
}

static void the_example_of_the_standard_parses_to_its_time(void **state)
{
    (void)state;
    struct id id;
    assert_int_equal(id_parse(SLICE_LITERAL("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"), &id), ERR_OK);
    assert_int_equal(id_time_ms(&id), now_ms);
    char text[ID_TEXT + 1];
    id_format(&id, text);
    assert_string_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

static void assert_version_7(const struct id *id)
{
    assert_int_equal(id->bytes[6] >> 4, 7);
    assert_int_equal(id->bytes[8] >> 6, 2);
}

static void ids_grow_while_the_clock_stands_or_steps_back(void **state)
{
    (void)state;
    struct id_source source;
    id_source_init(&source, NULL, NULL);
    struct id last = id_next(&source, now_ms);
    for (int i = 0; i < 5000; i++) {
        struct id next = id_next(&source, i % 2 ? now_ms : now_ms - 1000000);
        assert_true(memcmp(next.bytes, last.bytes, ID_BYTES) > 0);
        assert_version_7(&next);
        last = next;
    }
    assert_int_equal(id_time_ms(&last), now_ms);
}

static void a_counter_that_runs_over_borrows_a_millisecond(void **state)
{
    (void)state;
    int filler = 0;
    struct id_source source;
    id_source_init(&source, fill_with, &filler);
    struct id last = id_next(&source, now_ms);
    memset(source.last.bytes + 9, 0xff, ID_BYTES - 9);
    memcpy(last.bytes, source.last.bytes, ID_BYTES);
    struct id next = id_next(&source, now_ms);
    assert_true(memcmp(next.bytes, last.bytes, ID_BYTES) > 0);
    assert_int_equal(id_time_ms(&next), now_ms + 1);
    assert_version_7(&next);
}

static void a_clock_at_or_before_1970_still_gives_version_7(void **state)
{
    (void)state;
    struct id_source source;
    id_source_init(&source, NULL, NULL);
    struct id first = id_next(&source, 0);
    struct id second = id_next(&source, -5000);
    assert_version_7(&first);
    assert_version_7(&second);
    assert_true(memcmp(second.bytes, first.bytes, ID_BYTES) > 0);
}

static void two_sources_do_not_collide(void **state)
{
    (void)state;
    struct id_source one;
    struct id_source two;
    id_source_init(&one, NULL, NULL);
    id_source_init(&two, NULL, NULL);
    struct id a = id_next(&one, now_ms);
    struct id b = id_next(&two, now_ms);
    assert_false(id_equal(&a, &b));
    assert_true(id_equal(&a, &a));
}

static void what_is_no_id_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff",
        "017f22e279b0-7cc3-98c4-dc0c0c07398f-",
        "017f22e2_79b0_7cc3_98c4_dc0c0c07398f",
        "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
        "g17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
    };
    struct id id;
    memset(&id, 0x55, sizeof id);
    struct id before = id;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(id_parse(slice_of(bad[i]), &id), ERR_INVALID);
        assert_true(id_equal(&id, &before));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_a_version_7_uuid_of_its_time),
        cmocka_unit_test(the_example_of_the_standard_parses_to_its_time),
        cmocka_unit_test(ids_grow_while_the_clock_stands_or_steps_back),
        cmocka_unit_test(a_counter_that_runs_over_borrows_a_millisecond),
        cmocka_unit_test(a_clock_at_or_before_1970_still_gives_version_7),
        cmocka_unit_test(two_sources_do_not_collide),
        cmocka_unit_test(what_is_no_id_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
