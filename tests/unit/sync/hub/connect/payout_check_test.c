/* Payouts at the bank: which entry is which, what the bank takes back, and what it takes from us.
 */
#include "tests/support/hub_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD                                                                                       \
    "Psp Reference,Merchant Reference,Creation Date,Type,Modification Reference,Gross Currency,"   \
    "Gross Debit (GC),Gross Credit (GC),Net Currency,Net Debit (NC),Net Credit (NC),Batch "        \
    "Number\n"
#define SOLD(batch) "P1,S1,2026-11-20 10:00:00,Settled,,EUR,,68.65,EUR,,68.65," batch "\n"
#define PAID_OUT(batch) ",,2026-11-25 10:00:00,MerchantPayout,,,,,EUR,68.65,," batch "\n"
#define STATEMENT(entries)                                                                         \
    "<Document><BkToCstmrStmt><Stmt><Id>ST-1</Id>" entries "</Stmt></BkToCstmrStmt></Document>"
#define ENTRY(amount, way, reference, text)                                                        \
    "<Ntry><Amt Ccy=\"EUR\">" amount "</Amt>" way "<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>"          \
    "2026-11-26</Dt></BookgDt><AcctSvcrRef>" reference "</AcctSvcrRef><NtryDtls><TxDtls><RmtInf>"  \
    "<Ustrd>" text "</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
#define CREDIT "<CdtDbtInd>CRDT</CdtDbtInd>"
#define DEBIT "<CdtDbtInd>DBIT</CdtDbtInd>"
#define TAKEN_BACK DEBIT "<RvslInd>true</RvslInd>"

static const char settled[] = HEAD SOLD("771") PAID_OUT("771");
static const char paid[] = STATEMENT(ENTRY("68.65", CREDIT, "BK1", "ADYEN 771"));

static int64_t open_variances(struct hub_run *run)
{
    return hub_run_number(run, "SELECT count(*) FROM hub_exception WHERE state <> 'resolved'"
                               " AND code = 'settlement_variance'");
}

static int64_t at_bank(struct hub_run *run, const char *batch)
{
    char sql[200];
    (void)snprintf(sql, sizeof sql,
                   "SELECT coalesce(bank_minor, -1) FROM settlement_batch WHERE batch = '%s'",
                   batch);
    return hub_run_number(run, sql);
}

static void payout_that_the_bank_takes_back_is_told_and_waited_for_again(void **state)
{
    struct hub_run *run = *state;
    hub_run_settle(run, SETTLEMENT_ADYEN, settled);
    hub_run_settle(run, SETTLEMENT_CAMT053, paid);
    assert_int_equal(open_variances(run), 0);
    hub_run_settle(run, SETTLEMENT_CAMT053,
                   STATEMENT(ENTRY("68.65", TAKEN_BACK, "BK2", "RETURN OF ADYEN 771")));
    assert_int_equal(at_bank(run, "771"), 0);
    assert_int_equal(open_variances(run), 1);
    char *detail = hub_run_text(run, "SELECT detail FROM hub_exception");
    assert_non_null(strstr(detail, "its payout is 68.65 EUR, the bank got 0.00 EUR"));
    free(detail);
    hub_run_settle(run, SETTLEMENT_CAMT053,
                   STATEMENT(ENTRY("68.65", CREDIT, "BK3", "ADYEN 771 ONCE MORE")));
    assert_int_equal(at_bank(run, "771"), 6865);
    assert_int_equal(open_variances(run), 0);
}

/* The day's notification says it, and then the statement. */
static void payout_told_to_be_taken_back_twice_is_taken_back_once(void **state)
{
    struct hub_run *run = *state;
    hub_run_settle(run, SETTLEMENT_ADYEN, settled);
    hub_run_settle(run, SETTLEMENT_CAMT053, paid);
    hub_run_settle(run, SETTLEMENT_CAMT053,
                   STATEMENT(ENTRY("68.65", TAKEN_BACK, "BK2", "ADYEN 771")));
    hub_run_settle(run, SETTLEMENT_CAMT053, STATEMENT(ENTRY("68.65", CREDIT, "BK3", "ADYEN 771")));
    hub_run_settle(run, SETTLEMENT_CAMT053,
                   STATEMENT(ENTRY("68.65", TAKEN_BACK, "BK2", "ADYEN 771 AGAIN")));
    assert_int_equal(at_bank(run, "771"), 6865);
}

static void reversal_of_what_is_no_payout_leaves_the_payouts_alone(void **state)
{
    struct hub_run *run = *state;
    hub_run_settle(run, SETTLEMENT_ADYEN, settled);
    hub_run_settle(run, SETTLEMENT_CAMT053, paid);
    hub_run_settle(run, SETTLEMENT_CAMT053,
                   STATEMENT(ENTRY("12.00", TAKEN_BACK, "BK2", "A CUSTOMER'S CHEQUE")
                                 ENTRY("5.00", CREDIT "<RvslInd>true</RvslInd>", "BK4", "RENT")));
    assert_int_equal(at_bank(run, "771"), 6865);
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM settlement_line WHERE format ="
                                         " 'camt053' AND state = 'noted'"),
                     2);
}

/* More refunds than sales: the provider takes the rest from our account. */
static void payout_below_zero_is_found_among_what_the_bank_took(void **state)
{
    struct hub_run *run = *state;
    hub_run_settle(run, SETTLEMENT_ADYEN,
                   HEAD "P1,R1,2026-11-23 10:00:00,Fee,,,,,EUR,20.00,,B88\n"
                        ",,2026-11-25 10:00:00,MerchantPayout,,,,,EUR,,20.00,B88\n");
    hub_run_settle(run, SETTLEMENT_CAMT053,
                   STATEMENT(ENTRY("1.50", DEBIT, "BK5", "FEE FOR B88")
                                 ENTRY("20.00", DEBIT, "BK6", "ADYEN DIRECT DEBIT B88")));
    assert_int_equal(at_bank(run, "B88"), -2000);
    assert_int_equal(open_variances(run), 0);
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM settlement_line WHERE format ="
                                         " 'camt053' AND state = 'noted'"),
                     1);
}

/* Adyen counts its batches from 1; any invoice's number may hold the digits. */
static void digits_inside_of_other_numbers_name_no_batch(void **state)
{
    struct hub_run *run = *state;
    hub_run_settle(run, SETTLEMENT_ADYEN, settled);
    hub_run_settle(run, SETTLEMENT_CAMT053,
                   STATEMENT(ENTRY("12.00", CREDIT, "BK7", "INVOICE 10771-4")));
    assert_int_equal(at_bank(run, "771"), -1);
    assert_int_equal(open_variances(run), 0);
    hub_run_settle(run, SETTLEMENT_CAMT053,
                   STATEMENT(ENTRY("60.00", CREDIT, "BK8", "ADYEN/771/MERCHANT")));
    assert_int_equal(at_bank(run, "771"), 6000);
    assert_int_equal(open_variances(run), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hub_run_setup, hub_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(payout_that_the_bank_takes_back_is_told_and_waited_for_again),
        TEST(payout_told_to_be_taken_back_twice_is_taken_back_once),
        TEST(reversal_of_what_is_no_payout_leaves_the_payouts_alone),
        TEST(payout_below_zero_is_found_among_what_the_bank_took),
        TEST(digits_inside_of_other_numbers_name_no_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
