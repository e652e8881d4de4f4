#include "hal/base/arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1024 * 1024);
    char *previous = NULL;
    for (size_t size = 1; size < 200; size++) {
        char *memory = arena_alloc(&a, size, 3);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % alignof(max_align_t), 0);
        for (size_t i = 0; i < size * 3; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xff, size * 3);
        assert_true(previous != memory);
        previous = memory;
    }
    arena_free(&a);
}

static void the_cap_holds_and_leaves_what_was_given(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 4 * alignof(max_align_t));
    char *first = arena_text(&a, "kept");
    assert_non_null(arena_alloc(&a, 3, alignof(max_align_t)));
    assert_null(arena_alloc(&a, 1, 1));
    assert_string_equal(first, "kept");
    arena_free(&a);
    assert_non_null(arena_alloc(&a, 4, alignof(max_align_t)));
    arena_free(&a);
}

static void a_size_that_overflows_is_refused(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, SIZE_MAX);
    assert_null(arena_alloc(&a, SIZE_MAX / 2, 4));
    assert_null(arena_alloc(&a, SIZE_MAX, 1));
    arena_free(&a);
}

static void larger_than_a_block_is_fine(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1024 * 1024);
    char *small = arena_text(&a, "small");
    char *large = arena_alloc(&a, 100000, 1);
    memset(large, 1, 100000);
    assert_string_equal(small, "small");
    arena_free(&a);
}

static void texts_are_copied_and_terminated(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1024);
    assert_string_equal(arena_slice_text(&a, (struct slice){"abcdef", 3}), "abc");
    assert_string_equal(arena_slice_text(&a, (struct slice){NULL, 0}), "");
    assert_string_equal(arena_text(&a, "whole"), "whole");
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(the_cap_holds_and_leaves_what_was_given),
        cmocka_unit_test(a_size_that_overflows_is_refused),
        cmocka_unit_test(larger_than_a_block_is_fine),
        cmocka_unit_test(texts_are_copied_and_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
