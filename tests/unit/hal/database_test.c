#include "hal/database.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PUT, GET, PAIR, STATEMENT_COUNT };

static const struct database_sql statements[] = {
    {"put", "INSERT INTO item(id, name) VALUES(?1, ?2)"},
    {"get", "SELECT name, length(name) FROM item WHERE id=?1"},
    {"pair", "SELECT a.id FROM item a JOIN item b ON b.id=a.id"},
};

static const struct database_sql migrations[] = {
    {"first", "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT NOT NULL CHECK(name <> ''));"},
    {"second", "ALTER TABLE item ADD COLUMN note TEXT; INSERT INTO item(id, name) VALUES(1, 'x');"},
    {"third", "CREATE TABLE box(item INTEGER REFERENCES item(id));"},
};

struct fixture {
    struct scratch scratch;
    char path[SCRATCH_PATH_MAX];
    struct database *db;
    struct fault fault;
};

static int setup(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof fixture);
    *state = &fixture;
    scratch_make(&fixture.scratch);
    scratch_path(&fixture.scratch, "log.db", fixture.path);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    database_close(f->db);
    scratch_remove(&f->scratch);
    return 0;
}

static enum err try_open(struct fixture *f, bool read_only, struct database **db)
{
    struct database_config config = {.path = f->path,
                                     .read_only = read_only,
                                     .statements = statements,
                                     .statement_count = STATEMENT_COUNT};
    return database_open(db, &config, &f->fault);
}

static void open_migrated(struct fixture *f)
{
    assert_int_equal(try_open(f, false, &f->db), ERR_OK);
    assert_int_equal(database_migrate(f->db, migrations, 3, &f->fault), ERR_OK);
}

static enum err put(struct fixture *f, int64_t id, const char *name)
{
    struct statement *statement;
    assert_int_equal(database_statement(f->db, PUT, &statement, &f->fault), ERR_OK);
    bind_int(statement, 1, id);
    bind_text(statement, 2, name);
    return database_run(f->db, statement, &f->fault);
}

static bool has(struct database *db, int64_t id)
{
    struct statement *statement;
    bool row;
    assert_int_equal(database_find(db, GET, id, &statement, &row, NULL), ERR_OK);
    database_reset(db);
    return row;
}

static int64_t number(struct database *db, const char *sql)
{
    struct statement *statement;
    assert_int_equal(database_prepare(db, sql, &statement, NULL), ERR_OK);
    bool row;
    assert_int_equal(statement_step(statement, &row, NULL), ERR_OK);
    assert_true(row);
    int64_t value = column_int(statement, 0);
    statement_close(statement);
    return value;
}

static void opens_with_what_durability_needs(void **state)
{
    struct fixture *f = *state;
    open_migrated(f);
    assert_int_equal(number(f->db, "PRAGMA synchronous"), 2);
    assert_int_equal(number(f->db, "PRAGMA foreign_keys"), 1);
    assert_int_equal(number(f->db, "SELECT journal_mode='wal' FROM pragma_journal_mode"), 1);
}

static void migrates_from_nothing_and_from_each_older_version(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(try_open(f, false, &f->db), ERR_OK);
    for (size_t version = 1; version <= 3; version++) {
        assert_int_equal(database_migrate(f->db, migrations, version, &f->fault), ERR_OK);
        assert_int_equal(number(f->db, "PRAGMA user_version"), version);
    }
    assert_int_equal(database_migrate(f->db, migrations, 3, &f->fault), ERR_OK);
    assert_int_equal(number(f->db, "SELECT count(*) FROM item"), 1);
}

static void a_migration_that_fails_changes_nothing(void **state)
{
    struct fixture *f = *state;
    static const struct database_sql broken[] = {
        {"first", "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT);"},
        {"second", "CREATE TABLE half(id); CREATE TABLE nonsense("},
    };
    assert_int_equal(try_open(f, false, &f->db), ERR_OK);
    assert_int_not_equal(database_migrate(f->db, broken, 2, &f->fault), ERR_OK);
    assert_memory_equal(f->fault.text, "second: ", 8);
    assert_int_equal(number(f->db, "PRAGMA user_version"), 0);
    assert_int_equal(number(f->db, "SELECT count(*) FROM sqlite_master"), 0);
    assert_int_equal(database_migrate(f->db, migrations, 3, &f->fault), ERR_OK);
}

static void a_newer_schema_is_refused_with_both_versions(void **state)
{
    struct fixture *f = *state;
    open_migrated(f);
    assert_int_equal(database_migrate(f->db, migrations, 2, &f->fault), ERR_NEWER_SCHEMA);
    assert_non_null(strstr(f->fault.text, "version 3"));
    assert_non_null(strstr(f->fault.text, "2"));
    assert_int_equal(number(f->db, "PRAGMA user_version"), 3);
}

static void a_newer_schema_that_says_who_may_go_on_is_opened_by_those_only(void **state)
{
    struct fixture *f = *state;
    static const struct database_sql additive[] = {
        {"first", "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT);"},
        {"second", "CREATE TABLE other(id);"},
        {"third", "ALTER TABLE item ADD COLUMN note TEXT; PRAGMA application_id = 2;"},
    };
    assert_int_equal(try_open(f, false, &f->db), ERR_OK);
    assert_int_equal(database_migrate(f->db, additive, 3, &f->fault), ERR_OK);
    assert_int_equal(database_migrate(f->db, additive, 1, &f->fault), ERR_NEWER_SCHEMA);
    assert_int_equal(database_migrate(f->db, additive, 2, &f->fault), ERR_OK);
    assert_int_equal(put(f, 1, "by the older program"), ERR_OK);
    assert_int_equal(number(f->db, "PRAGMA user_version"), 3);
    assert_int_equal(database_migrate(f->db, additive, 3, &f->fault), ERR_OK);
    assert_int_equal(number(f->db, "SELECT count(*) FROM item WHERE note IS NULL"), 1);
}

static void all_statements_prepare_on_the_schema_they_are_for(void **state)
{
    struct fixture *f = *state;
    open_migrated(f);
    assert_int_equal(database_prepare_all(f->db, &f->fault), ERR_OK);
}

static void a_statement_that_does_not_fit_the_schema_is_named(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(try_open(f, false, &f->db), ERR_OK);
    assert_int_not_equal(database_prepare_all(f->db, &f->fault), ERR_OK);
    assert_string_equal(f->fault.where, "put");
    assert_non_null(strstr(f->fault.text, "no such table"));
}

static void attached_statements_are_prepared_and_closed_with_the_handle(void **state)
{
    struct fixture *f = *state;
    static const struct database_sql more[] = {{"count", "SELECT count(*) FROM item"}};
    open_migrated(f);
    struct database_statements *set;
    assert_int_equal(database_attach(f->db, more, 1, &set, &f->fault), ERR_OK);
    assert_int_equal(database_prepare_all(f->db, &f->fault), ERR_OK);
    struct statement *statement;
    bool row = false;
    assert_int_equal(database_attached(set, 0, &statement, &f->fault), ERR_OK);
    assert_int_equal(database_step(f->db, statement, &row, &f->fault), ERR_OK);
    assert_true(row);
    assert_int_equal(column_int(statement, 0), 1);
}

static void a_statement_comes_back_reset_and_without_bindings(void **state)
{
    struct fixture *f = *state;
    open_migrated(f);
    struct statement *statement;
    bool row;
    assert_int_equal(database_statement(f->db, GET, &statement, NULL), ERR_OK);
    bind_int(statement, 1, 1);
    assert_int_equal(database_step(f->db, statement, &row, NULL), ERR_OK);
    assert_true(row);
    assert_true(slice_is(column_slice(statement, 0), "x"));
    assert_int_equal(database_statement(f->db, GET, &statement, NULL), ERR_OK);
    assert_int_equal(database_step(f->db, statement, &row, NULL), ERR_OK);
    assert_false(row);
}

static void a_broken_constraint_is_a_conflict_and_the_handle_lives_on(void **state)
{
    struct fixture *f = *state;
    open_migrated(f);
    assert_int_equal(put(f, 1, "twice"), ERR_CONFLICT);
    assert_int_equal(put(f, 2, ""), ERR_CONFLICT);
    assert_int_equal(put(f, 2, NULL), ERR_CONFLICT);
    assert_int_equal(database_script(f->db, "INSERT INTO box VALUES(77)", &f->fault), ERR_CONFLICT);
    assert_int_equal(put(f, 2, "fine"), ERR_OK);
}

static void a_full_disk_is_said_and_rolled_back(void **state)
{
    struct fixture *f = *state;
    open_migrated(f);
    char pragma[64];
    (void)snprintf(pragma, sizeof pragma, "PRAGMA max_page_count=%lld",
                   (long long)number(f->db, "PRAGMA page_count"));
    assert_int_equal(database_script(f->db, pragma, &f->fault), ERR_OK);
    static char name[64 * 1024];
    memset(name, 'n', sizeof name - 1);
    assert_int_equal(database_begin(f->db, &f->fault), ERR_OK);
    assert_int_equal(put(f, 2, name), ERR_DISK_FULL);
    database_rollback(f->db);
    assert_false(has(f->db, 2));
    assert_true(has(f->db, 1));
}

static void a_second_writer_is_told_busy_a_reader_is_not(void **state)
{
    struct fixture *f = *state;
    open_migrated(f);
    struct database *other;
    assert_int_equal(try_open(f, false, &other), ERR_OK);
    sqlite3_busy_timeout(database_handle(other), 1);
    assert_int_equal(database_begin(f->db, &f->fault), ERR_OK);
    assert_int_equal(put(f, 2, "unseen"), ERR_OK);
    assert_int_equal(database_begin(other, &f->fault), ERR_BUSY);
    assert_true(has(other, 1));
    assert_false(has(other, 2));
    assert_int_equal(database_commit(f->db, &f->fault), ERR_OK);
    assert_true(has(other, 2));
    database_close(other);
}

static void a_transaction_is_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    open_migrated(f);
    assert_int_equal(database_begin(f->db, NULL), ERR_OK);
    assert_int_equal(put(f, 2, "a"), ERR_OK);
    database_rollback(f->db);
    database_rollback(f->db);
    assert_false(has(f->db, 2));
    assert_int_equal(database_begin(f->db, NULL), ERR_OK);
    assert_int_equal(put(f, 2, "a"), ERR_OK);
    assert_int_equal(database_commit(f->db, NULL), ERR_OK);
    assert_true(has(f->db, 2));
}

static void a_savepoint_undoes_only_its_own_step(void **state)
{
    struct fixture *f = *state;
    open_migrated(f);
    assert_int_equal(database_begin(f->db, NULL), ERR_OK);
    assert_int_equal(database_savepoint(f->db, NULL), ERR_OK);
    assert_int_equal(put(f, 2, "kept"), ERR_OK);
    assert_int_equal(database_release(f->db, NULL), ERR_OK);
    assert_int_equal(database_savepoint(f->db, NULL), ERR_OK);
    assert_int_equal(put(f, 3, "undone"), ERR_OK);
    database_rollback_savepoint(f->db);
    assert_int_equal(database_commit(f->db, NULL), ERR_OK);
    assert_true(has(f->db, 2));
    assert_false(has(f->db, 3));
}

static void read_only_reads_and_refuses_to_write(void **state)
{
    struct fixture *f = *state;
    open_migrated(f);
    struct database *reader;
    assert_int_equal(try_open(f, true, &reader), ERR_OK);
    assert_true(has(reader, 1));
    struct fault fault;
    assert_int_equal(database_script(reader, "DELETE FROM item", &fault), ERR_READ_ONLY);
    assert_true(has(f->db, 1));
    database_close(reader);
}

static void read_only_does_not_create(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(try_open(f, true, &f->db), ERR_NOT_FOUND);
    assert_string_equal(f->fault.where, f->path);
    assert_int_not_equal(access(f->path, F_OK), 0);
}

static void a_file_that_is_no_database_is_corrupt_and_left_alone(void **state)
{
    struct fixture *f = *state;
    static const char zeros[8192];
    static const char text[] = "this is not a database, and long enough to have a header of one, "
                               "which takes one hundred bytes, so here are some more of them.";
    scratch_write(f->path, text, sizeof text);
    assert_int_equal(try_open(f, false, &f->db), ERR_CORRUPT);
    assert_string_equal(f->fault.where, f->path);
    assert_null(f->db);
    struct stat info;
    assert_int_equal(stat(f->path, &info), 0);
    assert_int_equal(info.st_size, sizeof text);
    assert_int_equal(try_open(f, true, &f->db), ERR_CORRUPT);
    scratch_write(f->path, zeros, sizeof zeros); /* what a power cut may leave */
    assert_int_equal(try_open(f, false, &f->db), ERR_CORRUPT);
    assert_int_equal(try_open(f, true, &f->db), ERR_CORRUPT);
}

static void what_has_no_write_ahead_log_is_refused(void **state)
{
    struct fixture *f = *state;
    (void)snprintf(f->path, sizeof f->path, ":memory:");
    assert_int_equal(try_open(f, false, &f->db), ERR_UNSUPPORTED);
}

static void a_folder_in_the_way_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_int_not_equal(try_open(f, false, &f->db), ERR_OK);
    assert_string_equal(f->fault.where, f->path);
}

static void columns_are_read_by_length(void **state)
{
    struct fixture *f = *state;
    open_migrated(f);
    struct statement *statement;
    assert_int_equal(database_statement(f->db, PUT, &statement, NULL), ERR_OK);
    bind_int(statement, 1, 5);
    bind_blob(statement, 2, "\0\xff\1", 3);
    assert_int_equal(database_run(f->db, statement, NULL), ERR_OK);
    bool row;
    assert_int_equal(database_statement(f->db, GET, &statement, NULL), ERR_OK);
    bind_int(statement, 1, 5);
    assert_int_equal(database_step(f->db, statement, &row, NULL), ERR_OK);
    assert_true(row);
    uint8_t bytes[4] = {9, 9, 9, 9};
    assert_int_equal(column_bytes(statement, 0, bytes, 4), ERR_CORRUPT);
    assert_int_equal(bytes[0], 9);
    assert_int_equal(column_bytes(statement, 0, bytes, 3), ERR_OK);
    assert_memory_equal(bytes, "\0\xff\1", 3);
    database_reset(f->db);
}

static void the_cache_is_as_large_as_asked_and_stays_so_when_opened_anew(void **state)
{
    struct fixture *f = *state;
    const struct database_config config = {.path = f->path, .cache_kib = 256};
    assert_int_equal(database_open(&f->db, &config, &f->fault), ERR_OK);
    assert_int_equal(number(f->db, "PRAGMA cache_size"), -256);
    assert_int_equal(database_reopen(f->db, &f->fault), ERR_OK);
    assert_int_equal(number(f->db, "PRAGMA cache_size"), -256);
}

static void close_takes_nothing(void **state)
{
    (void)state;
    database_close(NULL);
}

#define DATABASE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* By hand, and never at a commit; what a reader still stands on is left for later. */
static void a_checkpoint_by_hand_leaves_what_a_reader_stands_on(void **state)
{
    struct fixture *f = *state;
    struct database *reader = NULL;
    open_migrated(f);
    database_checkpoint_by_hand(f->db);
    assert_int_equal(try_open(f, true, &reader), ERR_OK);
    assert_int_equal(database_script(reader, "BEGIN", NULL), ERR_OK);
    assert_true(has(reader, 1));
    for (int i = 0; i < 1200; i++)
        assert_int_equal(put(f, 1000 + i, "y"), ERR_OK);
    int64_t pages = database_wal_pages(f->db);
    assert_true(pages > 1200);
    assert_true(database_checkpoint(f->db) > 1000);
    database_rollback(reader);
    assert_int_equal(database_checkpoint(f->db), 0);
    assert_int_equal(put(f, 5000, "z"), ERR_OK);
    assert_true(database_wal_pages(f->db) < 10);
    database_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DATABASE_TEST(opens_with_what_durability_needs),
        DATABASE_TEST(migrates_from_nothing_and_from_each_older_version),
        DATABASE_TEST(a_migration_that_fails_changes_nothing),
        DATABASE_TEST(a_newer_schema_is_refused_with_both_versions),
        DATABASE_TEST(a_newer_schema_that_says_who_may_go_on_is_opened_by_those_only),
        DATABASE_TEST(all_statements_prepare_on_the_schema_they_are_for),
        DATABASE_TEST(a_statement_that_does_not_fit_the_schema_is_named),
        DATABASE_TEST(attached_statements_are_prepared_and_closed_with_the_handle),
        DATABASE_TEST(a_statement_comes_back_reset_and_without_bindings),
        DATABASE_TEST(a_broken_constraint_is_a_conflict_and_the_handle_lives_on),
        DATABASE_TEST(a_full_disk_is_said_and_rolled_back),
        DATABASE_TEST(a_second_writer_is_told_busy_a_reader_is_not),
        DATABASE_TEST(a_transaction_is_all_or_nothing),
        DATABASE_TEST(a_savepoint_undoes_only_its_own_step),
        DATABASE_TEST(read_only_reads_and_refuses_to_write),
        DATABASE_TEST(read_only_does_not_create),
        DATABASE_TEST(a_file_that_is_no_database_is_corrupt_and_left_alone),
        DATABASE_TEST(what_has_no_write_ahead_log_is_refused),
        DATABASE_TEST(a_folder_in_the_way_is_refused),
        DATABASE_TEST(columns_are_read_by_length),
        DATABASE_TEST(the_cache_is_as_large_as_asked_and_stays_so_when_opened_anew),
        DATABASE_TEST(close_takes_nothing),
        DATABASE_TEST(a_checkpoint_by_hand_leaves_what_a_reader_stands_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
