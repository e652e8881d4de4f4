#include "hal/database.h"
#include "tests/support/scratch.h"
#include "tests/support/vfs_fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define DISK "wal-join-test"

enum { PAGE = 4096, SMALL_CACHE_KIB = 40, SPILLS_ROWS = 400, BIG_ROWS = 2000 };
enum { PUT, SUM, SOUND, STATEMENT_COUNT };

static const struct database_sql statements[] = {
    {"put", "INSERT INTO item(bytes) VALUES(zeroblob(?1))"},
    {"sum", "SELECT count(*), ifnull(sum(length(bytes)), 0) FROM item"},
    {"sound", "PRAGMA integrity_check"},
};

struct fixture {
    struct scratch scratch;
    char path[SCRATCH_PATH_MAX];
    struct vfs_fault *disk;
    struct database *db;
    struct fault fault;
};

static struct database *opened(struct fixture *f)
{
    struct database_config config = {.path = f->path,
                                     .vfs = DISK,
                                     .statements = statements,
                                     .statement_count = STATEMENT_COUNT,
                                     .cache_kib = SMALL_CACHE_KIB};
    struct database *db = NULL;
    assert_int_equal(database_open(&db, &config, &f->fault), ERR_OK);
    return db;
}

static int setup(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof fixture);
    *state = &fixture;
    scratch_make(&fixture.scratch);
    scratch_path(&fixture.scratch, "item.db", fixture.path);
    fixture.disk = vfs_fault_open(DISK);
    fixture.db = opened(&fixture);
    assert_int_equal(
        database_script(fixture.db, "CREATE TABLE item(id INTEGER PRIMARY KEY, bytes BLOB)", NULL),
        ERR_OK);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    database_close(f->db);
    vfs_fault_close(f->disk);
    scratch_remove(&f->scratch);
    return 0;
}

static void put(struct database *db, int rows)
{
    for (int i = 0; i < rows; i++) {
        struct statement *s;
        assert_int_equal(database_statement(db, PUT, &s, NULL), ERR_OK);
        bind_int(s, 1, PAGE / 2);
        assert_int_equal(database_run(db, s, NULL), ERR_OK);
    }
}

static int64_t count(struct database *db)
{
    struct statement *s;
    bool row;
    assert_int_equal(database_statement(db, SUM, &s, NULL), ERR_OK);
    assert_int_equal(database_step(db, s, &row, NULL), ERR_OK);
    int64_t rows = column_int(s, 0);
    assert_int_equal(column_int(s, 1), rows * (PAGE / 2));
    statement_reset(s);
    return rows;
}

static void assert_sound(struct database *db)
{
    struct statement *s;
    bool row;
    assert_int_equal(database_statement(db, SOUND, &s, NULL), ERR_OK);
    assert_int_equal(database_step(db, s, &row, NULL), ERR_OK);
    assert_true(slice_is(column_slice(s, 0), "ok"));
    statement_reset(s);
}

static void a_commit_of_many_pages_is_one_write_and_one_sync(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(database_begin(f->db, NULL), ERR_OK);
    put(f->db, 10);
    int before = vfs_fault_calls(f->disk);
    assert_int_equal(database_commit(f->db, NULL), ERR_OK);
    assert_int_equal(vfs_fault_calls(f->disk) - before, 2);
}

static void a_transaction_reads_what_went_out_of_its_cache(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(database_begin(f->db, NULL), ERR_OK);
    put(f->db, SPILLS_ROWS);
    assert_int_equal(count(f->db), SPILLS_ROWS);
    put(f->db, 1);
    assert_int_equal(database_commit(f->db, NULL), ERR_OK);
    assert_int_equal(count(f->db), SPILLS_ROWS + 1);
    assert_sound(f->db);
}

/* What lay ready of a transaction that was undone must not be written over another's commit. */
static void what_was_undone_never_covers_anothers_commit(void **state)
{
    struct fixture *f = *state;
    struct database *other = opened(f);
    for (int spilled = 20; spilled < SPILLS_ROWS; spilled += 37) {
        assert_int_equal(database_begin(f->db, NULL), ERR_OK);
        put(f->db, spilled);
        database_rollback(f->db);
        int64_t had = count(other);
        put(other, 3);
        assert_int_equal(count(f->db), had + 3);
    }
    database_keep_wal(f->db, true);
    database_close(f->db);
    f->db = opened(f);
    assert_int_equal(count(f->db), count(other));
    assert_sound(f->db);
    database_close(other);
}

static void another_connection_sees_each_commit(void **state)
{
    struct fixture *f = *state;
    struct database *other = opened(f);
    for (int i = 1; i <= 50; i++) {
        put(f->db, 1);
        assert_int_equal(count(other), i);
    }
    database_close(other);
}

static void commit_when_the_disk_is_full_fails_and_leaves_what_was(void **state)
{
    struct fixture *f = *state;
    put(f->db, 3);
    assert_int_equal(database_begin(f->db, NULL), ERR_OK);
    put(f->db, 10);
    vfs_fault_fail(f->disk, VFS_FAULT_WRITE, 1, SQLITE_FULL, false);
    assert_int_equal(database_commit(f->db, &f->fault), ERR_DISK_FULL);
    assert_true(vfs_fault_struck(f->disk));
    database_rollback(f->db);
    vfs_fault_heal(f->disk);
    assert_int_equal(count(f->db), 3);
    put(f->db, 1);
    database_keep_wal(f->db, true);
    database_close(f->db);
    f->db = opened(f);
    assert_int_equal(count(f->db), 4);
    assert_sound(f->db);
}

/* SQLite's own VFS can't write every length at once. */
static void a_commit_larger_than_what_is_kept_back_is_saved(void **state)
{
    struct fixture *f = *state;
    f->path[strlen(f->path) - 1] = 'B';
    struct database_config config = {
        .path = f->path, .statements = statements, .statement_count = STATEMENT_COUNT};
    struct database *db = NULL;
    assert_int_equal(database_open(&db, &config, &f->fault), ERR_OK);
    assert_int_equal(
        database_script(db, "CREATE TABLE item(id INTEGER PRIMARY KEY, bytes BLOB)", NULL), ERR_OK);
    assert_int_equal(database_begin(db, NULL), ERR_OK);
    put(db, BIG_ROWS);
    assert_int_equal(database_commit(db, NULL), ERR_OK);
    assert_int_equal(count(db), BIG_ROWS);
    assert_sound(db);
    database_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_commit_of_many_pages_is_one_write_and_one_sync, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_transaction_reads_what_went_out_of_its_cache, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_was_undone_never_covers_anothers_commit, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_connection_sees_each_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(commit_when_the_disk_is_full_fails_and_leaves_what_was,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_commit_larger_than_what_is_kept_back_is_saved, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
