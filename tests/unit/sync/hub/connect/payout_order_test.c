/*
 * Settlement files and bank statements, in any order of arrival: each payout ends at the same entry
 * of the bank, and people are told the same. TILLBACK_SEED=N repeats a run.
 */
#include "tests/support/hub_database.h"
#include "tests/support/hub_run.h"
#include "tests/support/seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ORDERS = 60 };

#define HEAD                                                                                       \
    "Psp Reference,Merchant Reference,Creation Date,Type,Modification Reference,Gross Currency,"   \
    "Gross Debit (GC),Gross Credit (GC),Net Currency,Net Debit (NC),Net Credit (NC),Batch "        \
    "Number\n"
#define SOLD(day, amount, batch)                                                                   \
    "P1,S1,2026-11-" day " 10:00:00,Settled,,EUR,," amount ",EUR,," amount "," batch "\n"
#define FEE(day, amount, batch) "P1,R1,2026-11-" day " 10:00:00,Fee,,,,,EUR," amount ",," batch "\n"
#define PAID_OUT(day, debit, credit, batch)                                                        \
    ",,2026-11-" day " 10:00:00,MerchantPayout,,,,,EUR," debit "," credit "," batch "\n"
#define STATEMENT(entries)                                                                         \
    "<Document><BkToCstmrStmt><Stmt><Id>ST-1</Id>" entries "</Stmt></BkToCstmrStmt></Document>"
#define NOTIFICATION(entries)                                                                      \
    "<Document><BkToCstmrDbtCdtNtfctn><Ntfctn><Id>N-1</Id>" entries                                \
    "</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
#define ENTRY(day, amount, way, reference, text)                                                   \
    "<Ntry><Amt Ccy=\"EUR\">" amount "</Amt>" way                                                  \
    "<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-" day "</Dt></BookgDt><AcctSvcrRef>" reference   \
    "</AcctSvcrRef><NtryDtls><TxDtls><RmtInf><Ustrd>" text                                         \
    "</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
#define CREDIT "<CdtDbtInd>CRDT</CdtDbtInd>"
#define DEBIT "<CdtDbtInd>DBIT</CdtDbtInd>"
#define TAKEN_BACK DEBIT "<RvslInd>true</RvslInd>"

static const struct file {
    enum settlement_format format;
    const char *text;
} files[] = {
    {SETTLEMENT_ADYEN, HEAD SOLD("20", "68.65", "771") PAID_OUT("24", "68.65", "", "771")},
    {SETTLEMENT_ADYEN, HEAD FEE("23", "20.00", "B88") PAID_OUT("25", "", "20.00", "B88")},
    {SETTLEMENT_ADYEN, HEAD SOLD("23", "10.00", "B901") PAID_OUT("24", "10.00", "", "B901")},
    {SETTLEMENT_ADYEN, HEAD SOLD("24", "10.00", "B902") PAID_OUT("25", "10.00", "", "B902")},
    /* One batch in two files, of which the bank keeps something. */
    {SETTLEMENT_ADYEN, HEAD SOLD("23", "30.00", "B950") PAID_OUT("25", "50.00", "", "B950")},
    {SETTLEMENT_ADYEN, HEAD SOLD("24", "20.00", "B950")},
    {SETTLEMENT_CAMT053, STATEMENT(ENTRY("25", "68.65", CREDIT, "BK1", "ADYEN 771")
                                       ENTRY("25", "12.00", DEBIT, "BK2", "RENT"))},
    {SETTLEMENT_CAMT053, STATEMENT(ENTRY("26", "68.65", TAKEN_BACK, "BK3", "RETURN OF 771"))},
    {SETTLEMENT_CAMT053, STATEMENT(ENTRY("27", "68.65", CREDIT, "BK4", "ADYEN 771 AGAIN")
                                       ENTRY("27", "33.00", CREDIT, "BK5", "NO PAYOUT"))},
    {SETTLEMENT_CAMT053, STATEMENT(ENTRY("26", "20.00", DEBIT, "BK6", "ADYEN DIRECT DEBIT"))},
    {SETTLEMENT_CAMT053, STATEMENT(ENTRY("25", "10.00", CREDIT, "BK7", "ADYEN B902"))},
    {SETTLEMENT_CAMT053, STATEMENT(ENTRY("26", "10.00", CREDIT, "BK8", "ADYEN"))},
    {SETTLEMENT_CAMT053, STATEMENT(ENTRY("27", "49.00", CREDIT, "BK9", "ADYEN B950"))},
    {SETTLEMENT_CAMT054,
     NOTIFICATION(ENTRY("27", "49.00", CREDIT, "BK9", "") ENTRY("26", "20.00", DEBIT, "BK6", ""))},
};

enum { FILES = sizeof files / sizeof *files };

/* What is known in the end, by names that no order of arrival changes, row by row. */
static const char end_rows[] =
    "SELECT text FROM ("
    "SELECT 'batch ' || batch || ' at the bank ' ||"
    "       coalesce(CAST(bank_minor AS TEXT), 'nothing') || ' by ' ||"
    "       coalesce((SELECT reference FROM settlement_line WHERE line_no = bank_line), 'nobody') "
    "||"
    "       ' mismatches ' || CAST(mismatches AS TEXT) AS text FROM settlement_batch "
    "UNION ALL "
    "SELECT 'line ' || format || ' ' || reference || ' ' || state || ' ' ||"
    "       coalesce((SELECT settlement_batch.batch FROM settlement_batch"
    "                 WHERE settlement_batch.batch_no = settlement_line.batch_no), '') "
    "FROM settlement_line WHERE format IN ('camt053', 'camt054') "
    "UNION ALL "
    "SELECT state || ' ' || detail FROM hub_exception WHERE state <> 'resolved') AS rows "
    "ORDER BY text LIMIT 1 OFFSET %d";

static char *end_of(struct hub_run *run)
{
    struct buf all;
    bool row = true;
    buf_init(&all, 1 << 16);
    for (int i = 0; row; i++) {
        char sql[2048];
        (void)snprintf(sql, sizeof sql, end_rows, i);
        char *text = hub_run_text(run, sql);
        row = *text;
        buf_printf(&all, "%s\n", text);
        free(text);
    }
    return all.data;
}

static char *end_after(const size_t order[FILES])
{
    struct hub_run run;
    hub_run_open(&run);
    for (size_t i = 0; i < FILES; i++)
        hub_run_settle(&run, files[order[i]].format, files[order[i]].text);
    HUB_RUN_EXPECT(&run, 2,
                   "SELECT count(*) FROM settlement_line"
                   " WHERE reference IN ('BK6', 'BK9') AND state = 'matched'");
    char *end = end_of(&run);
    hub_run_close(&run);
    return end;
}

static void shuffle(size_t order[FILES], uint64_t *seed)
{
    for (size_t i = FILES - 1; i > 0; i--) {
        *seed = *seed * UINT64_C(6364136223846793005) + 1;
        size_t k = (size_t)(*seed >> 33) % (i + 1);
        size_t kept = order[i];
        order[i] = order[k];
        order[k] = kept;
    }
}

static void files_in_any_order_come_to_the_same_end(void **state)
{
    (void)state;
    uint64_t seed = seed_chosen();
    size_t order[FILES];
    for (size_t i = 0; i < FILES; i++)
        order[i] = i;
    char *expected = end_after(order);
    assert_non_null(strstr(expected, "batch 771 at the bank 6865 by BK4 mismatches 0"));
    assert_non_null(strstr(expected, "batch B88 at the bank -2000 by BK6 mismatches 0"));
    assert_non_null(strstr(expected, "batch B901 at the bank 1000 by BK8 mismatches 0"));
    assert_non_null(strstr(expected, "batch B902 at the bank 1000 by BK7 mismatches 0"));
    assert_non_null(strstr(expected, "its payout is 50.00 EUR, the bank got 49.00 EUR"));
    assert_non_null(strstr(expected, "line camt053 BK2 noted"));
    assert_non_null(strstr(expected, "line camt053 BK5 unmatched"));
    int orders = hub_database_on_server() ? ORDERS / 10 : ORDERS; /* a server takes its time */
    for (int i = 0; i < orders; i++) {
        shuffle(order, &seed);
        char *end = end_after(order);
        assert_string_equal(end, expected);
        free(end);
    }
    free(expected);
}

/* More refunds than sales, and the bank is quicker than the provider. */
static void payout_below_zero_is_found_when_its_file_comes_after_the_bank(void **state)
{
    (void)state;
    struct hub_run run;
    hub_run_open(&run);
    hub_run_settle(&run, SETTLEMENT_CAMT053, files[9].text);
    HUB_RUN_EXPECT(&run, 1, "SELECT count(*) FROM settlement_line WHERE state = 'noted'");
    hub_run_settle(&run, SETTLEMENT_ADYEN, files[1].text);
    HUB_RUN_EXPECT(&run, -2000, "SELECT bank_minor FROM settlement_batch");
    HUB_RUN_EXPECT(&run, 0, "SELECT count(*) FROM settlement_line WHERE state = 'unmatched'");
    hub_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payout_below_zero_is_found_when_its_file_comes_after_the_bank),
        cmocka_unit_test(files_in_any_order_come_to_the_same_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
