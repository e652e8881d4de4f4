/*
 * A copy is one file, whole, and lasts once it is said to be made: the appliances prune what it
 * holds, and it may be all that is left of the hub.
 */
#include "sync/hub/ingest/backup.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "tests/support/hub_day.h"
#include "tests/support/vfs_fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { POWER_SEEDS = 3 };

struct fixture {
    struct hub_day day;
    char path[SCRATCH_PATH_MAX];
    char copy[SCRATCH_PATH_MAX];
};

/* A hub after its day, and open. */
static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    hub_day_begin(&f->day, NULL);
    scratch_path(&f->day.scratch, "hub.db", f->path);
    scratch_path(&f->day.scratch, "copy.db", f->copy);
    hub_day_live(&f->day);
    assert_int_equal(hub_day_open(&f->day), ERR_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    hub_day_end(&f->day);
    free(f);
    return 0;
}

static enum err back_up(struct fixture *f)
{
    struct fault fault;
    return backup_make(f->day.hub, f->copy, &fault);
}

static enum err restore(struct fixture *f)
{
    struct fault fault;
    const struct hubdb_config config = {.path = f->path, .folder = f->day.scratch.path};
    hub_day_close(&f->day);
    return backup_restore(&config, f->copy, &fault);
}

static int64_t number_in(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return number;
}

/* The last page of the events, such as only integrity_check reads. */
static void damage(const char *path)
{
    static const char rubbish[64] = "rubbish";
    int64_t size = number_in(path, "PRAGMA page_size");
    int64_t page = number_in(path, "SELECT max(pageno) FROM dbstat WHERE name = 'event'");
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)((page - 1) * size), SEEK_SET), 0);
    assert_int_equal(fwrite(rubbish, 1, sizeof rubbish, file), sizeof rubbish);
    assert_int_equal(fclose(file), 0);
}

static bool is_there(const char *path, const char *suffix)
{
    char name[SCRATCH_PATH_MAX + 16];
    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    return access(name, F_OK) == 0;
}

/* It is carried off, and read where nothing may be written. */
static void a_copy_is_one_file(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(back_up(f), ERR_OK);
    assert_int_equal(number_in(f->copy, "SELECT count(*) FROM event"), HUB_DAY_EVENTS);
    assert_true(is_there(f->copy, ""));
    assert_false(is_there(f->copy, "-wal"));
    assert_false(is_there(f->copy, "-shm"));
    assert_false(is_there(f->copy, ".part"));
}

static void a_damaged_database_does_not_replace_the_last_good_copy(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(back_up(f), ERR_OK);
    hub_day_close(&f->day);
    damage(f->path);
    assert_int_equal(hub_day_open(&f->day), ERR_OK);
    assert_int_equal(back_up(f), ERR_CORRUPT);
    assert_int_equal(
        number_in(f->copy,
                  "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
        0);
}

static void a_damaged_database_lets_nothing_be_pruned(void **state)
{
    struct fixture *f = *state;
    hub_day_close(&f->day);
    damage(f->path);
    assert_int_equal(hub_day_open(&f->day), ERR_OK);
    assert_int_equal(database_script(hubdb_database(f->day.hub),
                                     "UPDATE stream_log SET backed_up_through = 3", NULL),
                     ERR_OK);
    assert_int_equal(back_up(f), ERR_CORRUPT);
    assert_int_equal(number_in(f->path, "SELECT backed_up_through FROM stream_log"), 3);
}

static void a_damaged_copy_is_not_restored(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(back_up(f), ERR_OK);
    damage(f->copy);
    assert_int_equal(restore(f), ERR_CORRUPT);
    assert_int_equal(hub_day_open(&f->day), ERR_OK);
    assert_false(hubdb_restored(f->day.hub));
    assert_int_equal(hub_day_broken(&f->day), 0);
}

static enum err allow(struct fixture *f)
{
    struct database *copy = NULL;
    struct fault fault;
    const struct database_config config = {.path = f->copy,
                                           .read_only = true,
                                           .statements = ingest_sql,
                                           .statement_count = INGEST_COUNT};
    enum err err = database_open(&copy, &config, &fault);
    if (!err)
        err = backup_allow(hubdb_database(f->day.hub), copy, &fault);
    database_close(copy);
    return err;
}

/* The hub was rescued since, and asks for the rest again. */
static void what_the_copy_has_and_the_hub_has_no_more_is_not_pruned(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(back_up(f), ERR_OK);
    assert_int_equal(database_script(hubdb_database(f->day.hub),
                                     "UPDATE stream_log SET through = 40, backed_up_through = 30",
                                     NULL),
                     ERR_OK);
    assert_int_equal(allow(f), ERR_OK);
    assert_int_equal(number_in(f->path, "SELECT backed_up_through FROM stream_log"), 30);
}

/* Each acknowledgement of a chain of shops would go out again with each backup. */
static void nothing_new_in_a_copy_is_nothing_to_tell(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(database_script(hubdb_database(f->day.hub),
                                     "UPDATE stream_log SET backed_up_through = 30, untold = 0",
                                     NULL),
                     ERR_OK);
    assert_int_equal(back_up(f), ERR_OK);
    assert_int_equal(number_in(f->path, "SELECT untold FROM stream_log"), 1);
    int64_t told = number_in(f->path, "SELECT ack_no FROM stream_log");
    assert_int_equal(back_up(f), ERR_OK);
    assert_int_equal(number_in(f->path, "SELECT ack_no FROM stream_log"), told);
    assert_int_equal(number_in(f->path, "SELECT backed_up_through FROM stream_log"),
                     HUB_DAY_EVENTS);
}

/* --- The power goes -------------------------------------------------------------------------- */

/* The copy's own bytes, by SQLite's writes and syncs; its name is torture_test's. */
static void cut_power_after(struct vfs_fault *vfs, const char *made_as, const char *path,
                            uint64_t seed)
{
    assert_int_equal(rename(path, made_as), 0);
    vfs_fault_power_on(vfs, seed);
    assert_int_equal(rename(made_as, path), 0);
}

static void what_was_copied_outlives_a_power_cut(void **state)
{
    (void)state;
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    for (uint64_t seed = 0; seed < POWER_SEEDS; seed++) {
        struct vfs_fault *vfs = vfs_fault_open("backup-fault");
        struct fixture *f = NULL;
        char part[SCRATCH_PATH_MAX];
        assert_int_equal(sqlite3_vfs_register(sqlite3_vfs_find("backup-fault"), 1), SQLITE_OK);
        (void)set_up((void **)&f);
        assert_int_equal(back_up(f), ERR_OK);
        hub_day_close(&f->day);
        cut_power_after(vfs, scratch_path(&f->day.scratch, "copy.db.part", part), f->copy, seed);
        assert_int_equal(restore(f), ERR_OK);
        cut_power_after(vfs, scratch_path(&f->day.scratch, "hub.db.part", part), f->path, seed);
        assert_int_equal(number_in(f->path, "SELECT count(*) FROM event"), HUB_DAY_EVENTS);
        assert_int_equal(hub_day_open(&f->day), ERR_OK);
        assert_int_equal(hub_day_broken(&f->day), 0);
        (void)tear_down((void **)&f);
        assert_int_equal(sqlite3_vfs_register(real, 1), SQLITE_OK);
        vfs_fault_close(vfs);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_copy_is_one_file),
        TEST(a_damaged_database_does_not_replace_the_last_good_copy),
        TEST(a_damaged_database_lets_nothing_be_pruned),
        TEST(a_damaged_copy_is_not_restored),
        TEST(what_the_copy_has_and_the_hub_has_no_more_is_not_pruned),
        TEST(nothing_new_in_a_copy_is_nothing_to_tell),
        cmocka_unit_test(what_was_copied_outlives_a_power_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
