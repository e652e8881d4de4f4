#include "hal/aside.h"
#include "hal/base/buf.h"
#include "tests/support/names.h"
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

/* --- The power goes; the linker puts torture.c's functions in libc's place ------------------- */

enum { SEEDS = 32, LONGER_THAN_ANY = 1000 };

struct cut {
    struct scratch folder;
    struct scratch attic;
    struct aside aside;
    enum err answer;
    bool struck;
};

/* The power goes at the nth name of an exchange, and early in what makes that good. */
static void cut_short(struct cut *cut, int nth)
{
    scratch_make(&cut->folder);
    scratch_make(&cut->attic);
    put(cut->folder.path, "some.db");
    put(cut->folder.path, "some.db-wal");
    begin(&cut->aside, &cut->folder);
    put(cut->aside.path, "salvaged.new");
    names_watch(cut->folder.path, cut->attic.path, nth);
    cut->answer = aside_exchange(&cut->aside, NULL);
    cut->struck = names_struck();
}

static void resume(struct cut *cut, uint64_t seed)
{
    names_power_on(seed);
    scratch_remove(&cut->attic);
    scratch_make(&cut->attic);
    names_watch(cut->folder.path, cut->attic.path, 1 + (int)(seed % 8));
    enum err may_fail = aside_resume(cut->folder.path, "some.db", NULL);
    (void)may_fail;
    names_power_on(seed + 1);
    assert_int_equal(aside_resume(cut->folder.path, "some.db", NULL), ERR_OK);
}

static void clear_away(struct cut *cut)
{
    scratch_remove(&cut->folder);
    scratch_remove(&cut->attic);
}

/* Never the one database with the other's write-ahead log, whatever names had lasted. */
static void the_power_may_go_at_each_name_of_an_exchange(void **state)
{
    (void)state;
    bool struck = true;
    for (int nth = 1; struck; nth++)
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct cut cut;
            cut_short(&cut, nth);
            resume(&cut, seed);
            if (holds(cut.folder.path, "some.db", "some.db")) {
                assert_int_not_equal(cut.answer, ERR_OK);
                assert_true(holds(cut.folder.path, "some.db-wal", "some.db-wal"));
            } else {
                is_exchanged(&cut.folder, cut.aside.path);
            }
            struck = cut.struck;
            clear_away(&cut);
        }
}

/* The exchange doesn't happen a second time, which would put that aside. */
static void what_is_written_after_an_exchange_stays_in_its_place(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct cut cut;
        cut_short(&cut, LONGER_THAN_ANY);
        assert_int_equal(cut.answer, ERR_OK);
        put(cut.folder.path, "some.db-wal");
        resume(&cut, seed);
        assert_true(holds(cut.folder.path, "some.db", "salvaged.new"));
        assert_true(holds(cut.folder.path, "some.db-wal", "some.db-wal"));
        assert_true(holds(cut.aside.path, "some.db", "some.db"));
        clear_away(&cut);
    }
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
        cmocka_unit_test(the_power_may_go_at_each_name_of_an_exchange),
        cmocka_unit_test(what_is_written_after_an_exchange_stays_in_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
