/* A log that an older program wrote, opened by today's: its rows in a database of each version. */
#include "sync/eventlog/eventlog.h"

#include "hal/database.h"
#include "sync/eventlog/schema.sql.h"
#include "tests/support/log_fixture.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { VERSIONS = SCHEMA_COUNT };

static const char key_hash[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sqlite3_errmsg(db), sql);
}

/* What a program of that version would have left of this log: the tables that it knew. */
static void make_older(struct log_fixture *f, int version)
{
    char path[SCRATCH_PATH_MAX];
    char newer[SCRATCH_PATH_MAX];
    char sql[SCRATCH_PATH_MAX + 64];
    sqlite3 *db;
    log_fixture_close(f);
    assert_int_equal(sqlite3_open(scratch_path(&f->scratch, "older.db", path), &db), SQLITE_OK);
    for (int i = 0; i < version; i++)
        run(db, schema_sql[i].text);
    (void)snprintf(sql, sizeof sql, "ATTACH '%s' AS newer",
                   scratch_path(&f->scratch, "tillback.db", newer));
    run(db, sql);
    run(db, "INSERT INTO main.log SELECT no, id, parent_log, parent_seq, parent_hash, first_kept,"
            " before_hash, through, backed_up_through, ack_no, hub_epoch FROM newer.log;"
            "INSERT INTO main.event SELECT pos, ordinal, correlation, key, hash, body"
            " FROM newer.event;");
    (void)snprintf(sql, sizeof sql, "PRAGMA user_version = %d", version);
    run(db, sql);
    sqlite3_close(db);
    assert_int_equal(rename(path, newer), 0);
}

static void fill(struct log_fixture *f)
{
    struct log_command c;
    log_fixture_append(f, EVENT_RETURN_CREATED, 3);
    log_fixture_append(f, EVENT_SALE_RECORDED, 2);
    log_command_make(&c, f, EVENT_RETURN_CREATED, 1);
    log_command_key(&c, "key-1", key_hash);
    log_command_submit(&c);
    assert_int_equal(log_command_await(&c), ERR_OK);
}

static void assert_all_is_there(struct log_fixture *f)
{
    struct eventlog_finding finding;
    struct log_command again;
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).head, 4);
    assert_int_equal(log_fixture_stream(f, STREAM_SALES).head, 2);
    assert_int_equal(log_fixture_verify(f, &finding), 0);
    log_command_make(&again, f, EVENT_RETURN_CREATED, 1);
    log_command_key(&again, "key-1", key_hash);
    log_command_submit(&again);
    assert_int_equal(log_command_await(&again), ERR_OK);
    assert_true(again.replayed);
    assert_int_equal(log_fixture_append(f, EVENT_RETURN_CREATED, 1), 5);
}

static void a_log_of_each_older_version_is_migrated_with_all_it_holds(void **state)
{
    for (int version = 1; version <= VERSIONS; version++) {
        struct log_fixture *f = *state;
        fill(f);
        make_older(f, version);
        if (log_fixture_open(f) != ERR_OK)
            fail_msg("version %d: %s", version, f->fault.text);
        assert_int_equal(log_fixture_number(f, "PRAGMA user_version"), VERSIONS);
        assert_all_is_there(f);
        (void)log_fixture_teardown(state);
        (void)log_fixture_setup(state);
    }
}

/* The last step can't be taken: none is, and the older program could go on. */
static void a_migration_that_cannot_end_changes_nothing(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    make_older(f, 1);
    log_fixture_tamper(f, "CREATE TABLE restored (in_the_way)");
    assert_int_not_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(log_fixture_number(f, "PRAGMA user_version"), 1);
    assert_int_equal(
        log_fixture_number(f, "SELECT count(*) FROM sqlite_schema WHERE name = 'lost'"), 0);
    assert_int_equal(log_fixture_number(f, "SELECT count(*) FROM event"), 6);
    log_fixture_tamper(f, "DROP TABLE restored");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_all_is_there(f);
}

/* An update that was taken back: its program added what this one can do without. */
static void a_log_that_a_newer_program_left_goes_on_with_this_one(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    log_fixture_close(f);
    char sql[200];
    (void)snprintf(sql, sizeof sql,
                   "ALTER TABLE event ADD COLUMN later TEXT; CREATE TABLE later (id);"
                   "PRAGMA user_version = 99; PRAGMA application_id = %d",
                   VERSIONS);
    log_fixture_tamper(f, sql);
    if (log_fixture_open(f) != ERR_OK)
        fail_msg("%s", f->fault.text);
    assert_int_equal(log_fixture_number(f, "PRAGMA user_version"), 99);
    assert_all_is_there(f);
}

static void each_version_after_the_first_release_says_who_may_go_on(void **state)
{
    (void)state;
    enum { FIRST_RELEASE = 3 };
    for (int i = FIRST_RELEASE; i < VERSIONS; i++)
        if (!strstr(schema_sql[i].text, "PRAGMA application_id = "))
            fail_msg("%s", schema_sql[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(a_log_of_each_older_version_is_migrated_with_all_it_holds),
        LOG_TEST(a_migration_that_cannot_end_changes_nothing),
        LOG_TEST(a_log_that_a_newer_program_left_goes_on_with_this_one),
        LOG_TEST(each_version_after_the_first_release_says_who_may_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
