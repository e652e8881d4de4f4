#include "firmware/grubenv.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static void collect(void *context, const char *text)
{
    char *all = context;
    strcat(strcat(all, text), " ");
}

static void assert_holds(const struct grubenv *env, const char *expected)
{
    char all[GRUBENV_SIZE] = "";
    grubenv_each(env, collect, all);
    assert_string_equal(all, expected);
}

static void set(struct grubenv *env, const char *name, const char *value)
{
    assert_int_equal(grubenv_set(env, name, value, NULL), ERR_OK);
}

static void path_in(char *out, size_t size, const struct scratch *scratch)
{
    (void)snprintf(out, size, "%s/grubenv", scratch->path);
}

static void what_is_set_is_read_back(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_make(&scratch);
    char path[512];
    path_in(path, sizeof path, &scratch);
    struct grubenv env;
    grubenv_clear(&env);
    set(&env, "ORDER", "A B");
    set(&env, "A_OK", "1");
    set(&env, "ORDER", "B A");
    assert_int_equal(grubenv_write(&env, path, NULL), ERR_OK);
    struct grubenv again;
    assert_int_equal(grubenv_read(&again, path, NULL), ERR_OK);
    assert_holds(&again, "A_OK=1 ORDER=B A ");
    grubenv_unset(&again, "A_OK");
    grubenv_unset(&again, "ORD");
    assert_holds(&again, "ORDER=B A ");
    scratch_remove(&scratch);
}

/* The file is not replaced: the boot loader, and a power cut, see the same blocks of the disk. */
static void the_file_is_overwritten_where_it_lies(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_make(&scratch);
    char path[512];
    path_in(path, sizeof path, &scratch);
    struct grubenv env;
    grubenv_clear(&env);
    assert_int_equal(grubenv_write(&env, path, NULL), ERR_OK);
    struct stat before;
    assert_int_equal(stat(path, &before), 0);
    set(&env, "B_TRY", "1");
    assert_int_equal(grubenv_write(&env, path, NULL), ERR_OK);
    struct stat after;
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
    assert_int_equal(after.st_size, GRUBENV_SIZE);
    scratch_remove(&scratch);
}

static void a_change_stays_within_one_sector(void **state)
{
    (void)state;
    struct grubenv env;
    grubenv_clear(&env);
    char value[GRUBENV_VALUE_MAX + 1];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    set(&env, "a", value);
    set(&env, "b", value);
    set(&env, "c", value);
    struct grubenv before = env;
    assert_int_equal(grubenv_set(&env, "d", value, NULL), ERR_TOO_LARGE);
    assert_memory_equal(&env, &before, sizeof env);
    for (size_t i = GRUBENV_USED; i < GRUBENV_SIZE; i++)
        assert_int_equal(env.block[i], '#');
}

static void names_and_values_that_the_block_cannot_hold_are_refused(void **state)
{
    (void)state;
    struct grubenv env;
    grubenv_clear(&env);
    assert_int_equal(grubenv_set(&env, "", "1", NULL), ERR_INVALID);
    assert_int_equal(grubenv_set(&env, "A=B", "1", NULL), ERR_INVALID);
    assert_int_equal(grubenv_set(&env, "A", "two\nlines", NULL), ERR_INVALID);
    assert_int_equal(grubenv_set(&env, "A", "back\\slash", NULL), ERR_INVALID);
    assert_holds(&env, "");
}

static void put(const char *path, const char *content, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void what_is_no_block_is_told(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_make(&scratch);
    char path[512];
    path_in(path, sizeof path, &scratch);
    struct grubenv env;
    assert_int_equal(grubenv_read(&env, path, NULL), ERR_NOT_FOUND);

    struct grubenv good;
    grubenv_clear(&good);
    set(&good, "A_OK", "1");
    static const char zeros[GRUBENV_SIZE];
    struct grubenv torn = good;
    torn.block[600] = 'A';
    struct grubenv nameless = good;
    memcpy(strstr(nameless.block, "A_OK=1"), "A_OK_1", 6);
    const struct {
        const char *content;
        size_t length;
    } bad[] = {
        {"", 0},
        {zeros, sizeof zeros},
        {good.block, GRUBENV_SIZE - 1},
        {good.block, GRUBENV_USED},
        {torn.block, GRUBENV_SIZE},
        {nameless.block, GRUBENV_SIZE},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put(path, bad[i].content, bad[i].length);
        assert_int_equal(grubenv_read(&env, path, NULL), ERR_CORRUPT);
    }
    put(path, good.block, GRUBENV_SIZE);
    assert_int_equal(grubenv_read(&env, path, NULL), ERR_OK);
    scratch_remove(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_set_is_read_back),
        cmocka_unit_test(the_file_is_overwritten_where_it_lies),
        cmocka_unit_test(a_change_stays_within_one_sector),
        cmocka_unit_test(names_and_values_that_the_block_cannot_hold_are_refused),
        cmocka_unit_test(what_is_no_block_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
