/* What the metrics count, of what happened: each by its query. */
#include "sync/hub/web/metrics.sql.h"
#include "tests/support/adyen.h"
#include "tests/support/hub_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE_MS INT64_C(60000)
#define DAY_MS INT64_C(86400000)

/* The value beside a label, NULL: the only one; 0 where there is no row of it. */
static int64_t metric(struct hub_run *run, size_t statement, const char *label)
{
    struct database_statements *set;
    struct statement *s;
    bool row = true;
    int64_t value = 0;
    hub_run_must(run, database_attach(run->db, metrics_sql, METRICS_COUNT, &set, &run->fault));
    hub_run_must(run, database_attached(set, statement, &s, &run->fault));
    if (statement_parameters(s))
        bind_int(s, 1, run->now_ms);
    for (;;) {
        hub_run_must(run, database_step(run->db, s, &row, &run->fault));
        if (!row)
            break;
        if (!label || strcmp(column_text(s, 0), label) == 0)
            value = column_int(s, label ? 1 : 0);
    }
    statement_reset(s);
    return value;
}

/* A return of 3.33, paid back by card. */
static void give_back(struct hub_run *run, int number)
{
    char data[512];
    (void)snprintf(
        data, sizeof data,
        "{\"number\":\"R-%d\",\"receipt\":\"A-%d\",\"store\":\"0040\",\"currency\":\"EUR\","
        "\"decision\":\"accepted\",\"lines\":[{\"line\":1,\"quantity\":1,\"net\":333,"
        "\"tax\":[],\"gross\":333}],\"refund\":{\"total\":333,\"tenders\":[]}}",
        number, number);
    hub_run_event(run, 0, number, EVENT_RETURN_CREATED, data);
    (void)snprintf(data, sizeof data,
                   "{\"position\":0,\"tender\":1,\"type\":\"card\",\"amount\":333,"
                   "\"reference\":\"RF%d\",\"currency\":\"EUR\"}",
                   number);
    hub_run_event(run, 0, number, EVENT_REFUND_ISSUED, data);
    hub_run_work(run);
}

static void money_given_without_the_centre_is_exposed_until_it_is_settled(void **state)
{
    struct hub_run *run = *state;
    give_back(run, 1);
    assert_int_equal(metric(run, METRICS_OFFLINE_EXPOSURE, "EUR"), 0);
    run->delay_ms = 2 * MINUTE_MS; /* until it comes here */
    give_back(run, 2);
    assert_int_equal(metric(run, METRICS_OFFLINE_EXPOSURE, "EUR"), 333);
    assert_int_equal(metric(run, METRICS_OFFLINE_MONEY, "EUR"), 333);
    hub_run_settle(run, SETTLEMENT_ADYEN,
                   ADYEN_HEAD "P,X,2026-11-23 10:00:00,Refunded,RF2,EUR,3.33,,EUR,3.33,,0,B1\n");
    assert_int_equal(metric(run, METRICS_OFFLINE_EXPOSURE, "EUR"), 0);
    assert_int_equal(metric(run, METRICS_OFFLINE_MONEY, "EUR"), 333);
    assert_int_equal(metric(run, METRICS_LINES, NULL), 1);
    assert_int_equal(metric(run, METRICS_BATCHES_WITHOUT_BANK, NULL), 1);
}

static void exceptions_grow_old(void **state)
{
    static const struct {
        int64_t days;
        const char *age;
    } ages[] = {{0, "1d"}, {1, "3d"}, {3, "7d"}, {7, "30d"}, {30, "older"}};
    struct hub_run *run = *state;
    const int64_t raised_ms = run->now_ms;
    hub_run_settle(run, SETTLEMENT_ADYEN,
                   ADYEN_HEAD "P,X,2026-11-23 10:00:00,Refunded,RF9,EUR,3.33,,EUR,3.33,,0,B1\n");
    for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
        run->now_ms = raised_ms + ages[i].days * DAY_MS + 5000;
        assert_int_equal(metric(run, METRICS_EXCEPTIONS_AGED, ages[i].age), 1);
        assert_int_equal(metric(run, METRICS_EXCEPTION_AGE, NULL), ages[i].days * 86400 + 5);
        assert_int_equal(metric(run, METRICS_EXCEPTIONS_OVERDUE, "finance"), ages[i].days >= 3);
    }
    assert_int_equal(metric(run, METRICS_EXCEPTIONS, "finance"), 1);
}

static void entries_wait_until_they_are_posted(void **state)
{
    struct hub_run *run = *state;
    give_back(run, 1);
    run->now_ms += 7000;
    assert_int_equal(metric(run, METRICS_POSTINGS_READY, NULL), 1);
    assert_int_equal(metric(run, METRICS_POSTING_AGE, NULL), 7);
    assert_int_equal(metric(run, METRICS_RETURNS_ACCEPTED, NULL), 1);
    assert_int_equal(metric(run, METRICS_DEVICES, NULL), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, hub_run_setup, hub_run_teardown)
    const struct CMUnitTest tests[] = {
        TEST(money_given_without_the_centre_is_exposed_until_it_is_settled),
        TEST(exceptions_grow_old),
        TEST(entries_wait_until_they_are_posted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
