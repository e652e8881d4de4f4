/* Settlement files against the ledger: what fits is booked, what differs waits for a person. */
#include "sync/hub/connect/intake.h"
#include "sync/hub/connect/reconcile.h"
#include "sync/hub/ingest/rebuild.h"
#include "tests/support/hub_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD                                                                                       \
    "Psp Reference,Merchant Reference,Creation Date,Type,Modification Reference,Gross Currency,"   \
    "Gross Debit (GC),Gross Credit (GC),Net Currency,Net Debit (NC),Net Credit (NC),"              \
    "Commission (NC),Batch Number\n"
#define SOLD "P1,S1,2026-11-20 10:00:00,Settled,,EUR,,119.00,EUR,,118.75,0.25,B77\n"
#define REFUNDED "P1,R1,2026-11-23 10:00:00,Refunded,RF1,EUR,50.00,,EUR,50.10,,0.10,B77\n"
#define CHARGED_BACK "P1,S1,2026-11-24 10:00:00,Chargeback,CB1,EUR,30.00,,EUR,37.50,,7.50,B77\n"
#define PAID_OUT ",,2026-11-25 10:00:00,MerchantPayout,PO77,,,,EUR,%s,,,B77\n"
#define CAMT(amount)                                                                               \
    "<Document><BkToCstmrStmt><Stmt><Id>ST-1</Id><Ntry><Amt Ccy=\"EUR\">" amount                   \
    "</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-26</Dt>"        \
    "</BookgDt><AcctSvcrRef>BK1</AcctSvcrRef><NtryDtls><TxDtls><RmtInf><Ustrd>ADYEN PO77"          \
    "</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>"
#define CAMT054                                                                                    \
    "<Document><BkToCstmrDbtCdtNtfctn><Ntfctn><Id>N-1</Id><Ntry><Amt Ccy=\"EUR\">68.65</Amt>"      \
    "<CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-26</Dt></BookgDt>"    \
    "<AcctSvcrRef>BK1</AcctSvcrRef></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"

#define EXPECT(run, expected, ...)                                                                 \
    do {                                                                                           \
        char sql_[512];                                                                            \
        (void)snprintf(sql_, sizeof sql_, __VA_ARGS__);                                            \
        assert_int_equal(hub_run_number(run, sql_), expected);                                     \
    } while (0)

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
    hub_run_settle(run, SETTLEMENT_ADYEN, HEAD REFUNDED);
    EXPECT(run, 1,
           "SELECT count(*) FROM settlement_line WHERE state = 'matched'"
           " AND match_key = 'reference' AND mismatches = 0");
    EXPECT(run, 1, "SELECT count(*) FROM expected_refund WHERE state = 'settled'");
    assert_int_equal(hub_run_balance(run, "tender"), 0);
    assert_int_equal(hub_run_balance(run, "bank"), -5010);
    assert_int_equal(hub_run_balance(run, "payment_fees"), 10);
    EXPECT(run, 0, "SELECT count(*) FROM hub_exception");
    EXPECT(run, 0, "SELECT count(*) FROM ledger_event WHERE state <> 'applied'");
    EXPECT(run, 1, "SELECT count(*) FROM inbox_out WHERE device = 'box-a'");
}

static void the_same_file_again_changes_nothing(void **state)
{
    struct hub_run *run = *state;
    hub_run_refund(run, 0, 1, 5000);
    hub_run_settle(run, SETTLEMENT_ADYEN, HEAD REFUNDED);
    hub_run_settle(run, SETTLEMENT_ADYEN, HEAD REFUNDED);
    EXPECT(run, 1, "SELECT count(*) FROM settlement_file");
    EXPECT(run, 1, "SELECT count(*) FROM settlement_line");
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
    hub_run_settle(restored, SETTLEMENT_ADYEN, HEAD SOLD);
    struct hub_run *both[] = {run, restored};
    for (int i = 0; i < 2; i++) {
        hub_run_refund(both[i], 0, 1, 5000);
        hub_run_settle(both[i], SETTLEMENT_ADYEN, HEAD REFUNDED CHARGED_BACK);
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
    EXPECT(run, 0, "SELECT count(*) FROM settlement_file");
}

static void refund_in_the_file_before_its_event_is_unknown_until_a_person_matches_it(void **state)
{
    struct hub_run *run = *state;
    struct told told = {0};
    hub_run_settle(run, SETTLEMENT_ADYEN, HEAD REFUNDED);
    EXPECT(run, 1, "SELECT count(*) FROM settlement_line WHERE state = 'unmatched'");
    assert_int_equal(exceptions(run, "settlement_variance", "unknown_in_ledger"), 1);
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
    assert_int_equal(hub_run_balance(run, "bank"), -5010);
    assert_int_equal(hub_run_balance(run, "tender"), 0);
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
    };
    struct hub_run *run = *state;
    (void)run;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hub_run one;
        char text[2048];
        hub_run_open(&one);
        hub_run_refund(&one, 0, 1, 5000);
        (void)snprintf(text, sizeof text, "%s%s", HEAD, cases[i].line);
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
    hub_run_settle(run, SETTLEMENT_ADYEN, HEAD REFUNDED REFUNDED);
    assert_int_equal(exceptions(run, "settlement_variance", "duplicate"), 1);
    EXPECT(run, 1, "SELECT count(*) FROM settlement_line WHERE state = 'differs'");
    assert_int_equal(hub_run_balance(run, "bank"), -5010);
}

static void chargeback_of_what_was_refunded_is_booked_and_named_dual(void **state)
{
    struct hub_run *run = *state;
    hub_run_refund(run, 0, 1, 5000);
    hub_run_settle(run, SETTLEMENT_ADYEN, HEAD REFUNDED CHARGED_BACK);
    assert_int_equal(exceptions(run, "dual_refund", "dual_refund"), 1);
    EXPECT(run, 1, "SELECT count(*) FROM event WHERE type LIKE '%%exception.raised%%'");
    for (int again = 0; again < 2; again++) { /* another file has the same line once more */
        assert_int_equal(hub_run_balance(run, "disputed"), 3000);
        assert_int_equal(hub_run_balance(run, "bank"), -5010 - 3750);
        assert_int_equal(hub_run_balance(run, "tender"), 0);
        hub_run_settle(run, SETTLEMENT_ADYEN, HEAD CHARGED_BACK);
    }
    hub_run_settle(run, SETTLEMENT_ADYEN,
                   HEAD "P1,S1,2026-12-01 10:00:00,ChargebackReversed,CB1,EUR,,30.00,EUR,,30.00,,"
                        "B78\n");
    assert_int_equal(hub_run_balance(run, "disputed"), 0);
    assert_int_equal(hub_run_balance(run, "bank"), -5010 - 750);
    assert_int_equal(hub_run_balance(run, "tender"), 0);
}

static void refund_after_the_chargeback_is_named_dual_as_soon_as_it_is_known(void **state)
{
    struct hub_run *run = *state;
    hub_run_settle(run, SETTLEMENT_ADYEN, HEAD CHARGED_BACK);
    EXPECT(run, 0, "SELECT count(*) FROM hub_exception");
    hub_run_refund(run, 0, 1, 3000);
    hub_run_work(run);
    assert_int_equal(exceptions(run, "dual_refund", "dual_refund"), 1);
}

static void refund_that_came_back_is_owed_again(void **state)
{
    struct hub_run *run = *state;
    hub_run_refund(run, 0, 1, 5000);
    hub_run_settle(run, SETTLEMENT_ADYEN,
                   HEAD REFUNDED
                   "P1,R1,2026-11-24 10:00:00,RefundedReversed,RF1,EUR,,50.00,EUR,,50.00,,B77\n");
    assert_int_equal(exceptions(run, "settlement_variance", "reversed"), 1);
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -5000);
    assert_int_equal(hub_run_balance(run, "bank"), -10);
    assert_int_equal(hub_run_balance(run, "tender"), 0);
    EXPECT(run, 1, "SELECT count(*) FROM expected_refund WHERE state = 'failed'");
}

static void settle_payout(struct hub_run *run, const char *payout)
{
    char text[2048];
    hub_run_refund(run, 0, 1, 5000);
    (void)snprintf(text, sizeof text, HEAD SOLD REFUNDED PAID_OUT, payout);
    hub_run_settle(run, SETTLEMENT_ADYEN, text);
}

static void payout_fits_its_lines_and_the_bank(void **state)
{
    struct hub_run *run = *state;
    settle_payout(run, "68.65");
    hub_run_settle(run, SETTLEMENT_CAMT053, CAMT("68.65"));
    EXPECT(run, 6865, "SELECT bank_minor FROM settlement_batch");
    EXPECT(run, 0, "SELECT count(*) FROM hub_exception");
    hub_run_settle(run, SETTLEMENT_CAMT054, CAMT054);
    EXPECT(run, 1,
           "SELECT count(*) FROM settlement_line WHERE format = 'camt054' AND"
           " state = 'noted'");
}

static void bank_statement_that_comes_first_waits_for_its_payout(void **state)
{
    struct hub_run *run = *state;
    hub_run_settle(run, SETTLEMENT_CAMT053, CAMT("68.65"));
    EXPECT(run, 1, "SELECT count(*) FROM settlement_line WHERE state = 'unmatched'");
    settle_payout(run, "68.65");
    EXPECT(run, 0, "SELECT count(*) FROM settlement_line WHERE state = 'unmatched'");
    EXPECT(run, 6865, "SELECT bank_minor FROM settlement_batch");
}

static void payout_that_differs_from_lines_or_bank_is_named(void **state)
{
    struct hub_run *run = *state;
    settle_payout(run, "68.60");
    assert_int_equal(exceptions(run, "settlement_variance", "batch_total"), 1);
    hub_run_settle(run, SETTLEMENT_CAMT053, CAMT("60.00"));
    char *detail = hub_run_text(run, "SELECT detail FROM hub_exception");
    assert_non_null(strstr(detail, "68.65 EUR, its payout is 68.60 EUR, the bank got 60.00 EUR"));
    free(detail);
}

static void refund_not_settled_in_time_is_missing_once(void **state)
{
    struct hub_run *run = *state;
    hub_run_refund(run, 0, 1, 5000);
    hub_run_work(run);
    EXPECT(run, 0, "SELECT count(*) FROM hub_exception");
    run->now_ms += 15 * INT64_C(86400000);
    hub_run_work(run);
    hub_run_work(run);
    assert_int_equal(exceptions(run, "settlement_variance", "missing_in_settlement"), 1);
    EXPECT(run, 1, "SELECT sum(times) FROM hub_exception");
}

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
    EXPECT(run, 1, "SELECT times FROM hub_exception WHERE code = 'tax_payment_mismatch'");
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

static void person_settles_what_differs_and_writes_off_the_rest(void **state)
{
    struct hub_run *run = *state;
    struct told told = {0};
    hub_run_refund(run, 0, 1, 5000);
    hub_run_settle(run, SETTLEMENT_ADYEN,
                   HEAD "P1,R1,2026-11-23 10:00:00,Refunded,RF1,EUR,48.00,,EUR,48.00,,,B1\n");
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
                   HEAD "P9,R9,2026-11-23 10:00:00,Refunded,RF9,EUR,48.00,,EUR,48.00,,,B1\n");
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
    EXPECT(run, 1, "SELECT count(*) FROM settlement_line WHERE state = 'set_aside'");
}

static void month_sums_are_those_of_the_journal_after_a_rebuild_too(void **state)
{
    struct hub_run *run = *state;
    struct rebuilt rebuilt;
    hub_run_refund(run, 0, 1, 5000);
    hub_run_settle(run, SETTLEMENT_ADYEN, HEAD REFUNDED);
    for (int i = 0; i < 2; i++) {
        EXPECT(run, hub_run_balance(run, "bank"),
               "SELECT sum(debit_minor - credit_minor) FROM journal_balance WHERE role = 'bank'"
               " AND month = '2026-11'");
        EXPECT(run, 0, "SELECT sum(debit_minor - credit_minor) FROM journal_balance");
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
    EXPECT(run, 1,
           "SELECT count(*) FROM hub_exception WHERE state = 'open' AND team = 'stores'"
           " AND due_ms > raised_ms");
    hub_run_event(run, 0, 1, EVENT_EXCEPTION_RESOLVED,
                  "{\"exception\":\"01935a10-7c3d-7300-8300-000000000300\","
                  "\"state\":\"resolved\",\"how\":\"thrown away\"}");
    hub_run_work(run);
    EXPECT(run, 1, "SELECT count(*) FROM hub_exception WHERE state = 'resolved'");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hub_run_setup, hub_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(refund_found_by_its_reference_is_settled_and_booked),
        TEST(the_same_file_again_changes_nothing),
        TEST(hub_that_forgot_a_file_books_it_under_the_same_references),
        TEST(file_that_breaks_off_is_taken_not_at_all),
        TEST(refund_in_the_file_before_its_event_is_unknown_until_a_person_matches_it),
        TEST(every_difference_has_its_name_and_is_not_booked),
        TEST(second_line_for_one_refund_is_a_duplicate),
        TEST(chargeback_of_what_was_refunded_is_booked_and_named_dual),
        TEST(refund_after_the_chargeback_is_named_dual_as_soon_as_it_is_known),
        TEST(refund_that_came_back_is_owed_again),
        TEST(payout_fits_its_lines_and_the_bank),
        TEST(bank_statement_that_comes_first_waits_for_its_payout),
        TEST(payout_that_differs_from_lines_or_bank_is_named),
        TEST(refund_not_settled_in_time_is_missing_once),
        TEST(tax_is_held_against_the_money_that_was_given_back),
        TEST(person_settles_what_differs_and_writes_off_the_rest),
        TEST(person_writes_off_a_refund_and_sets_a_line_aside),
        TEST(month_sums_are_those_of_the_journal_after_a_rebuild_too),
        TEST(exception_of_a_store_is_on_the_list_until_the_store_resolves_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
