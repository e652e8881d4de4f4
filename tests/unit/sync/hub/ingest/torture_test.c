/*
 * The nth allocation, open, rename or sync of ours fails, or the nth allocation of SQLite's, on a
 * hub's day with batches, restarts and backups. What it acknowledged is there afterwards, sent
 * again everything is there once, and a copy that was made is whole.
 *
 * The linker puts torture.c's functions in the place of libc's (see toolchain/targets.mk).
 */
#include "sync/hub/ingest/backup.h"
#include "tests/support/hub_day.h"
#include "tests/support/names.h"
#include "tests/support/torture.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { SAMPLE = 4, POWER_SEEDS = 8 };

/* Puts the copy in the database's place; false when there is none. */
static bool restore(struct hub_day *day, enum err *err)
{
    char path[SCRATCH_PATH_MAX];
    char copy[SCRATCH_PATH_MAX];
    struct fault fault;
    const struct hubdb_config config = {.path = scratch_path(&day->scratch, "hub.db", path),
                                        .folder = day->scratch.path};
    if (access(scratch_path(&day->scratch, "copy.db", copy), F_OK) != 0)
        return false;
    *err = backup_restore(&config, copy, &fault);
    return true;
}

static bool run_day(enum torture call, int nth)
{
    struct hub_day *day = malloc(sizeof *day);
    enum err err = ERR_OK;
    hub_day_begin(day, NULL);
    torture_arm(call, nth);
    hub_day_live(day);
    if (hub_day_open(day) == ERR_OK) {
        hub_day_back_up(day);
        hub_day_close(day);
    }
    bool struck = torture_struck();
    torture_arm(TORTURE_NONE, 0);
    int bad = hub_day_open(day) ? 1 : hub_day_broken(day);
    hub_day_close(day);
    day->acknowledged = 0; /* a copy may be older */
    if (!bad && restore(day, &err))
        bad = err || hub_day_open(day) ? 1 : hub_day_broken(day);
    hub_day_end(day);
    free(day);
    if (bad)
        fail_msg("kind %d, call %d: %d promises broken", call, nth, bad);
    return struck;
}

static void each_allocation_of_the_hub_may_fail(void **state)
{
    (void)state;
    torture_each(TORTURE_ALLOCATION, SAMPLE, run_day);
}

static void each_allocation_of_sqlite_at_the_hub_may_fail(void **state)
{
    (void)state;
    torture_each(TORTURE_SQLITE, SAMPLE, run_day);
}

static void each_open_of_the_hub_may_fail(void **state)
{
    (void)state;
    torture_each(TORTURE_OPEN, SAMPLE, run_day);
}

static void each_rename_of_the_hub_may_fail(void **state)
{
    (void)state;
    torture_each(TORTURE_RENAME, SAMPLE, run_day);
}

static void each_sync_of_the_hub_may_fail(void **state)
{
    (void)state;
    torture_each(TORTURE_SYNC, SAMPLE, run_day);
}

/* The appliances prune what it holds. */
static void a_backup_that_was_made_outlives_a_power_cut(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < POWER_SEEDS; seed++) {
        struct hub_day day;
        struct scratch attic;
        char copy[SCRATCH_PATH_MAX];
        struct fault fault;
        scratch_make(&attic);
        hub_day_begin(&day, NULL);
        names_watch(day.scratch.path, attic.path, INT_MAX);
        assert_int_equal(backup_make(day.hub, scratch_path(&day.scratch, "copy.db", copy), &fault),
                         ERR_OK);
        names_power_on(seed);
        assert_int_equal(access(copy, F_OK), 0);
        hub_day_end(&day);
        scratch_remove(&attic);
    }
}

/* Restored, it would pass for the database that went on since. */
static void a_backup_that_could_not_be_noted_is_not_there(void **state)
{
    (void)state;
    struct hub_day day;
    struct fault fault;
    char copy[SCRATCH_PATH_MAX];
    char in_the_way[SCRATCH_PATH_MAX];
    hub_day_begin(&day, NULL);
    assert_int_equal(mkdir(scratch_path(&day.scratch, "epoch.new", in_the_way), 0700), 0);
    scratch_path(&day.scratch, "copy.db", copy);
    assert_int_not_equal(backup_make(day.hub, copy, &fault), ERR_OK);
    assert_int_not_equal(access(copy, F_OK), 0);
    assert_int_equal(rmdir(in_the_way), 0);
    assert_int_equal(backup_make(day.hub, copy, &fault), ERR_OK);
    assert_int_equal(access(copy, F_OK), 0);
    hub_day_end(&day);
}

/* What a killed hub left: SQLite would play it into the copy. */
static void a_copy_that_is_restored_has_no_other_file_s_log_beside_it(void **state)
{
    (void)state;
    static const char rubbish[] = "a write-ahead log";
    struct hub_day day;
    char path[SCRATCH_PATH_MAX];
    enum err err = ERR_CLOSED;
    hub_day_begin(&day, NULL);
    hub_day_back_up(&day);
    hub_day_close(&day);
    scratch_write(scratch_path(&day.scratch, "hub.db-wal", path), rubbish, sizeof rubbish);
    assert_true(restore(&day, &err));
    assert_int_equal(err, ERR_OK);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(access(scratch_path(&day.scratch, "hub.db.before-restore-wal", path), F_OK),
                     0);
    hub_day_end(&day);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_of_the_hub_may_fail),
        cmocka_unit_test(each_allocation_of_sqlite_at_the_hub_may_fail),
        cmocka_unit_test(each_open_of_the_hub_may_fail),
        cmocka_unit_test(each_rename_of_the_hub_may_fail),
        cmocka_unit_test(each_sync_of_the_hub_may_fail),
        cmocka_unit_test(a_backup_that_was_made_outlives_a_power_cut),
        cmocka_unit_test(a_backup_that_could_not_be_noted_is_not_there),
        cmocka_unit_test(a_copy_that_is_restored_has_no_other_file_s_log_beside_it),
    };
    return cmocka_run_group_tests(tests, torture_take_sqlite_memory, NULL);
}
