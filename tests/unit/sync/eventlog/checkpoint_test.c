/* The checkpoints in a log's folder: which counts when the log is damaged, and which may go. */
#include "sync/eventlog/checkpoint.h"
#include "tests/support/scratch.h"
#include "tests/support/small_pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static bool is_there(const struct scratch *scratch, const char *name)
{
    char path[SCRATCH_PATH_MAX];
    return access(scratch_path(scratch, name, path), F_OK) == 0;
}

static int make_folder(void **state)
{
    static struct scratch scratch;
    static const char *const whole[] = {"checkpoint-5.db",          "checkpoint-30.db",
                                        "checkpoint-7.db",          "checkpoint-90.new",
                                        "checkpoint-70.db-journal", "notes-99.db"};
    static const char rubbish[] = "SQLite format 3";
    char path[SCRATCH_PATH_MAX];
    scratch_make(&scratch);
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        small_pages_make(scratch_path(&scratch, whole[i], path));
    scratch_write(scratch_path(&scratch, "checkpoint-80.db", path), rubbish, sizeof rubbish);
    *state = &scratch;
    return 0;
}

static int remove_folder(void **state)
{
    scratch_remove(*state);
    return 0;
}

static void the_newest_that_is_whole_counts(void **state)
{
    const struct scratch *scratch = *state;
    assert_int_equal(checkpoint_newest(scratch->path), 30);
    assert_int_equal(checkpoint_newest("/nonexistent"), 0);
}

static void all_but_the_one_that_counts_may_go(void **state)
{
    const struct scratch *scratch = *state;
    assert_int_equal(checkpoint_tidy(scratch->path, 30, NULL), ERR_OK);
    assert_true(is_there(scratch, "checkpoint-30.db"));
    assert_true(is_there(scratch, "notes-99.db"));
    assert_false(is_there(scratch, "checkpoint-5.db"));
    assert_false(is_there(scratch, "checkpoint-80.db"));
    assert_false(is_there(scratch, "checkpoint-90.new"));
    assert_false(is_there(scratch, "checkpoint-70.db-journal"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(the_newest_that_is_whole_counts),
        TEST(all_but_the_one_that_counts_may_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
