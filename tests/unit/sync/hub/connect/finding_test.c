/* What the books find of a return: named with its team and time, and settled by what mends it. */
#include "sync/hub/ingest/exception.h"
#include "sync/hub/ingest/parked.h"
#include "tests/support/hub_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int64_t exceptions(struct hub_run *run, const char *code, const char *state)
{
    char sql[256];
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*) FROM hub_exception WHERE code = '%s' AND state = '%s' AND"
                   " team = 'finance' AND due_ms = raised_ms + 86400000",
                   code, state);
    return hub_run_number(run, sql);
}

static void decide(struct hub_run *run, enum parked_verdict verdict)
{
    struct news news = {0};
    const struct parked_decision decision = {
        .verdict = verdict, .by = "Mara", .reason = "a test", .now_ms = run->now_ms};
    hub_run_must(run, database_begin(run->db, &run->fault));
    hub_run_must(run, parked_decide(run->db, &run->books, "1", &decision, &news, &run->fault));
    hub_run_must(run, database_commit(run->db, &run->fault));
    hub_run_work(run);
}

/* A refund whose books have no accounts at all. */
static size_t park_unmapped(struct hub_run *run)
{
    struct chart *chart = &run->books.companies[0].chart;
    size_t count = chart->count;
    chart->count = 0;
    hub_run_refund(run, 0, 1, 5000);
    hub_run_work(run);
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM parked WHERE state = 'open'"), 1);
    assert_int_equal(exceptions(run, "unmapped_code", "open"), 1);
    return count;
}

static void unmapped_code_is_named_until_the_mapping_came(void **state)
{
    struct hub_run *run = *state;
    size_t accounts = park_unmapped(run);
    decide(run, PARKED_RESUBMIT); /* in vain: nothing was mapped yet */
    assert_int_equal(exceptions(run, "unmapped_code", "open"), 1);
    run->books.companies[0].chart.count = accounts;
    decide(run, PARKED_RESUBMIT);
    assert_int_equal(exceptions(run, "unmapped_code", "resolved"), 1);
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM parked WHERE state = 'open'"), 0);
    assert_int_equal(hub_run_balance(run, "refunds_payable"), 0);
    assert_int_equal(hub_run_events_with(run, "unmapped_code"), 4); /* with its two decisions */
}

static int64_t events_of(struct hub_run *run, const char *type)
{
    char sql[128];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM event WHERE type = 'com.tillback.%s.v1'",
                   type);
    return hub_run_number(run, sql);
}

static void exception_that_comes_back_is_told_anew(void **state)
{
    struct hub_run *run = *state;
    struct exception_step step = {.number = 1, .how = "a test", .now_ms = run->now_ms};
    (void)park_unmapped(run);
    for (int64_t times = 1; times <= 2; times++) {
        hub_run_must(run, exception_resolve(run->db, &step, &run->fault));
        assert_int_equal(exceptions(run, "unmapped_code", "resolved"), 1);
        assert_int_equal(events_of(run, "exception.resolved"), times);
        decide(run, PARKED_RESUBMIT); /* in vain */
        decide(run, PARKED_RESUBMIT);
        assert_int_equal(exceptions(run, "unmapped_code", "open"), 1);
        assert_int_equal(events_of(run, "exception.raised"), times + 1);
    }
}

static void assign(struct hub_run *run, const char *person)
{
    struct exception_step step = {.number = 1, .person = person, .how = "", .now_ms = run->now_ms};
    hub_run_must(run, exception_assign(run->db, &step, &run->fault));
}

/* The latest event of the centre of that type. */
static char *latest(struct hub_run *run, const char *type)
{
    char sql[256];
    (void)snprintf(sql, sizeof sql,
                   "SELECT body FROM event WHERE device = 'centre' AND type = 'com.tillback.%s.v1'"
                   " ORDER BY event_no DESC LIMIT 1",
                   type);
    return hub_run_text(run, sql);
}

/* As when it was restored to before all of that, and the same is done once more. */
static void what_a_hub_forgot_has_the_same_id_when_it_is_done_again(void **state)
{
    static const char *const types[] = {"exception.raised", "exception.resolved", "parked.decided"};
    struct hub_run *runs[] = {*state, calloc(1, sizeof(struct hub_run))};
    hub_run_open(runs[1]);
    for (int i = 0; i < 2; i++) {
        (void)park_unmapped(runs[i]);
        decide(runs[i], PARKED_RESUBMIT);
        assign(runs[i], "Mara");
        assign(runs[i], "Jo");
        assign(runs[i], "Mara");
        assert_int_equal(events_of(runs[i], "exception.resolved"), 3);
        decide(runs[i], PARKED_RESUBMIT);
        assert_int_equal(events_of(runs[i], "parked.decided"), 2);
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char *one = latest(runs[0], types[i]);
        char *other = latest(runs[1], types[i]);
        assert_string_not_equal(one, "");
        assert_string_equal(one, other);
        free(one);
        free(other);
    }
    hub_run_close(runs[1]);
    free(runs[1]);
}

static void unmapped_code_is_named_no_more_once_it_is_let_go(void **state)
{
    struct hub_run *run = *state;
    (void)park_unmapped(run);
    decide(run, PARKED_DISCARD);
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM hub_exception WHERE state ="
                                         " 'resolved' AND resolution = 'it was discarded'"),
                     1);
}

static const char again[] =
    "{\"position\":1,\"tender\":1,\"type\":\"card\",\"amount\":5000,"
    "\"refund\":\"R-again\",\"reference\":\"RF-again\",\"currency\":\"EUR\"}";

static void more_than_a_return_is_worth_is_named_until_it_comes_back(void **state)
{
    struct hub_run *run = *state;
    hub_run_refund(run, 0, 1, 5000);
    hub_run_work(run);
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM hub_exception"), 0);
    hub_run_event(run, 0, 1, EVENT_REFUND_ISSUED, again);
    hub_run_work(run);
    assert_int_equal(exceptions(run, "refund_exceeds_paid", "open"), 1);
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM parked"),
                     0); /* it is gone, and booked */
    assert_int_equal(hub_run_balance(run, "tender"), -10000);
    hub_run_event(run, 0, 1, EVENT_REFUND_FAILED,
                  "{\"position\":1,\"tender\":1,\"type\":\"card\",\"amount\":5000,\"refund\":"
                  "\"R-again\",\"code\":\"declined\"}");
    hub_run_work(run);
    assert_int_equal(exceptions(run, "refund_exceeds_paid", "resolved"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hub_run_setup, hub_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unmapped_code_is_named_until_the_mapping_came),
        TEST(exception_that_comes_back_is_told_anew),
        TEST(what_a_hub_forgot_has_the_same_id_when_it_is_done_again),
        TEST(unmapped_code_is_named_no_more_once_it_is_let_go),
        TEST(more_than_a_return_is_worth_is_named_until_it_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
