/* What a payment provider paid out, against its lines and what the bank got. */
#include "tests/support/adyen.h"
#include "tests/support/hub_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

#define UNRESOLVED "SELECT count(*) FROM hub_exception WHERE state <> 'resolved'"

static void settle_payout(struct hub_run *run, const char *payout)
{
    char text[2048];
    hub_run_refund(run, 0, 1, 5000);
    (void)snprintf(text, sizeof text, ADYEN_HEAD ADYEN_SOLD ADYEN_REFUNDED PAID_OUT, payout);
    hub_run_settle(run, SETTLEMENT_ADYEN, text);
}

static void payout_fits_its_lines_and_the_bank(void **state)
{
    struct hub_run *run = *state;
    settle_payout(run, "68.65");
    hub_run_settle(run, SETTLEMENT_CAMT053, CAMT("68.65"));
    HUB_RUN_EXPECT(run, 6865, "SELECT bank_minor FROM settlement_batch");
    HUB_RUN_EXPECT(run, 0, "SELECT count(*) FROM hub_exception");
    hub_run_settle(run, SETTLEMENT_CAMT054, CAMT054);
    HUB_RUN_EXPECT(run, 1,
                   "SELECT count(*) FROM settlement_line WHERE format = 'camt054' AND"
                   " state = 'noted'");
}

static void bank_statement_that_comes_first_waits_for_its_payout(void **state)
{
    struct hub_run *run = *state;
    hub_run_settle(run, SETTLEMENT_CAMT053, CAMT("68.65"));
    HUB_RUN_EXPECT(run, 1, "SELECT count(*) FROM settlement_line WHERE state = 'unmatched'");
    settle_payout(run, "68.65");
    HUB_RUN_EXPECT(run, 0, "SELECT count(*) FROM settlement_line WHERE state = 'unmatched'");
    HUB_RUN_EXPECT(run, 6865, "SELECT bank_minor FROM settlement_batch");
}

static void payout_that_differs_from_lines_or_bank_is_named(void **state)
{
    struct hub_run *run = *state;
    settle_payout(run, "68.60");
    HUB_RUN_EXPECT(run, 1,
                   "SELECT count(*) FROM hub_exception WHERE code = 'settlement_variance'"
                   " AND detail LIKE 'batch_total%%'");
    hub_run_settle(run, SETTLEMENT_CAMT053, CAMT("60.00"));
    char *detail = hub_run_text(run, "SELECT detail FROM hub_exception");
    assert_non_null(strstr(detail, "68.65 EUR, its payout is 68.60 EUR, the bank got 60.00 EUR"));
    free(detail);
}

static void payout_that_fits_once_all_its_lines_came_is_settled(void **state)
{
    struct hub_run *run = *state;
    char text[2048];
    hub_run_refund(run, 0, 1, 5000);
    (void)snprintf(text, sizeof text, ADYEN_HEAD ADYEN_SOLD PAID_OUT, "68.65");
    hub_run_settle(run, SETTLEMENT_ADYEN, text);
    HUB_RUN_EXPECT(run, 1, UNRESOLVED);
    hub_run_settle(run, SETTLEMENT_ADYEN, ADYEN_HEAD ADYEN_REFUNDED);
    HUB_RUN_EXPECT(run, 0, UNRESOLVED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hub_run_setup, hub_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(payout_fits_its_lines_and_the_bank),
        TEST(bank_statement_that_comes_first_waits_for_its_payout),
        TEST(payout_that_differs_from_lines_or_bank_is_named),
        TEST(payout_that_fits_once_all_its_lines_came_is_settled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
