/* Settlement files against the ledger: what fits is booked, what differs waits for a person. */
#include "sync/hub/connect/intake.h"
#include "sync/hub/connect/reconcile.h"
#include "sync/hub/connect/reconcile_order.h"
#include "sync/hub/ingest/rebuild.h"
#include "tests/support/adyen.h"
#include "tests/support/hub_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHARGED_BACK "P1,S1,2026-11-24 10:00:00,Chargeback,CB1,EUR,30.00,,EUR,37.50,,7.50,B77\n"
static int64_t exceptions(struct hub_run *run, const char *code, const char *about)
{
    char sql[300];
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*) FROM hub_exception WHERE code = '%s' AND detail LIKE '%s%%'",
                   code, about);
    return hub_run_number(run, sql);
}

static void refund_found_by_its_reference_is_settled_and_booked(void **state)
{
    struct hub_run *run = *state;
    hub_run_refund(run, 0, 1, 5000);
    hub_run_settle(run, SETTLEMENT_ADYEN, ADYEN_HEAD ADYEN_REFUNDED);
    HUB_RUN_EXPECT(run, 1,
                   "SELECT count(*) FROM settlement_line WHERE state = 'matched'"
                   " AND match_key = 'reference' AND mismatches = 0");
    HUB_RUN_EXPECT(run, 1, "SELECT count(*) FROM expected_refund WHERE state = 'settled'");
    assert_int_equal(hub_run_balance(run, "tender"), 0);
    assert_int_equal(hub_run_balance(run, "bank"), -5010);
    assert_int_equal(hub_run_balance(run, "payment_fees"), 10);
    HUB_RUN_EXPECT(run, 0, "SELECT count(*) FROM hub_exception");
    HUB_RUN_EXPECT(run, 0, "SELECT count(*) FROM ledger_event WHERE state <> 'applied'");
    HUB_RUN_EXPECT(run, 1, "SELECT count(*) FROM inbox_out WHERE device = 'box-a'");
}

static void the_same_file_again_changes_nothing(void **state)
{
    struct hub_run *run = *state;
    hub_run_refund(run, 0, 1, 5000);
    hub_run_settle(run, SETTLEMENT_ADYEN, ADYEN_HEAD ADYEN_REFUNDED);
    hub_run_settle(run, SETTLEMENT_ADYEN, ADYEN_HEAD ADYEN_REFUNDED);
    HUB_RUN_EXPECT(run, 1, "SELECT count(*) FROM settlement_file");
    HUB_RUN_EXPECT(run, 1, "SELECT count(*) FROM settlement_line");
    assert_int_equal(hub_run_balance(run, "bank"), -5010);
}

/* References at the ERP begin with the id of the event that is booked. */
static char *reference(struct hub_run *run, const char *rule)
{
    char sql[200];
    (void)snprintf(sql, sizeof sql,
                   "SELECT reference FROM journal_entry WHERE reference LIKE '%%/%s'", rule);
    return hub_run_text(run, sql);
}

static char *id_of_exception(struct hub_run *run)
{
    return hub_run_text(run, "SELECT substr(body, 1, 100) FROM event WHERE device = 'centre'"
                             " AND type LIKE '%exception.raised%'");
}

static void hub_that_forgot_a_file_books_it_under_the_same_references(void **state)
{
    static const char *const rules[] = {"refund_settled", "chargeback_opened",
                                        "chargeback_settled"};
    struct hub_run *run = *state;
    struct hub_run *restored = calloc(1, sizeof *restored);
    hub_run_open(restored);
    restored->now_ms = run->now_ms + 86400000;
    /* Another file came first there, so that rows of the database are numbered otherwise. */
    hub_run_settle(restored, SETTLEMENT_ADYEN, ADYEN_HEAD ADYEN_SOLD);
    struct hub_run *both[] = {run, restored};
    for (int i = 0; i < 2; i++) {
        hub_run_refund(both[i], 0, 1, 5000);
        hub_run_settle(both[i], SETTLEMENT_ADYEN, ADYEN_HEAD ADYEN_REFUNDED CHARGED_BACK);
    }
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        char *first = reference(run, rules[i]);
        char *again = reference(restored, rules[i]);
        assert_true(*first);
        assert_string_equal(first, again);
        free(first);
        free(again);
    }
    char *first = id_of_exception(run);
    char *again = id_of_exception(restored);
    assert_non_null(strstr(first, "\"id\":\""));
    assert_string_equal(first, again);
    free(first);
    free(again);
    hub_run_close(restored);
    free(restored);
}

static void file_that_breaks_off_is_taken_not_at_all(void **state)
{
    struct hub_run *run = *state;
    struct intake taken;
    hub_run_must(run, database_begin(run->db, &run->fault));
    assert_int_equal(intake_settlement(run->db, SETTLEMENT_CAMT053,
                                       slice_of("<Document><BkToCstmrStmt>"), "Ada", run->now_ms,
                                       &taken, &run->fault),
                     ERR_INVALID);
    database_rollback(run->db);
    HUB_RUN_EXPECT(run, 0, "SELECT count(*) FROM settlement_file");
}

#define UNKNOWN                                                                                    \
    "P9,R9,2026-11-23 10:00:00,Refunded,RF9,EUR,50.00,,EUR,50.00,,,B1\n" /* none of its keys is    \
                                                                            ours */

static int64_t unresolved(struct hub_run *run)
{
    return hub_run_number(run, "SELECT count(*) FROM hub_exception WHERE state <> 'resolved'");
}

/* A store without a link tells of its refunds late. */
static void refund_in_the_file_before_its_event_is_matched_when_that_comes(void **state)
{
    struct hub_run *run = *state;
    hub_run_settle(run, SETTLEMENT_ADYEN, ADYEN_HEAD ADYEN_REFUNDED UNKNOWN);
    HUB_RUN_EXPECT(run, 2, "SELECT count(*) FROM settlement_line WHERE state = 'unmatched'");
    assert_int_equal(exceptions(run, "settlement_variance", "unknown_in_ledger"), 2);
    const int64_t sum = hub_run_number(run, "SELECT sum(net_minor) FROM settlement_batch");
    hub_run_refund(run, 0, 1, 5000);
    hub_run_work(run);
    HUB_RUN_EXPECT(run, 1, "SELECT count(*) FROM settlement_line WHERE state = 'matched'");
    HUB_RUN_EXPECT(run, 1, "SELECT count(*) FROM settlement_line WHERE state = 'unmatched'");
    HUB_RUN_EXPECT(run, 1, "SELECT count(*) FROM expected_refund WHERE state = 'settled'");
    assert_int_equal(unresolved(run), 1);
    assert_int_equal(hub_run_balance(run, "bank"), -5010);
    assert_int_equal(hub_run_balance(run, "tender"), 0);
    HUB_RUN_EXPECT(run, sum, "SELECT sum(net_minor) FROM settlement_batch"); /* counted once */
    HUB_RUN_EXPECT(run, 2, "SELECT count FROM measure_money WHERE measure = 'refund_lines'");
}

static void line_that_comes_before_its_refund_and_differs_is_told_of_that(void **state)
{
    struct hub_run *run = *state;
    hub_run_settle(run, SETTLEMENT_ADYEN,
                   ADYEN_HEAD "P1,R1,2026-11-23 10:00:00,Refunded,RF1,EUR,49.00,,EUR,49.00,,,B1\n");
    hub_run_refund(run, 0, 1, 5000);
    hub_run_work(run);
    HUB_RUN_EXPECT(run, 1, "SELECT count(*) FROM settlement_line WHERE state = 'differs'");
    assert_int_equal(exceptions(run, "settlement_variance", "amount"), 1);
    assert_int_equal(unresolved(run), 1);
}

static void person_matches_what_nobody_knew(void **state)
{
    struct hub_run *run = *state;
    struct told told = {0};
    hub_run_settle(run, SETTLEMENT_ADYEN, ADYEN_HEAD UNKNOWN);
    hub_run_refund(run, 0, 1, 5000);
    hub_run_work(run);
    const struct reconcile_order order = {
        .line = hub_run_number(run, "SELECT line_no FROM settlement_line"),
        .refund = hub_run_number(run, "SELECT expected_no FROM expected_refund"),
        .now_ms = run->now_ms};
    hub_run_must(run, reconcile_match(run->db, &order, &told, &run->fault));
    assert_int_equal(reconcile_match(run->db, &order, &told, &run->fault), ERR_CONFLICT);
    hub_run_work(run);
    assert_int_equal(told.count, 1);
    assert_int_equal(hub_run_balance(run, "bank"), -5000);
    assert_int_equal(hub_run_balance(run, "tender"), 0);
    assert_int_equal(unresolved(run), 0);
}

static void line_of_another_currency_or_of_money_that_came_can_not_be_matched(void **state)
{
    struct hub_run *run = *state;
    struct told told = {0};
    hub_run_settle(run, SETTLEMENT_ADYEN,
                   ADYEN_HEAD "P9,R9,2026-11-23 10:00:00,Refunded,RF9,USD,50.00,,USD,50.00,,,B1\n"
                              "P8,R8,2026-11-23 10:00:00,Refunded,RF8,EUR,,50.00,EUR,,50.00,,B1\n");
    hub_run_refund(run, 0, 1, 5000);
    hub_run_work(run);
    const int64_t first = hub_run_number(run, "SELECT min(line_no) FROM settlement_line");
    for (int64_t line = first; line < first + 2; line++) {
        const struct reconcile_order order = {
            .line = line,
            .refund = hub_run_number(run, "SELECT expected_no FROM expected_refund"),
            .now_ms = run->now_ms};
        assert_int_equal(reconcile_match(run->db, &order, &told, &run->fault), ERR_REFUSED);
    }
    HUB_RUN_EXPECT(run, 1, "SELECT count(*) FROM expected_refund WHERE state = 'open'");
    HUB_RUN_EXPECT(run, 2, "SELECT count(*) FROM settlement_line WHERE state = 'unmatched'");
}

static void every_difference_has_its_name_and_is_not_booked(void **state)
{
    static const struct {
        const char *line;
        const char *code;
        const char *about;
        int64_t booked;
    } cases[] = {
        {"P1,R1,2026-11-23 10:00:00,Refunded,RF1,EUR,49.00,,EUR,49.00,,,B1\n",
         "settlement_variance", "amount", 0},
        {"P1,R1,2026-11-23 10:00:00,Refunded,RF1,USD,50.00,,USD,50.00,,,B1\n", "currency_mismatch",
         "currency", 0},
        {"P1,R1,2026-11-23 10:00:00,Refunded,RF1,EUR,,50.00,EUR,,50.00,,B1\n",
         "settlement_variance", "sign", 0},
        {"P1,R1,2026-12-23 10:00:00,Refunded,RF1,EUR,50.00,,EUR,50.00,,,B1\n",
         "settlement_variance", "late", -5000},
        {"P1,R1,2026-11-23 10:00:00,Refunded,RF1,EUR,50.00,,USD,58.10,,0.10,B1\n",
         "settlement_variance", "fee", -5000},
        {"P1,R1,2026-11-23 10:00:00,Refunded,RF1,EUR,50.00,,EUR,50.31,,0.31,B1\n",
         "settlement_variance", "fee", -5031},
    };
    struct hub_run *run = *state;
    (void)run;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hub_run one;
        char text[2048];
        hub_run_open(&one);
        one.match.fee_most_minor = 30;
        hub_run_refund(&one, 0, 1, 5000);
        (void)snprintf(text, sizeof text, "%s%s", ADYEN_HEAD, cases[i].line);
        hub_run_settle(&one, SETTLEMENT_ADYEN, text);
        assert_int_equal(exceptions(&one, cases[i].code, cases[i].about), 1);
        assert_int_equal(hub_run_balance(&one, "bank"), cases[i].booked);
        hub_run_close(&one);
    }
}

static void second_line_for_one_refund_is_a_duplicate(void **state)
{
    struct hub_run *run = *state;
    hub_run_refund(run, 0, 1, 5000);
    hub_run_settle(run, SETTLEMENT_ADYEN, ADYEN_HEAD ADYEN_REFUNDED ADYEN_REFUNDED);
    assert_int_equal(exceptions(run, "settlement_variance", "duplicate"), 1);
    HUB_RUN_EXPECT(run, 1, "SELECT count(*) FROM settlement_line WHERE state = 'differs'");
    assert_int_equal(hub_run_balance(run, "bank"), -5010);
}

#define OPEN_DUAL                                                                                  \
    "SELECT count(*) FROM hub_exception WHERE code = 'dual_refund' AND state <> 'resolved'"

static void chargeback_of_what_was_refunded_is_booked_and_named_dual(void **state)
{
    struct hub_run *run = *state;
    hub_run_refund(run, 0, 1, 5000);
    hub_run_settle(run, SETTLEMENT_ADYEN, ADYEN_HEAD ADYEN_REFUNDED CHARGED_BACK);
    assert_int_equal(exceptions(run, "dual_refund", "dual_refund"), 1);
    HUB_RUN_EXPECT(run, 1, "SELECT count(*) FROM event WHERE type LIKE '%%exception.raised%%'");
    for (int again = 0; again < 2; again++) { /* another file has the same line once more */
        assert_int_equal(hub_run_balance(run, "disputed"), 3000);
        assert_int_equal(hub_run_balance(run, "bank"), -5010 - 3750);
        assert_int_equal(hub_run_balance(run, "tender"), 0);
        hub_run_settle(run, SETTLEMENT_ADYEN, ADYEN_HEAD CHARGED_BACK);
    }
    hub_run_settle(run, SETTLEMENT_ADYEN,
                   ADYEN_HEAD
                   "P1,S1,2026-12-01 10:00:00,ChargebackReversed,CB1,EUR,,30.00,EUR,,30.00,,"
                   "B78\n");
    assert_int_equal(hub_run_balance(run, "disputed"), 0);
    assert_int_equal(hub_run_balance(run, "bank"), -5010 - 750);
    assert_int_equal(hub_run_balance(run, "tender"), 0);
    HUB_RUN_EXPECT(run, 0, OPEN_DUAL); /* of neither line */
}

/* A file that is exported once more tells of a dispute that has ended; the next dispute is another.
 */
static void dispute_that_was_won_is_not_opened_by_its_old_line_but_by_a_new_one(void **state)
{
    static const char won[] =
        ADYEN_HEAD "P1,S1,2026-12-01 10:00:00,ChargebackReversed,CB1,EUR,,30.00,EUR,,30.00,,B78\n";
    struct hub_run *run = *state;
    hub_run_refund(run, 0, 1, 5000);
    hub_run_settle(run, SETTLEMENT_ADYEN, ADYEN_HEAD ADYEN_REFUNDED CHARGED_BACK);
    hub_run_settle(run, SETTLEMENT_ADYEN, won);
    hub_run_settle(run, SETTLEMENT_ADYEN, ADYEN_HEAD CHARGED_BACK);
    assert_int_equal(hub_run_balance(run, "disputed"), 0);
    assert_int_equal(hub_run_balance(run, "bank"), -5010 - 750);
    hub_run_settle(run, SETTLEMENT_ADYEN,
                   ADYEN_HEAD
                   "P1,S1,2026-12-09 10:00:00,SecondChargeback,CB2,EUR,30.00,,EUR,30.00,,,B79\n");
    assert_int_equal(hub_run_balance(run, "disputed"), 3000);
    assert_int_equal(hub_run_balance(run, "bank"), -5010 - 3750);
    assert_int_equal(hub_run_balance(run, "tender"), 0);
}

static void refund_after_the_chargeback_is_named_dual_as_soon_as_it_is_known(void **state)
{
    struct hub_run *run = *state;
    hub_run_settle(run, SETTLEMENT_ADYEN, ADYEN_HEAD CHARGED_BACK);
    HUB_RUN_EXPECT(run, 0, "SELECT count(*) FROM hub_exception");
    hub_run_refund(run, 0, 1, 3000);
    hub_run_work(run);
    assert_int_equal(exceptions(run, "dual_refund", "dual_refund"), 1);
    HUB_RUN_EXPECT(run, 1, OPEN_DUAL);
    hub_run_settle(run, SETTLEMENT_ADYEN,
                   ADYEN_HEAD
                   "P1,S1,2026-12-01 10:00:00,ChargebackReversed,CB1,EUR,,30.00,EUR,,30.00,,"
                   "B78\n");
    HUB_RUN_EXPECT(run, 0, OPEN_DUAL);
}

static void refund_that_came_back_is_owed_again(void **state)
{
    struct hub_run *run = *state;
    hub_run_refund(run, 0, 1, 5000);
    hub_run_settle(run, SETTLEMENT_ADYEN,
                   ADYEN_HEAD ADYEN_REFUNDED
                   "P1,R1,2026-11-24 10:00:00,RefundedReversed,RF1,EUR,,50.00,EUR,,50.00,,B77\n");
    assert_int_equal(exceptions(run, "settlement_variance", "reversed"), 1);
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -5000);
    assert_int_equal(hub_run_balance(run, "bank"), -10);
    assert_int_equal(hub_run_balance(run, "tender"), 0);
    HUB_RUN_EXPECT(run, 1, "SELECT count(*) FROM expected_refund WHERE state = 'failed'");
}

static void refund_not_settled_in_time_is_missing_once(void **state)
{
    struct hub_run *run = *state;
    hub_run_refund(run, 0, 1, 5000);
    hub_run_work(run);
    HUB_RUN_EXPECT(run, 0, "SELECT count(*) FROM hub_exception");
    run->now_ms += 15 * INT64_C(86400000);
    hub_run_work(run);
    hub_run_work(run);
    assert_int_equal(exceptions(run, "settlement_variance", "missing_in_settlement"), 1);
    HUB_RUN_EXPECT(run, 1, "SELECT sum(times) FROM hub_exception");
}

static void miss(struct hub_run *run)
{
    hub_run_refund(run, 0, 1, 5000);
    run->now_ms += 15 * INT64_C(86400000);
    hub_run_work(run);
    hub_run_work(run);
    assert_int_equal(unresolved(run), 1);
}

static void refund_that_is_settled_after_all_is_missed_no_more(void **state)
{
    struct hub_run *run = *state;
    miss(run);
    hub_run_settle(run, SETTLEMENT_ADYEN, ADYEN_HEAD ADYEN_REFUNDED);
    assert_int_equal(unresolved(run), 0);
}

static void refund_that_fails_is_missed_no_more(void **state)
{
    struct hub_run *run = *state;
    miss(run);
    hub_run_event(run, 0, 1, EVENT_REFUND_FAILED,
                  "{\"tender\":1,\"type\":\"card\",\"failed\":\"no such account\"}");
    hub_run_work(run);
    assert_int_equal(unresolved(run), 0);
}

static void person_settles_what_differs_and_writes_off_the_rest(void **state)
{
    struct hub_run *run = *state;
    struct told told = {0};
    hub_run_refund(run, 0, 1, 5000);
    hub_run_settle(run, SETTLEMENT_ADYEN,
                   ADYEN_HEAD "P1,R1,2026-11-23 10:00:00,Refunded,RF1,EUR,48.00,,EUR,48.00,,,B1\n");
    const struct reconcile_order order = {
        .line = hub_run_number(run, "SELECT line_no FROM settlement_line"),
        .refund = hub_run_number(run, "SELECT expected_no FROM expected_refund"),
        .now_ms = run->now_ms};
    hub_run_must(run, reconcile_match(run->db, &order, &told, &run->fault));
    hub_run_work(run);
    assert_int_equal(hub_run_balance(run, "tender"), 0);
    assert_int_equal(hub_run_balance(run, "bank"), -4800);
    assert_int_equal(hub_run_balance(run, "settlement_difference"), -200);
}

static void person_writes_off_a_refund_and_sets_a_line_aside(void **state)
{
    struct hub_run *run = *state;
    struct told told = {0};
    hub_run_refund(run, 0, 1, 5000);
    hub_run_settle(run, SETTLEMENT_ADYEN,
                   ADYEN_HEAD "P9,R9,2026-11-23 10:00:00,Refunded,RF9,EUR,48.00,,EUR,48.00,,,B1\n");
    const struct reconcile_order order = {
        .line = hub_run_number(run, "SELECT line_no FROM settlement_line"),
        .refund = hub_run_number(run, "SELECT expected_no FROM expected_refund"),
        .now_ms = run->now_ms};
    hub_run_must(run, reconcile_set_aside(run->db, &order, &run->fault));
    hub_run_must(run, reconcile_write_off(run->db, &order, &told, &run->fault));
    assert_int_equal(reconcile_write_off(run->db, &order, &told, &run->fault), ERR_CONFLICT);
    hub_run_work(run);
    assert_int_equal(hub_run_balance(run, "tender"), 0);
    assert_int_equal(hub_run_balance(run, "settlement_difference"), -5000);
    HUB_RUN_EXPECT(run, 1, "SELECT count(*) FROM settlement_line WHERE state = 'set_aside'");
    assert_int_equal(unresolved(run), 0);
}

static void month_sums_are_those_of_the_journal_after_a_rebuild_too(void **state)
{
    struct hub_run *run = *state;
    struct rebuilt rebuilt;
    hub_run_refund(run, 0, 1, 5000);
    hub_run_settle(run, SETTLEMENT_ADYEN, ADYEN_HEAD ADYEN_REFUNDED);
    for (int i = 0; i < 2; i++) {
        HUB_RUN_EXPECT(
            run, hub_run_balance(run, "bank"),
            "SELECT sum(debit_minor - credit_minor) FROM journal_balance WHERE role = 'bank'"
            " AND month = '2026-11'");
        HUB_RUN_EXPECT(run, 0, "SELECT sum(debit_minor - credit_minor) FROM journal_balance");
        hub_run_must(run, rebuild_ledger(run->db, &run->books, &rebuilt, &run->fault));
    }
}

static void exception_of_a_store_is_on_the_list_until_the_store_resolves_it(void **state)
{
    struct hub_run *run = *state;
    hub_run_refund(run, 0, 1, 5000);
    hub_run_event(run, 0, 1, EVENT_EXCEPTION_RAISED,
                  "{\"exception\":\"01935a10-7c3d-7300-8300-000000000300\","
                  "\"code\":\"damaged_goods\",\"detail\":\"torn\"}");
    hub_run_work(run);
    HUB_RUN_EXPECT(run, 1,
                   "SELECT count(*) FROM hub_exception WHERE state = 'open' AND team = 'stores'"
                   " AND due_ms > raised_ms");
    hub_run_event(run, 0, 1, EVENT_EXCEPTION_RESOLVED,
                  "{\"exception\":\"01935a10-7c3d-7300-8300-000000000300\","
                  "\"state\":\"resolved\",\"how\":\"thrown away\"}");
    hub_run_work(run);
    HUB_RUN_EXPECT(run, 1, "SELECT count(*) FROM hub_exception WHERE state = 'resolved'");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hub_run_setup, hub_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(refund_found_by_its_reference_is_settled_and_booked),
        TEST(the_same_file_again_changes_nothing),
        TEST(hub_that_forgot_a_file_books_it_under_the_same_references),
        TEST(file_that_breaks_off_is_taken_not_at_all),
        TEST(refund_in_the_file_before_its_event_is_matched_when_that_comes),
        TEST(line_that_comes_before_its_refund_and_differs_is_told_of_that),
        TEST(person_matches_what_nobody_knew),
        TEST(refund_that_is_settled_after_all_is_missed_no_more),
        TEST(refund_that_fails_is_missed_no_more),
        TEST(line_of_another_currency_or_of_money_that_came_can_not_be_matched),
        TEST(every_difference_has_its_name_and_is_not_booked),
        TEST(second_line_for_one_refund_is_a_duplicate),
        TEST(chargeback_of_what_was_refunded_is_booked_and_named_dual),
        TEST(dispute_that_was_won_is_not_opened_by_its_old_line_but_by_a_new_one),
        TEST(refund_after_the_chargeback_is_named_dual_as_soon_as_it_is_known),
        TEST(refund_that_came_back_is_owed_again),
        TEST(refund_not_settled_in_time_is_missing_once),
        TEST(person_settles_what_differs_and_writes_off_the_rest),
        TEST(person_writes_off_a_refund_and_sets_a_line_aside),
        TEST(month_sums_are_those_of_the_journal_after_a_rebuild_too),
        TEST(exception_of_a_store_is_on_the_list_until_the_store_resolves_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
