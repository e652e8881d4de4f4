/* Whether the end before was a good one. */
#include "agent/endings.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

enum { FIRST_MS = 1000, SECOND_MS = 2000, THIRD_MS = 3000 };

struct fixture {
    struct scratch scratch;
    struct diag *diag;
};

static int setup(void **state)
{
    static struct fixture fixture;
    scratch_make(&fixture.scratch);
    fixture.diag = diag_open(STDERR_FILENO, "test", DIAG_ERROR);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    diag_close(f->diag);
    scratch_remove(&f->scratch);
    return 0;
}

static struct endings begin(struct fixture *f, int64_t now_ms)
{
    struct endings endings;
    endings_begin(&endings, f->scratch.path, now_ms, f->diag);
    assert_true(endings.noted);
    return endings;
}

static void first_start_and_a_good_end_are_not_counted(void **state)
{
    struct fixture *f = *state;
    struct endings endings = begin(f, FIRST_MS);
    assert_int_equal(endings.torn, 0);
    endings_end_well(&endings, f->scratch.path, f->diag);
    assert_int_equal(begin(f, SECOND_MS).torn, 0);
}

static void torn_ends_are_counted_and_the_latest_is_kept(void **state)
{
    struct fixture *f = *state;
    (void)begin(f, FIRST_MS);
    struct endings endings = begin(f, SECOND_MS);
    assert_int_equal(endings.torn, 1);
    assert_int_equal(endings.last_torn_ms, SECOND_MS);
    endings_end_well(&endings, f->scratch.path, f->diag);
    endings = begin(f, THIRD_MS);
    assert_int_equal(endings.torn, 1);
    assert_int_equal(endings.last_torn_ms, SECOND_MS);
}

static void damaged_file_counts_as_a_good_end(void **state)
{
    struct fixture *f = *state;
    char path[SCRATCH_PATH_MAX];
    (void)begin(f, FIRST_MS);
    scratch_path(&f->scratch, "ending", path);
    scratch_write(path, "{\"state\":\"run", 13);

    assert_int_equal(begin(f, SECOND_MS).torn, 0);
}

static void where_nothing_can_be_noted_it_works_all_the_same(void **state)
{
    struct fixture *f = *state;
    struct endings endings;
    endings_begin(&endings, "/nonexistent", FIRST_MS, f->diag);
    assert_false(endings.noted);
    endings_end_well(&endings, "/nonexistent", f->diag);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_start_and_a_good_end_are_not_counted),
        TEST(torn_ends_are_counted_and_the_latest_is_kept),
        TEST(damaged_file_counts_as_a_good_end),
        TEST(where_nothing_can_be_noted_it_works_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
