#include "hal/base/cleanup.h"
#include "sync/eventlog/log.sql.h"
#include "tests/support/await.h"
#include "tests/support/log_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* A log with both streams, the inbox and several correlations. */
static void fill(struct log_fixture *f)
{
    for (uint8_t i = 0; i < 12; i++) {
        struct log_command c;
        log_command_make(&c, f, i % 3 ? EVENT_RETURN_CREATED : EVENT_SALE_RECORDED, 2);
        c.correlation = log_fixture_id(i % 5);
        log_command_submit(&c);
        assert_int_equal(log_command_await(&c), ERR_OK);
        struct buf body CLEANUP(buf_free);
        buf_init(&body, 65536);
        log_fixture_message(&body, (uint8_t)(100 + i), log_fixture_id(i % 4));
        assert_int_equal(log_fixture_receive(f, 1, i + 1, buf_slice(&body)), ERR_OK);
    }
}

static const char view_as_number[] =
    "SELECT sum(events * 1000003 + stream * 10007 + seq * 101 + unicode(hex(correlation))) "
    "FROM tally";

static void views_rebuilt_are_the_views_as_they_were(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    int64_t live = log_fixture_number(f, view_as_number);
    assert_int_equal(log_fixture_findings(f), 0);
    log_fixture_close(f);
    log_fixture_tamper(f, "DELETE FROM tally");
    assert_int_equal(eventlog_rebuild(&f->config, &f->fault), ERR_OK);
    assert_int_equal(log_fixture_number(f, view_as_number), live);
}

static void a_view_of_another_version_is_made_again_at_start(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    int64_t live = log_fixture_number(f, view_as_number);
    log_fixture_close(f);
    log_fixture_tamper(f, "UPDATE tally SET events = 77");
    f->view.version = 2;
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(log_fixture_number(f, view_as_number), live);
}

static void a_view_that_was_away_catches_up(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    log_fixture_close(f);
    f->config.view_count = 0;
    assert_int_equal(log_fixture_open(f), ERR_OK);
    struct buf body CLEANUP(buf_free);
    buf_init(&body, 65536);
    log_fixture_message(&body, 200, log_fixture_id(1));
    assert_int_equal(log_fixture_receive(f, 1, 13, buf_slice(&body)), ERR_OK);
    log_fixture_close(f);
    f->config.view_count = 1;
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(log_fixture_findings(f), 0);
    assert_int_equal(log_fixture_number(f, "SELECT sum(events) FROM tally"), 24 + 13);
}

static int findings_after(struct log_fixture *f, const char *sql, struct eventlog_finding *first)
{
    log_fixture_tamper(f, sql);
    return log_fixture_verify(f, first);
}

static void a_changed_body_is_found(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    struct eventlog_finding first;
    assert_true(findings_after(f,
                               "UPDATE event SET body = cast(replace(cast(body AS TEXT), "
                               "'\"pad\"', '\"bad\"') AS BLOB) WHERE pos = 3",
                               &first) >= 1);
    assert_string_equal(first.what, "chain");
    assert_int_equal(first.seq, 3);
}

static void an_event_filed_under_another_key_is_found(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    struct eventlog_finding first;
    assert_int_equal(findings_after(f, "UPDATE event SET key = 'stolen' WHERE pos = 3", &first), 1);
    assert_string_equal(first.what, "key");
    assert_int_equal(first.seq, 3);
    assert_int_equal(findings_after(f,
                                    "UPDATE event SET key = NULL WHERE pos = 3;"
                                    "UPDATE event SET correlation = zeroblob(16) WHERE pos = 4",
                                    &first),
                     1);
    assert_string_equal(first.what, "key");
    assert_int_equal(first.seq, 4);
}

static void a_missing_event_is_found(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    struct eventlog_finding first;
    assert_true(findings_after(f, "DELETE FROM event WHERE pos = 5", &first) >= 1);
    assert_string_equal(first.what, "gap");
    assert_int_equal(first.seq, 5);
}

static void a_missing_tail_is_found(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    struct eventlog_finding first;
    assert_true(findings_after(f, "DELETE FROM event WHERE pos = 16", &first) >= 1);
    assert_string_equal(first.what, "head");
}

static void a_changed_view_is_found(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    struct eventlog_finding first;
    assert_int_equal(findings_after(f, "UPDATE tally SET events = events + 1", &first), 1);
    assert_string_equal(first.what, "view");
    assert_non_null(strstr(first.text, "tally"));
    assert_int_equal(findings_after(f, "DROP TABLE tally", &first), 1);
    assert_string_equal(first.what, "view");
}

static void a_damaged_page_is_found(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    log_fixture_close(f);
    char path[SCRATCH_PATH_MAX];
    FILE *file = fopen(scratch_path(&f->scratch, "tillback.db", path), "r+b");
    assert_int_equal(fseek(file, -40, SEEK_END), 0);
    for (int i = 0; i < 40; i++)
        assert_int_equal(fputc(0xff, file), 0xff);
    assert_int_equal(fclose(file), 0);
    struct eventlog_finding first;
    assert_true(log_fixture_verify(f, &first) >= 1);
}

/* Further back than a start looks. */
static void damage_that_is_met_in_the_background_is_salvaged_at_the_next_start(void **state)
{
    struct log_fixture *f = *state;
    const struct timespec nap = {.tv_nsec = 1000000};
    struct eventlog_status status;
    for (int i = 0; i < 110; i++)
        log_fixture_append(f, EVENT_RETURN_CREATED, 10);
    log_fixture_close(f);
    log_fixture_tamper(f, "UPDATE event SET body = zeroblob(100) WHERE pos = 5");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    eventlog_status(f->log, &status);
    for (int ms = 0; ms < AWAIT_MS && !status.damaged; ms++) {
        (void)nanosleep(&nap, NULL);
        eventlog_status(f->log, &status);
    }
    assert_true(status.damaged);
    assert_false(status.verified);
    log_fixture_reopen(f);
    eventlog_status(f->log, &status);
    assert_int_equal(status.lost[STREAM_RETURNS], 1);
    assert_int_equal(log_fixture_number(f, "SELECT count(*) FROM event"), 1099);
}

static void every_statement_can_be_prepared(void **state)
{
    struct log_fixture *f = *state;
    char path[SCRATCH_PATH_MAX];
    struct database_config config = {
        .path = scratch_path(&f->scratch, "tillback.db", path),
        .read_only = true,
        .statements = log_sql,
        .statement_count = LOG_COUNT,
    };
    struct database *db;
    assert_int_equal(database_open(&db, &config, &f->fault), ERR_OK);
    enum err err = database_prepare_all(db, &f->fault);
    if (err)
        print_message("%s: %s\n", f->fault.where, f->fault.text);
    assert_int_equal(err, ERR_OK);
    database_close(db);
}

/* The indexes carry what grows with the log: no start, key or history reads it whole. */
static void nothing_at_the_counter_scans_the_log(void **state)
{
    struct log_fixture *f = *state;
    static const int fast[] = {LOG_EVENT_LAST,   LOG_EVENT_HASH,   LOG_EVENT_RANGE,
                               LOG_EVENT_BY_KEY, LOG_ORDINAL_LAST, LOG_HISTORY};
    for (size_t i = 0; i < sizeof fast / sizeof fast[0]; i++) {
        char sql[2048];
        (void)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", log_sql[fast[i]].text);
        sqlite3 *db;
        sqlite3_stmt *s;
        char path[SCRATCH_PATH_MAX];
        assert_int_equal(sqlite3_open(scratch_path(&f->scratch, "tillback.db", path), &db), 0);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
        while (sqlite3_step(s) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(s, 3);
            if (strncmp(detail, "SCAN event", 10) == 0 || strcmp(detail, "SCAN e") == 0)
                fail_msg("%s: %s", log_sql[fast[i]].name, detail);
        }
        sqlite3_finalize(s);
        sqlite3_close(db);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(views_rebuilt_are_the_views_as_they_were),
        LOG_TEST(a_view_of_another_version_is_made_again_at_start),
        LOG_TEST(a_view_that_was_away_catches_up),
        LOG_TEST(a_changed_body_is_found),
        LOG_TEST(an_event_filed_under_another_key_is_found),
        LOG_TEST(a_missing_event_is_found),
        LOG_TEST(a_missing_tail_is_found),
        LOG_TEST(a_changed_view_is_found),
        LOG_TEST(a_damaged_page_is_found),
        LOG_TEST(damage_that_is_met_in_the_background_is_salvaged_at_the_next_start),
        LOG_TEST(every_statement_can_be_prepared),
        LOG_TEST(nothing_at_the_counter_scans_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
