#include "hal/aside.h"
#include "hal/base/buf.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1795000000000)

static void put(const char *folder, const char *name)
{
    char path[2 * PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    scratch_write(path, name, strlen(name)); /* each holds its first name */
}

static bool holds(const char *folder, const char *name, const char *text)
{
    char path[2 * PATH_MAX];
    char content[64] = "";
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    bool read = fgets(content, sizeof content, file) != NULL;
    (void)fclose(file);
    return read && strcmp(content, text) == 0;
}

static bool is_there(const char *folder, const char *name)
{
    char path[2 * PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static void begin(struct aside *aside, const struct scratch *scratch)
{
    assert_int_equal(aside_begin(aside, scratch->path, "some.db", NOW_MS, NULL), ERR_OK);
}

static void is_exchanged(const struct scratch *scratch, const char *aside)
{
    assert_true(holds(scratch->path, "some.db", "salvaged.new") ||
                holds(scratch->path, "some.db", "salvaged.db"));
    assert_false(is_there(scratch->path, "some.db-wal"));
    assert_true(holds(aside, "some.db", "some.db"));
    assert_true(holds(aside, "some.db-wal", "some.db-wal"));
}

static void what_was_made_takes_the_place_and_the_damaged_is_kept(void **state)
{
    const struct scratch *scratch = *state;
    struct aside aside;
    put(scratch->path, "some.db");
    put(scratch->path, "some.db-wal");
    begin(&aside, scratch);
    put(aside.path, "salvaged.new");
    assert_int_equal(aside_exchange(&aside, NULL), ERR_OK);
    is_exchanged(scratch, aside.path);
}

/* However far it had got when the power went. */
static void an_exchange_that_was_cut_short_is_ended(void **state)
{
    const struct scratch *scratch = *state;
    for (int moved = 0; moved <= 2; moved++) {
        struct aside aside;
        begin(&aside, scratch);
        put(aside.path, "salvaged.db");
        put(moved >= 1 ? aside.path : scratch->path, "some.db-wal");
        put(moved >= 2 ? aside.path : scratch->path, "some.db");
        if (moved >= 2) {
            char path[2 * PATH_MAX];
            (void)snprintf(path, sizeof path, "%s/some.db", scratch->path);
            (void)unlink(path);
        }
        assert_int_equal(aside_resume(scratch->path, "some.db", NULL), ERR_OK);
        is_exchanged(scratch, aside.path);
    }
}

static void one_that_had_not_begun_leaves_the_database(void **state)
{
    const struct scratch *scratch = *state;
    struct aside aside;
    put(scratch->path, "some.db");
    begin(&aside, scratch);
    put(aside.path, "salvaged.new"); /* not known to be whole */
    assert_int_equal(aside_resume(scratch->path, "some.db", NULL), ERR_OK);
    assert_true(holds(scratch->path, "some.db", "some.db"));
    aside_abandon(&aside);
    assert_false(is_there(aside.path, ""));
    assert_true(holds(scratch->path, "some.db", "some.db"));
}

static void each_time_has_a_folder_of_its_own(void **state)
{
    const struct scratch *scratch = *state;
    struct aside first;
    struct aside second;
    begin(&first, scratch);
    begin(&second, scratch);
    assert_string_not_equal(first.path, second.path);
    assert_true(is_there(first.path, "") && is_there(second.path, ""));
}

static int set_up(void **state)
{
    static struct scratch scratch;
    scratch_make(&scratch);
    *state = &scratch;
    return 0;
}

static int tear_down(void **state)
{
    scratch_remove(*state);
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_was_made_takes_the_place_and_the_damaged_is_kept),
        TEST(an_exchange_that_was_cut_short_is_ended),
        TEST(one_that_had_not_begun_leaves_the_database),
        TEST(each_time_has_a_folder_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
