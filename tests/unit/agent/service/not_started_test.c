#include "agent/service/not_started.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct desk {
    struct scratch scratch;
    struct fault told;
    struct fault fault;
    char why[NOT_STARTED_MAX];
};

static int setup(void **state)
{
    struct desk *d = calloc(1, sizeof *d);
    assert_non_null(d);
    scratch_make(&d->scratch);
    (void)fault_set(&d->told, ERR_INVALID, "box.conf:2", "is not a setting");
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    struct desk *d = *state;
    scratch_remove(&d->scratch);
    free(d);
    return 0;
}

static ino_t file_of(const struct desk *d)
{
    struct stat info;
    char path[SCRATCH_PATH_MAX];
    scratch_path(&d->scratch, "not-started.txt", path);
    assert_int_equal(stat(path, &info), 0);
    return info.st_ino;
}

static void a_reason_stays_until_it_is_forgotten(void **state)
{
    struct desk *d = *state;
    assert_false(not_started_read(d->scratch.path, d->why));
    assert_int_equal(not_started_note(d->scratch.path, ERR_INVALID, &d->told, &d->fault), ERR_OK);
    assert_true(not_started_read(d->scratch.path, d->why));
    assert_string_equal(d->why, "box.conf:2: is not a setting");
    assert_int_equal(not_started_forget(d->scratch.path, &d->fault), ERR_OK);
    assert_false(not_started_read(d->scratch.path, d->why));
    assert_int_equal(not_started_forget(d->scratch.path, &d->fault), ERR_OK);
}

static void the_same_once_more_is_not_written_again_and_another_is(void **state)
{
    struct desk *d = *state;
    assert_int_equal(not_started_note(d->scratch.path, ERR_INVALID, &d->told, &d->fault), ERR_OK);
    ino_t first = file_of(d);
    assert_int_equal(not_started_note(d->scratch.path, ERR_INVALID, &d->told, &d->fault), ERR_OK);
    assert_int_equal(file_of(d), first);
    (void)fault_set(&d->told, ERR_INVALID, "", "another");
    assert_int_equal(not_started_note(d->scratch.path, ERR_INVALID, &d->told, &d->fault), ERR_OK);
    assert_true(not_started_read(d->scratch.path, d->why));
    assert_string_equal(d->why, "another");
}

static void the_longest_reason_is_kept_whole(void **state)
{
    struct desk *d = *state;
    memset(d->told.where, 'w', sizeof d->told.where - 1);
    memset(d->told.text, 't', sizeof d->told.text - 1);
    assert_int_equal(not_started_note(d->scratch.path, ERR_INVALID, &d->told, &d->fault), ERR_OK);
    assert_true(not_started_read(d->scratch.path, d->why));
    assert_int_equal(strlen(d->why), sizeof d->told.where - 1 + 2 + sizeof d->told.text - 1);
}

static void another_that_runs_there_is_no_reason(void **state)
{
    struct desk *d = *state;
    assert_int_equal(not_started_note(d->scratch.path, ERR_LOCKED, &d->told, &d->fault), ERR_OK);
    assert_false(not_started_read(d->scratch.path, d->why));
}

static void a_folder_that_is_not_there_is_not_made(void **state)
{
    struct desk *d = *state;
    struct stat info;
    char path[SCRATCH_PATH_MAX];
    scratch_path(&d->scratch, "nowhere", path);
    assert_int_equal(not_started_note(path, ERR_INVALID, &d->told, &d->fault), ERR_OK);
    assert_int_not_equal(stat(path, &info), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reason_stays_until_it_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_once_more_is_not_written_again_and_another_is,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(the_longest_reason_is_kept_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(another_that_runs_there_is_no_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_is_not_made, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
