/* Tax that was taken back, against the money that was given back. */
#include "tests/support/adyen.h"
#include "tests/support/hub_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A return of 50.00 with 8.00 of tax, whose money is paid by a later event. */
#define OWED                                                                                       \
    "{\"number\":\"R-7\",\"store\":\"0040\",\"currency\":\"EUR\",\"decision\":\"accepted\","       \
    "\"goods\":\"received\",\"lines\":[{\"line\":1,\"quantity\":1,\"net\":4200,\"tax\":[{"         \
    "\"amount\":800,"                                                                              \
    "\"jurisdiction\":\"DE\",\"rate\":\"19\"}],\"gross\":5000}],\"refund\":{\"tenders\":[{"        \
    "\"tender\":1,"                                                                                \
    "\"type\":\"card\",\"amount\":5000}]}}"

static int64_t mismatches(struct hub_run *run, const char *state)
{
    char sql[200];
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*) FROM hub_exception WHERE code = 'tax_payment_mismatch'"
                   " AND team = 'finance' AND state = '%s'",
                   state);
    return hub_run_number(run, sql);
}

static void tax_is_held_against_the_money_that_was_given_back(void **state)
{
    struct hub_run *run = *state;
    run->match.unpaid_days = 14;
    hub_run_refund(run, 0, 1, 5000); /* paid at once: nobody hears of it */
    hub_run_event(run, 0, 7, EVENT_RETURN_CREATED, OWED);
    hub_run_work(run);
    run->now_ms += 13 * INT64_C(86400000);
    hub_run_work(run);
    assert_int_equal(mismatches(run, "open"), 0);
    run->now_ms += 2 * INT64_C(86400000);
    hub_run_work(run);
    hub_run_work(run);
    assert_int_equal(mismatches(run, "open"), 1);
    HUB_RUN_EXPECT(run, 1, "SELECT times FROM hub_exception WHERE code = 'tax_payment_mismatch'");
    char *detail = hub_run_text(run, "SELECT detail FROM hub_exception"
                                     " WHERE code = 'tax_payment_mismatch'");
    assert_non_null(strstr(detail, "8.00 EUR of tax were taken back"));
    assert_non_null(strstr(detail, "return R-7, of which 50.00 EUR are not given back"));
    free(detail);
    hub_run_event(run, 0, 7, EVENT_REFUND_ISSUED,
                  "{\"tender\":1,\"type\":\"card\",\"amount\":2000}");
    hub_run_work(run);
    assert_int_equal(mismatches(run, "open"), 1);
    hub_run_event(run, 0, 7, EVENT_REFUND_ISSUED,
                  "{\"tender\":1,\"type\":\"card\",\"amount\":3000}");
    hub_run_work(run);
    assert_int_equal(mismatches(run, "open"), 0);
    assert_int_equal(mismatches(run, "resolved"), 1);
}

#define DAY_MS INT64_C(86400000)
#define PAID(amount) "{\"tender\":1,\"type\":\"card\",\"amount\":" amount "}"

/* So many days go by; the longer wait is over in the second step. */
static void wait_days(struct hub_run *run, int days)
{
    run->now_ms += days * DAY_MS;
    hub_run_work(run);
    hub_run_work(run);
}

static void refund_that_fails_later_is_held_against_the_tax_again(void **state)
{
    struct hub_run *run = *state;
    run->match.unpaid_days = 14;
    hub_run_event(run, 0, 7, EVENT_RETURN_CREATED, OWED);
    wait_days(run, 15);
    assert_int_equal(mismatches(run, "open"), 1);
    hub_run_event(run, 0, 7, EVENT_REFUND_ISSUED, PAID("5000"));
    hub_run_work(run);
    assert_int_equal(mismatches(run, "resolved"), 1);
    hub_run_event(run, 0, 7, EVENT_REFUND_FAILED,
                  "{\"tender\":1,\"type\":\"card\",\"failed\":\"account closed\"}");
    wait_days(run, 13);
    assert_int_equal(mismatches(run, "open"), 0); /* it may be paid anew */
    wait_days(run, 2);
    assert_int_equal(mismatches(run, "open"), 1);
    HUB_RUN_EXPECT(run, 2, "SELECT times FROM hub_exception WHERE code = 'tax_payment_mismatch'");
    char *detail = hub_run_text(run, "SELECT detail FROM hub_exception"
                                     " WHERE code = 'tax_payment_mismatch'");
    assert_non_null(strstr(detail, "a refund failed on"));
    free(detail);
    hub_run_event(run, 0, 7, EVENT_REFUND_ISSUED, PAID("5000"));
    hub_run_work(run);
    assert_int_equal(mismatches(run, "open"), 0);
}

static void settled_refund_that_came_back_is_held_against_the_tax(void **state)
{
    struct hub_run *run = *state;
    run->match.unpaid_days = 14;
    hub_run_event(run, 0, 7, EVENT_RETURN_CREATED, OWED);
    hub_run_event(run, 0, 7, EVENT_REFUND_ISSUED,
                  "{\"tender\":1,\"type\":\"card\",\"amount\":5000,\"reference\":\"RF1\"}");
    hub_run_settle(run, SETTLEMENT_ADYEN, ADYEN_HEAD ADYEN_REFUNDED);
    HUB_RUN_EXPECT(run, 1, "SELECT count(*) FROM expected_refund WHERE state = 'settled'");
    wait_days(run, 20);
    assert_int_equal(mismatches(run, "open"), 0);
    hub_run_settle(run, SETTLEMENT_ADYEN,
                   ADYEN_HEAD
                   "P1,R1,2026-12-13 10:00:00,RefundedReversed,RF1,EUR,,50.00,EUR,,50.00,,B77\n");
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -5000);
    assert_int_equal(mismatches(run, "open"), 0);
    wait_days(run, 15);
    assert_int_equal(mismatches(run, "open"), 1);
}

static void mismatch_ends_when_no_tax_is_taken_back_any_more(void **state)
{
    struct hub_run *run = *state;
    run->match.unpaid_days = 14;
    hub_run_event(run, 0, 7, EVENT_RETURN_CREATED, OWED);
    wait_days(run, 15);
    assert_int_equal(mismatches(run, "open"), 1);
    hub_run_event(run, 0, 7, EVENT_TAX_ADJUSTED,
                  "{\"tax\":[{\"amount\":-800,\"jurisdiction\":\"DE\",\"rate\":\"19\"}]}");
    hub_run_work(run);
    assert_int_equal(mismatches(run, "resolved"), 1);
}

static void mismatch_ends_when_the_return_is_voided(void **state)
{
    struct hub_run *run = *state;
    run->match.unpaid_days = 14;
    hub_run_event(run, 0, 7, EVENT_RETURN_CREATED, OWED);
    wait_days(run, 15);
    assert_int_equal(mismatches(run, "open"), 1);
    hub_run_event(run, 0, 7, EVENT_RETURN_VOIDED, "{\"note\":\"customer keeps it\"}");
    hub_run_work(run);
    assert_int_equal(mismatches(run, "open"), 0);
    assert_int_equal(mismatches(run, "resolved"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hub_run_setup, hub_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tax_is_held_against_the_money_that_was_given_back),
        TEST(refund_that_fails_later_is_held_against_the_tax_again),
        TEST(settled_refund_that_came_back_is_held_against_the_tax),
        TEST(mismatch_ends_when_no_tax_is_taken_back_any_more),
        TEST(mismatch_ends_when_the_return_is_voided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
