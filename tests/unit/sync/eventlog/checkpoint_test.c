/*
 * The checkpoints in a log's folder: what is in one, which counts when the log is damaged, and
 * which may go.
 */
#include "sync/eventlog/checkpoint.h"
#include "tests/support/log_fixture.h"
#include "tests/support/small_pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static bool is_there(const struct scratch *scratch, const char *name)
{
    char path[SCRATCH_PATH_MAX];
    return access(scratch_path(scratch, name, path), F_OK) == 0;
}

static int make_folder(void **state)
{
    static struct scratch scratch;
    static const char *const whole[] = {"checkpoint-5.db",          "checkpoint-30.db",
                                        "checkpoint-7.db",          "checkpoint-90.new",
                                        "checkpoint-70.db-journal", "notes-99.db"};
    static const char rubbish[] = "SQLite format 3";
    char path[SCRATCH_PATH_MAX];
    scratch_make(&scratch);
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        small_pages_make(scratch_path(&scratch, whole[i], path));
    scratch_write(scratch_path(&scratch, "checkpoint-80.db", path), rubbish, sizeof rubbish);
    *state = &scratch;
    return 0;
}

static int remove_folder(void **state)
{
    scratch_remove(*state);
    return 0;
}

static void the_newest_that_is_whole_counts(void **state)
{
    const struct scratch *scratch = *state;
    assert_int_equal(checkpoint_newest(scratch->path), 30);
    assert_int_equal(checkpoint_newest("/nonexistent"), 0);
}

static void all_but_the_one_that_counts_may_go(void **state)
{
    const struct scratch *scratch = *state;
    assert_int_equal(checkpoint_tidy(scratch->path, 30, NULL), ERR_OK);
    assert_true(is_there(scratch, "checkpoint-30.db"));
    assert_true(is_there(scratch, "notes-99.db"));
    assert_false(is_there(scratch, "checkpoint-5.db"));
    assert_false(is_there(scratch, "checkpoint-80.db"));
    assert_false(is_there(scratch, "checkpoint-90.new"));
    assert_false(is_there(scratch, "checkpoint-70.db-journal"));
}

/* --- What is in one -------------------------------------------------------------------------- */

static enum err count_event(void *context, struct database_statements *sql,
                            const struct eventlog_record *record, struct fault *fault)
{
    (void)context;
    (void)record;
    struct statement *s;
    enum err err = database_attached(sql, 0, &s, fault);
    return err ? err : statement_run(s, fault);
}

static const struct database_sql total_sql[] = {{"add", "UPDATE total SET events = events + 1"}};

static const struct eventlog_view total = {
    .name = "total",
    .version = 1,
    .create = "CREATE TABLE total (one INTEGER PRIMARY KEY, events INTEGER NOT NULL) STRICT;"
              "INSERT INTO total VALUES (1, 0)",
    .drop = "DROP TABLE IF EXISTS total",
    .statements = total_sql,
    .statement_count = 1,
    .apply = count_event,
};

enum { TALLY, TOTAL, VIEWS, BEFORE = 5, AFTER = 3 };

/* A log of two views that was cut, and went on since. */
static void cut_log_of_two_views(struct log_fixture *f, struct eventlog_view views[static VIEWS])
{
    const struct eventlog_retention rules = {.max_events = 1};
    int64_t pruned = 0;
    log_fixture_begin(f);
    views[TALLY] = f->view;
    views[TOTAL] = total;
    f->config.views = views;
    f->config.view_count = VIEWS;
    assert_int_equal(log_fixture_open(f), ERR_OK);
    (void)log_fixture_append(f, EVENT_RETURN_CREATED, BEFORE);
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, BEFORE, 1);
    assert_int_equal(log_fixture_acknowledge(f, STREAM_RETURNS, &ack), ERR_OK);
    assert_int_equal(eventlog_prune(f->log, &rules, &pruned, &f->fault), ERR_OK);
    assert_int_equal(pruned, BEFORE - 1);
    (void)log_fixture_append(f, EVENT_RETURN_CREATED, AFTER);
    log_fixture_close(f);
}

static void assert_counted(struct log_fixture *f, const char *sql)
{
    struct eventlog_finding finding;
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(log_fixture_number(f, sql), BEFORE + AFTER);
    assert_int_equal(log_fixture_verify(f, &finding), 0);
    log_fixture_close(f);
}

static void a_view_takes_its_own_tables_from_it_and_no_others(void **state)
{
    (void)state;
    struct log_fixture f;
    struct eventlog_view views[VIEWS];
    cut_log_of_two_views(&f, views);
    views[TOTAL].version++;
    assert_counted(&f, "SELECT events FROM total");
    views[TALLY].version++;
    assert_counted(&f, "SELECT sum(events) FROM tally");
    f.config.view_count = 1; /* who made the other is not there any more */
    views[TALLY].version++;
    log_fixture_tamper(&f, "DROP TABLE total");
    assert_counted(&f, "SELECT sum(events) FROM tally");
    log_fixture_remove(&f);
}

static void it_is_one_file(void **state)
{
    (void)state;
    struct log_fixture f;
    struct eventlog_view views[VIEWS];
    char path[SCRATCH_PATH_MAX];
    sqlite3 *db;
    sqlite3_stmt *s;
    cut_log_of_two_views(&f, views);
    assert_int_equal(sqlite3_open(scratch_path(&f.scratch, "checkpoint-4.db", path), &db),
                     SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(s, 0), "delete");
    sqlite3_finalize(s);
    sqlite3_close(db);
    log_fixture_remove(&f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(the_newest_that_is_whole_counts),
        TEST(all_but_the_one_that_counts_may_go),
        cmocka_unit_test(a_view_takes_its_own_tables_from_it_and_no_others),
        cmocka_unit_test(it_is_one_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
