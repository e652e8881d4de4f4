#include "hal/storage.h"
#include "tests/support/names.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct scratch scratch;
static char path[SCRATCH_PATH_MAX];

static int setup(void **state)
{
    (void)state;
    scratch_make(&scratch);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

static void assert_holds(const char *file, const char *text)
{
    struct buf content;
    buf_init(&content, 1024);
    assert_int_equal(storage_read(file, &content, NULL), ERR_OK);
    assert_true(slice_is(buf_slice(&content), text));
    buf_free(&content);
}

static void replace_makes_then_replaces_and_leaves_nothing_beside(void **state)
{
    (void)state;
    scratch_path(&scratch, "head", path);
    assert_int_equal(storage_replace(path, SLICE_LITERAL("longer first"), 0600, NULL), ERR_OK);
    assert_int_equal(storage_replace(path, SLICE_LITERAL("second"), 0640, NULL), ERR_OK);
    assert_holds(path, "second");
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    char beside[SCRATCH_PATH_MAX];
    assert_int_not_equal(access(scratch_path(&scratch, "head.new", beside), F_OK), 0);
}

static void replace_outlives_a_leftover_of_a_crash(void **state)
{
    (void)state;
    scratch_write(scratch_path(&scratch, "head.new", path), "half of a very long", 19);
    scratch_path(&scratch, "head", path);
    assert_int_equal(storage_replace(path, SLICE_LITERAL("whole"), 0600, NULL), ERR_OK);
    assert_holds(path, "whole");
}

static void replace_that_fails_keeps_the_old(void **state)
{
    (void)state;
    scratch_path(&scratch, "head", path);
    assert_int_equal(storage_replace(path, SLICE_LITERAL("old"), 0600, NULL), ERR_OK);
    char beside[SCRATCH_PATH_MAX];
    assert_int_equal(mkdir(scratch_path(&scratch, "head.new", beside), 0700), 0);
    struct fault fault;
    assert_int_not_equal(storage_replace(path, SLICE_LITERAL("new"), 0600, &fault), ERR_OK);
    assert_string_equal(fault.where, beside);
    assert_holds(path, "old");
}

static void read_above_the_cap_is_refused(void **state)
{
    (void)state;
    scratch_write(scratch_path(&scratch, "big", path), "0123456789", 10);
    struct buf content;
    buf_init(&content, 9);
    struct fault fault;
    assert_int_equal(storage_read(path, &content, &fault), ERR_TOO_LARGE);
    assert_string_equal(fault.where, path);
    buf_free(&content);
}

static void read_of_what_is_not_there_is_not_found(void **state)
{
    (void)state;
    struct buf content;
    buf_init(&content, 9);
    struct fault fault;
    assert_int_equal(storage_read(scratch_path(&scratch, "none", path), &content, &fault),
                     ERR_NOT_FOUND);
    assert_int_not_equal(storage_read(scratch.path, &content, &fault), ERR_OK);
    buf_free(&content);
}

static void remove_takes_what_is_there_and_what_is_not(void **state)
{
    (void)state;
    scratch_write(scratch_path(&scratch, "gone", path), "x", 1);
    assert_int_equal(storage_remove(path, NULL), ERR_OK);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(storage_remove(path, NULL), ERR_OK);
    assert_int_not_equal(storage_remove(scratch.path, NULL), ERR_OK);
}

static void make_folder_is_private_and_may_be_called_again(void **state)
{
    (void)state;
    scratch_path(&scratch, "state/", path);
    assert_int_equal(storage_make_folder(path, NULL), ERR_OK);
    assert_int_equal(storage_make_folder(path, NULL), ERR_OK);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
}

static void make_folder_over_a_file_is_refused(void **state)
{
    (void)state;
    scratch_write(scratch_path(&scratch, "file", path), "x", 1);
    struct fault fault;
    assert_int_not_equal(storage_make_folder(path, &fault), ERR_OK);
    assert_string_equal(fault.where, path);
}

static void make_folder_without_a_parent_is_not_found(void **state)
{
    (void)state;
    assert_int_equal(storage_make_folder(scratch_path(&scratch, "a/b", path), NULL), ERR_NOT_FOUND);
}

/* Takes the lock in another process, tells the error's number by its exit. */
static int lock_elsewhere(const char *folder)
{
    pid_t child = fork();
    if (child == 0) {
        int lock;
        struct fault fault;
        enum err err = storage_lock(folder, &lock, &fault);
        char holder[32];
        (void)snprintf(holder, sizeof holder, "process %d", (int)getppid());
        if (err == ERR_LOCKED && !strstr(fault.text, holder))
            _exit(99);
        _exit((int)err);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void lock_keeps_a_second_process_out_and_names_the_first(void **state)
{
    (void)state;
    int lock = -1;
    assert_int_equal(storage_lock(scratch.path, &lock, NULL), ERR_OK);
    assert_int_equal(lock_elsewhere(scratch.path), ERR_LOCKED);
    storage_unlock(lock);
    assert_int_equal(lock_elsewhere(scratch.path), ERR_OK);
}

static void lock_of_a_dead_process_is_free_again(void **state)
{
    (void)state;
    assert_int_equal(lock_elsewhere(scratch.path), ERR_OK);
    int lock = -1;
    assert_int_equal(storage_lock(scratch.path, &lock, NULL), ERR_OK);
    storage_unlock(lock);
}

static void lock_refuses_a_second_holder_in_one_process(void **state)
{
    (void)state;
    int lock = -1;
    int second = -1;
    assert_int_equal(storage_lock(scratch.path, &lock, NULL), ERR_OK);
    assert_int_equal(storage_lock(scratch.path, &second, NULL), ERR_LOCKED);
    assert_int_equal(second, -1);
    storage_unlock(lock);
}

static void free_bytes_of_a_folder_are_told(void **state)
{
    (void)state;
    uint64_t bytes = 0;
    assert_int_equal(storage_free_bytes(scratch.path, &bytes, NULL), ERR_OK);
    assert_true(bytes > 0);
    assert_int_equal(storage_free_bytes(scratch_path(&scratch, "none", path), &bytes, NULL),
                     ERR_NOT_FOUND);
}

static void path_joins_and_refuses_what_does_not_fit(void **state)
{
    (void)state;
    char out[8] = "";
    assert_int_equal(storage_path(out, sizeof out, "a/", "b"), ERR_OK);
    assert_string_equal(out, "a/b");
    assert_int_equal(storage_path(out, sizeof out, "abc", "def"), ERR_OK);
    assert_string_equal(out, "abc/def");
    assert_int_equal(storage_path(out, sizeof out, "abcd", "def"), ERR_TOO_LARGE);
    assert_string_equal(out, "abc/def");
}

/* --- The power goes; the linker puts torture.c's functions in libc's place ------------------- */

enum { SEEDS = 16, LONGER_THAN_ANY = 1000 };

static struct scratch attic;

static void watch(int nth)
{
    scratch_make(&attic);
    names_watch(scratch.path, attic.path, nth);
}

static void power_on(uint64_t seed)
{
    names_power_on(seed);
    scratch_remove(&attic);
}

static void replaced_when_the_power_goes_is_the_old_or_the_new(void **state)
{
    (void)state;
    bool struck = true;
    scratch_path(&scratch, "head", path);
    for (int nth = 1; struck; nth++)
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            assert_int_equal(storage_replace(path, SLICE_LITERAL("old"), 0600, NULL), ERR_OK);
            watch(nth);
            enum err err = storage_replace(path, SLICE_LITERAL("new"), 0600, NULL);
            struck = names_struck();
            power_on(seed);
            struct buf content;
            buf_init(&content, 1024);
            assert_int_equal(storage_read(path, &content, NULL), ERR_OK);
            assert_true(slice_is(buf_slice(&content), "new") ||
                        (err && slice_is(buf_slice(&content), "old")));
            buf_free(&content);
        }
}

static void what_was_removed_stays_away_when_the_power_goes(void **state)
{
    (void)state;
    scratch_path(&scratch, "head", path);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        scratch_write(path, "x", 1);
        watch(LONGER_THAN_ANY);
        assert_int_equal(storage_remove(path, NULL), ERR_OK);
        power_on(seed);
        assert_int_not_equal(access(path, F_OK), 0);
    }
}

static void a_folder_that_was_made_outlives_a_power_cut(void **state)
{
    (void)state;
    scratch_path(&scratch, "folder", path);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        watch(LONGER_THAN_ANY);
        assert_int_equal(storage_make_folder(path, NULL), ERR_OK);
        power_on(seed);
        assert_int_equal(rmdir(path), 0);
    }
}

#define STORAGE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void scratch_folders_are_ours_alone_and_short(void **state)
{
    (void)state;
    char one[STORAGE_SCRATCH_MAX];
    char other[STORAGE_SCRATCH_MAX];
    struct stat there;
    assert_int_equal(storage_make_scratch(one, NULL), ERR_OK);
    assert_int_equal(storage_make_scratch(other, NULL), ERR_OK);
    assert_string_not_equal(one, other);
    assert_int_equal(stat(one, &there), 0);
    assert_int_equal(there.st_mode & 0777, 0700);
    assert_int_equal(rmdir(one), 0);
    assert_int_equal(rmdir(other), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORAGE_TEST(replace_makes_then_replaces_and_leaves_nothing_beside),
        STORAGE_TEST(scratch_folders_are_ours_alone_and_short),
        STORAGE_TEST(replace_outlives_a_leftover_of_a_crash),
        STORAGE_TEST(replace_that_fails_keeps_the_old),
        STORAGE_TEST(read_above_the_cap_is_refused),
        STORAGE_TEST(read_of_what_is_not_there_is_not_found),
        STORAGE_TEST(remove_takes_what_is_there_and_what_is_not),
        STORAGE_TEST(make_folder_is_private_and_may_be_called_again),
        STORAGE_TEST(make_folder_over_a_file_is_refused),
        STORAGE_TEST(make_folder_without_a_parent_is_not_found),
        STORAGE_TEST(lock_keeps_a_second_process_out_and_names_the_first),
        STORAGE_TEST(lock_of_a_dead_process_is_free_again),
        STORAGE_TEST(lock_refuses_a_second_holder_in_one_process),
        STORAGE_TEST(free_bytes_of_a_folder_are_told),
        STORAGE_TEST(replaced_when_the_power_goes_is_the_old_or_the_new),
        STORAGE_TEST(what_was_removed_stays_away_when_the_power_goes),
        STORAGE_TEST(a_folder_that_was_made_outlives_a_power_cut),
        STORAGE_TEST(path_joins_and_refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
