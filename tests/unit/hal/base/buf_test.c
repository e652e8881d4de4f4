#include "hal/base/buf.h"
#include "hal/base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The sanitizers otherwise end the program when memory is refused, which one test is about. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void appends_of_every_kind_follow_each_other(void **state)
{
    (void)state;
    struct buf b CLEANUP(buf_free);
    buf_init(&b, 100);
    assert_true(slice_is(buf_slice(&b), ""));
    buf_append_text(&b, "a");
    buf_append_char(&b, '-');
    buf_append_int(&b, INT64_MIN);
    buf_printf(&b, "|%s|%d", "x", 7);
    buf_append(&b, "y\0z", 3);
    assert_int_equal(b.len, 29);
    assert_memory_equal(b.data, "a--9223372036854775808|x|7y\0z", 30);
    assert_int_equal(buf_check(&b, NULL, ""), ERR_OK);
}

static void digits_are_filled_up_with_zeros(void **state)
{
    (void)state;
    struct buf b CLEANUP(buf_free);
    buf_init(&b, 100);
    buf_append_digits(&b, 0, 1);
    buf_append_char(&b, '|');
    buf_append_digits(&b, 42, 10);
    buf_append_char(&b, '|');
    buf_append_digits(&b, 12345, 3);
    buf_append_char(&b, '|');
    buf_append_digits(&b, -7, 3);
    buf_append_char(&b, '|');
    buf_append_digits(&b, INT64_MAX, 23);
    assert_string_equal(b.data, "0|0000000042|12345|-007|00009223372036854775807");
}

static void the_cap_is_exact_and_said_once_at_the_end(void **state)
{
    (void)state;
    struct buf b CLEANUP(buf_free);
    buf_init(&b, 4);
    buf_append_text(&b, "abcd");
    assert_int_equal(buf_check(&b, NULL, ""), ERR_OK);
    buf_append_char(&b, 'e');
    buf_append_text(&b, "");
    struct fault fault;
    assert_int_equal(buf_check(&b, &fault, "body"), ERR_TOO_LARGE);
    assert_string_equal(fault.where, "body");
    assert_non_null(strstr(fault.text, "4"));
    assert_string_equal(b.data, "abcd");
}

static void nothing_is_appended_after_a_failure(void **state)
{
    (void)state;
    struct buf b CLEANUP(buf_free);
    buf_init(&b, 4);
    buf_append_text(&b, "abcde");
    buf_append_text(&b, "ab");
    buf_printf(&b, "%s", "c");
    assert_int_equal(b.len, 0);
    assert_int_equal(buf_check(&b, NULL, ""), ERR_TOO_LARGE);
}

static void want_of_memory_is_not_called_too_large(void **state)
{
    (void)state;
    struct buf b CLEANUP(buf_free);
    buf_init(&b, SIZE_MAX);
    static const char byte = 'x';
    buf_append(&b, &byte, SIZE_MAX / 2); /* never read: no such block can be allocated */
    struct fault fault;
    assert_int_equal(buf_check(&b, &fault, ""), ERR_NO_MEMORY);
}

static void reset_forgets_the_failure_and_keeps_the_memory(void **state)
{
    (void)state;
    struct buf b CLEANUP(buf_free);
    buf_init(&b, 4);
    buf_append_text(&b, "abc");
    buf_append_text(&b, "too long");
    size_t capacity = b.capacity;
    buf_reset(&b);
    assert_int_equal(buf_check(&b, NULL, ""), ERR_OK);
    assert_int_equal(b.len, 0);
    assert_int_equal(b.capacity, capacity);
    assert_string_equal(b.data, "");
}

static void grows_far_beyond_its_first_size(void **state)
{
    (void)state;
    struct buf b CLEANUP(buf_free);
    buf_init(&b, 100000);
    for (int i = 0; i < 100000; i++)
        buf_append_char(&b, (char)('a' + i % 26));
    assert_int_equal(b.len, 100000);
    for (int i = 0; i < 100000; i += 999)
        assert_int_equal(b.data[i], 'a' + i % 26);
    assert_int_equal(b.data[b.len], 0);
}

static void consume_drops_from_the_front(void **state)
{
    (void)state;
    struct buf b CLEANUP(buf_free);
    buf_init(&b, 10);
    buf_consume(&b, 0);
    buf_append_text(&b, "abcdef");
    buf_consume(&b, 4);
    assert_true(slice_is(buf_slice(&b), "ef"));
    buf_consume(&b, 2);
    assert_true(slice_is(buf_slice(&b), ""));
}

static void slice_among_words_is_found_whole_only(void **state)
{
    (void)state;
    assert_true(slice_among(slice_of("from"), "from"));
    assert_true(slice_among(slice_of("state"), "from return state"));
    assert_false(slice_among(slice_of("stat"), "from return state"));
    assert_false(slice_among(slice_of("from return"), "from return state"));
    assert_false(slice_among(slice_of(""), "from"));
    assert_false(slice_among(slice_of("from"), ""));
}

static void free_may_be_called_twice_and_used_again(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    buf_append_text(&b, "abc");
    buf_free(&b);
    buf_free(&b);
    buf_append_text(&b, "0123456789");
    assert_int_equal(buf_check(&b, NULL, ""), ERR_OK);
    buf_free(&b);
}

static void slices_compare_by_length_and_bytes(void **state)
{
    (void)state;
    assert_true(slice_equal((struct slice){NULL, 0}, SLICE_LITERAL("")));
    assert_true(slice_equal(SLICE_LITERAL("a\0b"), (struct slice){"a\0b", 3}));
    assert_false(slice_equal(SLICE_LITERAL("a\0b"), SLICE_LITERAL("a\0c")));
    assert_false(slice_is(SLICE_LITERAL("abc"), "ab"));
    assert_false(slice_is(SLICE_LITERAL("ab"), "abc"));
    assert_true(slice_is(slice_of("abc"), "abc"));
}

static void a_slice_is_copied_as_far_as_there_is_room(void **state)
{
    (void)state;
    char text[4];
    slice_copy(SLICE_LITERAL("abc"), text, sizeof text);
    assert_string_equal(text, "abc");
    slice_copy(SLICE_LITERAL("abcd"), text, sizeof text);
    assert_string_equal(text, "abc");
    slice_copy((struct slice){NULL, 0}, text, sizeof text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_of_every_kind_follow_each_other),
        cmocka_unit_test(digits_are_filled_up_with_zeros),
        cmocka_unit_test(the_cap_is_exact_and_said_once_at_the_end),
        cmocka_unit_test(nothing_is_appended_after_a_failure),
        cmocka_unit_test(want_of_memory_is_not_called_too_large),
        cmocka_unit_test(reset_forgets_the_failure_and_keeps_the_memory),
        cmocka_unit_test(grows_far_beyond_its_first_size),
        cmocka_unit_test(consume_drops_from_the_front),
        cmocka_unit_test(slice_among_words_is_found_whole_only),
        cmocka_unit_test(free_may_be_called_twice_and_used_again),
        cmocka_unit_test(slices_compare_by_length_and_bytes),
        cmocka_unit_test(a_slice_is_copied_as_far_as_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
