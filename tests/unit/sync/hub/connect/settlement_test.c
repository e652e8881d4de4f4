/* Settlement files of every format, whole and byte by byte, and what is refused in them. */
#include "hal/base/utf8.h"
#include "sync/hub/connect/match.h"
#include "sync/hub/connect/settlement.h"
#include "sync/hub/ledger/period.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ADYEN_HEAD                                                                                 \
    "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,"            \
    "Creation Date,TimeZone,Type,Modification Reference,Gross Currency,Gross Debit (GC),"          \
    "Gross Credit (GC),Exchange Rate,Net Currency,Net Debit (NC),Net Credit (NC),"                 \
    "Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Batch Number\r\n"
#define ADYEN_DAY                                                                                  \
    "C,M,P1,S1,visa,2026-11-20 10:00:00,CET,Settled,,EUR,,119.00,1,EUR,,118.75,0.25,,,,7\r\n"      \
    "C,M,P1,R1,visa,2026-11-21 10:00:00,CET,Refunded,RF1,EUR,50.00,,1,EUR,50.10,,0.10,,,,7\r\n"    \
    "C,M,P1,S1,visa,2026-11-22 10:00:00,CET,Chargeback,CB1,EUR,30.00,,1,EUR,37.50,,7.50,,,,7\r\n"  \
    "C,M,,,,2026-11-23 10:00:00,CET,MerchantPayout,,,,,,EUR,31.15,,,,,,7\r\n"

#define STRIPE_HEAD "id,Type,Source,Amount,Fee,Net,Currency,Created (UTC),Description,Transfer\n"
#define AMAZON_HEAD                                                                                \
    "settlement-id\tsettlement-start-date\tdeposit-date\ttotal-amount\tcurrency\t"                 \
    "transaction-type\torder-id\tmerchant-order-id\tadjustment-id\tamount-type\tamount\t"          \
    "posted-date\n"
#define CAMT_OPEN                                                                                  \
    "<?xml version=\"1.0\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\">"   \
    "<BkToCstmrStmt><Stmt><Id>ST-1</Id>"
#define CAMT_CLOSE "</Stmt></BkToCstmrStmt></Document>"
#define CAMT_ENTRY                                                                                 \
    "<Ntry><NtryRef>E1</NtryRef><Amt Ccy=\"EUR\">31.15</Amt><CdtDbtInd>CRDT</CdtDbtInd>"           \
    "<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-24</Dt></BookgDt><AcctSvcrRef>B9</AcctSvcrRef>"  \
    "<NtryDtls><TxDtls><Refs><EndToEndId>PAYOUT 7</EndToEndId></Refs><Amt Ccy=\"EUR\">1</Amt>"     \
    "<RmtInf><Ustrd>Adyen batch 7 &amp; more</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"

struct lines {
    struct settlement_line list[16];
    size_t count;
    size_t room; /* refuses beyond */
};

static enum err keep(void *context, const struct settlement_line *line, struct fault *fault)
{
    struct lines *lines = context;
    if (lines->count == lines->room)
        return fault_set(fault, ERR_DISK_FULL, "", "no room");
    lines->list[lines->count++] = *line;
    return ERR_OK;
}

/* Reads a text in pieces of that size. */
static enum err read_in(enum settlement_format format, const char *text, size_t piece,
                        struct lines *lines, struct fault *fault)
{
    struct settlement_reader *reader;
    struct slice rest = slice_of(text);
    enum err err = ERR_OK;
    lines->count = 0;
    assert_int_equal(settlement_open(format, keep, lines, &reader, fault), ERR_OK);
    while (rest.len && !err) {
        size_t len = rest.len < piece ? rest.len : piece;
        err = settlement_feed(reader, (struct slice){rest.data, len}, fault);
        rest = (struct slice){rest.data + len, rest.len - len};
    }
    if (!err)
        err = settlement_finish(reader, fault);
    settlement_close(reader);
    return err;
}

/* The file says the same whole, byte by byte, and in pieces between. */
static void read_all(enum settlement_format format, const char *text, struct lines *lines)
{
    static const size_t pieces[] = {1, 7, 64, 1 << 20};
    struct lines first = {.room = 16};
    struct fault fault = {0};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        *lines = (struct lines){.room = 16};
        if (read_in(format, text, pieces[i], lines, &fault))
            fail_msg("%s: %s", fault.where, fault.text);
        if (i == 0)
            first = *lines;
        assert_int_equal(lines->count, first.count);
        assert_memory_equal(lines->list, first.list, sizeof first.list);
    }
}

static void expect_refusal(enum settlement_format format, const char *text, enum err err,
                           const char *where)
{
    struct lines lines = {.room = 16};
    struct fault fault = {0};
    assert_int_equal(read_in(format, text, 5, &lines, &fault), err);
    assert_string_equal(fault.where, where);
}

static void expect_line(const struct settlement_line *line, enum settlement_kind kind,
                        int64_t gross, int64_t fee, int64_t net)
{
    assert_string_equal(settlement_kind_name(line->kind), settlement_kind_name(kind));
    assert_int_equal(line->gross_minor, gross);
    assert_int_equal(line->fee_minor, fee);
    assert_int_equal(line->net_minor, net);
}

static void adyen_batch_pays_out_3115(void **state)
{
    struct lines lines;
    struct match_batch batch = {0};
    int64_t bank = 3115;
    (void)state;
    read_all(SETTLEMENT_ADYEN, ADYEN_HEAD ADYEN_DAY, &lines);
    assert_int_equal(lines.count, 4);
    expect_line(&lines.list[0], SETTLEMENT_KIND_SALE, 11900, 25, 11875);
    expect_line(&lines.list[1], SETTLEMENT_KIND_REFUND, -5000, 10, -5010);
    expect_line(&lines.list[2], SETTLEMENT_KIND_CHARGEBACK, -3000, 750, -3750);
    expect_line(&lines.list[3], SETTLEMENT_KIND_PAYOUT, 3115, 0, 3115);
    const struct settlement_line *refund = &lines.list[1];
    assert_string_equal(refund->payment, "P1");
    assert_string_equal(refund->reference, "RF1");
    assert_string_equal(refund->own, "R1");
    assert_string_equal(refund->batch, "7");
    assert_string_equal(refund->currency, "EUR");
    assert_int_equal(refund->row, 3);
    char day[DAY_TEXT + 1];
    day_format(refund->day, day);
    assert_string_equal(day, "2026-11-21");
    for (size_t i = 0; i < lines.count; i++)
        match_batch_add(&batch, &lines.list[i]);
    assert_int_equal(match_batch_check(&batch, &bank), 0);
}

static void adyen_in_two_currencies_sums_the_fees(void **state)
{
    struct lines lines;
    (void)state;
    read_all(SETTLEMENT_ADYEN,
             ADYEN_HEAD "C,M,P1,R1,visa,2026-11-21 10:00:00,CET,Refunded,RF1,JPY,1000,,0.0061,EUR,"
                        "6.30,,,0.10,0.05,0.05,7\n",
             &lines);
    assert_string_equal(lines.list[0].currency, "JPY");
    assert_string_equal(lines.list[0].net_currency, "EUR");
    expect_line(&lines.list[0], SETTLEMENT_KIND_REFUND, -1000, 20, -630);
}

static void stripe_transactions_are_read_with_quotes_and_mark(void **state)
{
    struct lines lines;
    (void)state;
    read_all(SETTLEMENT_STRIPE,
             "\xef\xbb\xbf\"id\",Type,Source,Amount,Fee,Net,Currency,Created (UTC),Description,"
             "Transfer\n"
             "txn_1,charge,ch_1,119.00,0.25,118.75,eur,2026-11-20 10:00,\"Socks, \"\"warm\"\"\nand "
             "dry\",po_1\n"
             "txn_2,refund,re_1,-50.00,0.10,-50.10,eur,2026-11-21 10:00,REFUND,po_1\n"
             "txn_3,adjustment,du_1,-30.00,7.50,-37.50,eur,2026-11-22 10:00,"
             "Chargeback withdrawal for ch_1,po_1\n"
             "txn_4,payout,po_1,-31.15,0.00,-31.15,eur,2026-11-23 10:00,STRIPE PAYOUT,po_1\n",
             &lines);
    assert_int_equal(lines.count, 4);
    expect_line(&lines.list[0], SETTLEMENT_KIND_SALE, 11900, 25, 11875);
    expect_line(&lines.list[1], SETTLEMENT_KIND_REFUND, -5000, 10, -5010);
    expect_line(&lines.list[2], SETTLEMENT_KIND_CHARGEBACK, -3000, 750, -3750);
    expect_line(&lines.list[3], SETTLEMENT_KIND_PAYOUT, 3115, 0, 3115);
    assert_string_equal(lines.list[1].reference, "re_1");
    assert_string_equal(lines.list[0].payment, "ch_1");
}

static void amazon_components_are_summed_to_movements(void **state)
{
    struct lines lines;
    (void)state;
    read_all(SETTLEMENT_AMAZON,
             AMAZON_HEAD "99\t2026-11-01\t22.11.2026 10:00:00 UTC\t-341,25\tEUR\t\t\t\t\t\t\t\n"
                         "99\t\t\t\t\tRefund\tO-1\tM-1\tA-1\tItemPrice\t-345,00\t20.11.2026\n"
                         "99\t\t\t\t\tRefund\tO-1\tM-1\tA-1\tItemFees\t51,75\t20.11.2026\n"
                         "99\t\t\t\t\tRefund\tO-1\tM-1\tA-1\tItemFees\t-5,00\t20.11.2026\n"
                         "99\t\t\t\t\tRefund\tO-1\tM-1\tA-2\tItemPrice\t-43,00\t20.11.2026\n"
                         "99\t\t\t\t\tRefund\tO-1\tM-1\tA-2\tItemPrice\t-7,00\t20.11.2026\n"
                         "99\t\t\t\t\tRefund\tO-1\tM-1\tA-2\tItemWithheldTax\t7,00\t20.11.2026\n",
             &lines);
    assert_int_equal(lines.count, 3);
    expect_line(&lines.list[0], SETTLEMENT_KIND_PAYOUT, -34125, 0, -34125);
    expect_line(&lines.list[1], SETTLEMENT_KIND_REFUND, -34500, -4675, -29825);
    expect_line(&lines.list[2], SETTLEMENT_KIND_REFUND, -5000, -700, -4300); /* tax it withheld */
    assert_string_equal(lines.list[1].reference, "A-1");
    assert_string_equal(lines.list[1].payment, "O-1");
    assert_string_equal(lines.list[1].own, "M-1");
}

static void camt053_gives_booked_entries(void **state)
{
    struct lines lines;
    (void)state;
    read_all(SETTLEMENT_CAMT053,
             CAMT_OPEN CAMT_ENTRY
             "<Ntry><Amt Ccy=\"EUR\">9.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>PDNG</Sts></Ntry>"
             "<Ntry><Amt Ccy=\"EUR\">4.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts>"
             "<BookgDt><DtTm>2026-11-24T10:00:00</DtTm></BookgDt></Ntry>" CAMT_CLOSE,
             &lines);
    assert_int_equal(lines.count, 2);
    expect_line(&lines.list[0], SETTLEMENT_KIND_PAYOUT, 3115, 0, 3115);
    expect_line(&lines.list[1], SETTLEMENT_KIND_OTHER, -400, 0, -400);
    assert_string_equal(lines.list[0].batch, "ST-1");
    assert_string_equal(lines.list[0].reference, "B9");
    assert_string_equal(lines.list[0].own, "PAYOUT 7");
    assert_string_equal(lines.list[0].payment, "Adyen batch 7 & more");
    assert_string_equal(lines.list[1].reference, "");
}

static void camt054_gives_notified_entries(void **state)
{
    struct lines lines;
    (void)state;
    read_all(SETTLEMENT_CAMT054,
             "<Document><BkToCstmrDbtCdtNtfctn><Ntfctn><Id>N-1</Id>" CAMT_ENTRY
             "</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>",
             &lines);
    assert_int_equal(lines.count, 1);
    assert_string_equal(lines.list[0].batch, "N-1");
}

static void entities_and_document_types_are_refused(void **state)
{
    struct lines lines = {.room = 16};
    struct fault fault = {0};
    (void)state;
    assert_int_equal(read_in(SETTLEMENT_CAMT053,
                             "<!DOCTYPE d [<!ENTITY a \"b\">]><Document>&a;</Document>", 9, &lines,
                             &fault),
                     ERR_INVALID);
    assert_non_null(strstr(fault.text, "document type"));
    expect_refusal(SETTLEMENT_CAMT053, "<Document>&x;</Document>", ERR_INVALID, "line 1");
}

static void another_message_or_half_of_one_is_refused(void **state)
{
    (void)state;
    expect_refusal(SETTLEMENT_CAMT054, CAMT_OPEN CAMT_CLOSE, ERR_INVALID, "Document");
    expect_refusal(SETTLEMENT_CAMT053, CAMT_OPEN CAMT_ENTRY, ERR_INVALID, "line 1");
}

static void deep_nesting_and_long_texts_are_refused(void **state)
{
    struct buf text;
    (void)state;
    buf_init(&text, 65536);
    for (int i = 0; i < 40; i++)
        buf_append_text(&text, "<a>");
    expect_refusal(SETTLEMENT_CAMT053, text.data, ERR_TOO_DEEP, "line 1");
    buf_reset(&text);
    buf_append_text(&text, CAMT_OPEN "<Ntry><NtryRef>");
    for (int i = 0; i < 2000; i++)
        buf_append_char(&text, 'x');
    expect_refusal(SETTLEMENT_CAMT053, text.data, ERR_TOO_LARGE, "line 1");
    buf_free(&text);
}

static void refusal_of_a_table_names_row_and_column(void **state)
{
    (void)state;
    expect_refusal(SETTLEMENT_STRIPE, "", ERR_INVALID, "row 1");
    expect_refusal(SETTLEMENT_STRIPE, "id,Type\n", ERR_INVALID, "row 1, Amount");
    expect_refusal(SETTLEMENT_STRIPE, STRIPE_HEAD "t,refund,r,1.005,0,1,eur,2026-11-20,,\n",
                   ERR_INVALID, "row 2, Amount");
    expect_refusal(SETTLEMENT_STRIPE, STRIPE_HEAD "t,refund,r,1.00,0,2.00,eur,2026-11-20,,\n",
                   ERR_INVALID, "row 2, Net");
    expect_refusal(SETTLEMENT_STRIPE, STRIPE_HEAD "t,refund,r,1.00,0,1.00,euro,2026-11-20,,\n",
                   ERR_INVALID, "row 2, Currency");
    expect_refusal(SETTLEMENT_STRIPE, STRIPE_HEAD "t,refund,r,1.00,0,1.00,eur,yesterday,,\n",
                   ERR_INVALID, "row 2, Created (UTC)");
    expect_refusal(SETTLEMENT_STRIPE,
                   STRIPE_HEAD "t,refund,r,1.00,0,1.00,eur,2026-11-20,a, b,c,d,e,f,g,h,i,j,k\n",
                   ERR_INVALID, "row 2");
    expect_refusal(SETTLEMENT_STRIPE, STRIPE_HEAD "t,\"refund", ERR_INVALID, "row 2");
    expect_refusal(SETTLEMENT_STRIPE, STRIPE_HEAD "t,\"refund\"x,", ERR_INVALID, "row 2");
    expect_refusal(SETTLEMENT_AMAZON, AMAZON_HEAD "9\t\t\t\t\tRefund\tO\tM\tA\tItemPrice\t1\t\n",
                   ERR_INVALID, "row 2, currency");
}

static void endless_row_is_refused(void **state)
{
    struct lines lines = {.room = 16};
    struct fault fault = {0};
    struct buf text;
    (void)state;
    buf_init(&text, 200000);
    for (int i = 0; i < 100000; i++)
        buf_append_char(&text, 'x');
    assert_int_equal(read_in(SETTLEMENT_STRIPE, text.data, 4096, &lines, &fault), ERR_TOO_LARGE);
    buf_reset(&text);
    for (int i = 0; i < 300; i++)
        buf_append_text(&text, ",");
    assert_int_equal(read_in(SETTLEMENT_STRIPE, text.data, 4096, &lines, &fault), ERR_TOO_LARGE);
    buf_free(&text);
}

static void error_of_the_taker_ends_the_reading(void **state)
{
    struct lines lines = {.room = 1};
    struct fault fault = {0};
    (void)state;
    assert_int_equal(read_in(SETTLEMENT_ADYEN, ADYEN_HEAD ADYEN_DAY, 50, &lines, &fault),
                     ERR_DISK_FULL);
    lines.room = 0;
    assert_int_equal(
        read_in(SETTLEMENT_CAMT053, CAMT_OPEN CAMT_ENTRY CAMT_CLOSE, 50, &lines, &fault),
        ERR_DISK_FULL);
}

/* What a spreadsheet or an older system saves is Latin-1; our databases and answers are UTF-8. */
static void text_that_is_not_utf8_is_refused_where_it_would_be_kept(void **state)
{
    struct lines lines;
    (void)state;
    expect_refusal(SETTLEMENT_ADYEN,
                   ADYEN_HEAD "C,M,P1,M\xfcller,visa,2026-11-21 10:00:00,CET,Refunded,RF1,EUR,"
                              "50.00,,1,EUR,50.10,,0.10,,,,7\n",
                   ERR_INVALID, "row 2, Merchant Reference");
    read_all(SETTLEMENT_ADYEN,
             ADYEN_HEAD "M\xfcller,M,P1,R1,visa,2026-11-21 10:00:00,CET,Refunded,RF1,EUR,"
                        "50.00,,1,EUR,50.10,,0.10,,,,7\n",
             &lines);
    assert_int_equal(lines.count, 1);
}

#define CAMT_NAKED(details)                                                                        \
    "<Ntry><Amt Ccy=\"EUR\">31.15</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>"                 \
    "<ValDt><Dt>2026-11-24</Dt></ValDt>" details "</Ntry>"

static void long_text_is_cut_between_characters(void **state)
{
    struct lines lines;
    struct buf text;
    (void)state;
    buf_init(&text, 4096);
    buf_append_text(&text, CAMT_OPEN
                    "<Ntry><Amt Ccy=\"EUR\">1</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>"
                    "<BookgDt><Dt>2026-11-24</Dt></BookgDt><NtryDtls><TxDtls><RmtInf><Ustrd>x");
    for (int i = 0; i < 400; i++)
        buf_append_text(&text, "\xc3\xbc");
    buf_append_text(&text, "</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>" CAMT_CLOSE);
    read_all(SETTLEMENT_CAMT053, text.data, &lines);
    assert_true(utf8_valid(slice_of(lines.list[0].payment)));
    assert_true(strlen(lines.list[0].payment) > 140);
    buf_free(&text);
}

/* A thousand of a spreadsheet's is not one with three places. */
static void comma_before_three_digits_is_not_taken_for_a_point(void **state)
{
    struct lines lines;
    (void)state;
    expect_refusal(SETTLEMENT_STRIPE,
                   STRIPE_HEAD "t,refund,r,\"1,200\",0,\"1,200\",jpy,2026-11-20,,\n", ERR_INVALID,
                   "row 2, Amount");
    expect_refusal(SETTLEMENT_STRIPE,
                   STRIPE_HEAD "t,refund,r,\"1,200\",0,\"1,200\",eur,2026-11-20,,\n", ERR_INVALID,
                   "row 2, Amount");
    read_all(SETTLEMENT_STRIPE,
             STRIPE_HEAD "t,refund,r,\"-1,200\",0.000,\"-1,200\",kwd,2026-11-20,,\n"
                         "t,refund,r,-1200.00,0,-1200,jpy,2026-11-20,,\n",
             &lines);
    expect_line(&lines.list[0], SETTLEMENT_KIND_REFUND, -1200, 0, -1200);
    expect_line(&lines.list[1], SETTLEMENT_KIND_REFUND, -1200, 0, -1200);
}

/* Banks say which payout it is in several texts, or in one that isn't the remittance's. */
static void entry_of_a_bank_is_told_by_all_its_texts(void **state)
{
    struct lines lines;
    (void)state;
    read_all(SETTLEMENT_CAMT053,
             CAMT_OPEN CAMT_NAKED("<NtryDtls><TxDtls><RmtInf><Ustrd>ADYEN N.V.</Ustrd>"
                                  "<Ustrd>BATCH 771</Ustrd></RmtInf></TxDtls><TxDtls><RmtInf><Strd>"
                                  "<CdtrRefInf><Ref>RF18</Ref></CdtrRefInf></Strd></RmtInf>"
                                  "</TxDtls></NtryDtls>")
                 CAMT_NAKED("<AddtlNtryInf>Gutschrift PO77</AddtlNtryInf>") CAMT_CLOSE,
             &lines);
    assert_int_equal(lines.count, 2);
    assert_string_equal(lines.list[0].payment, "ADYEN N.V. BATCH 771 RF18");
    assert_string_equal(lines.list[1].payment, "Gutschrift PO77");
    char day[DAY_TEXT + 1]; /* without a day of booking: that of the value */
    day_format(lines.list[0].day, day);
    assert_string_equal(day, "2026-11-24");
}

static void entry_that_reverses_another_is_no_payout(void **state)
{
    struct lines lines;
    (void)state;
    read_all(SETTLEMENT_CAMT053,
             CAMT_OPEN
             "<Ntry><Amt Ccy=\"EUR\">4.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><RvslInd>true</RvslInd>"
             "<Sts>BOOK</Sts><BookgDt><Dt>2026-11-24</Dt></BookgDt></Ntry>"
             "<Ntry><Amt Ccy=\"EUR\">31.15</Amt><CdtDbtInd>DBIT</CdtDbtInd><RvslInd>1</RvslInd>"
             "<Sts>BOOK</Sts><BookgDt><Dt>2026-11-24</Dt></BookgDt></Ntry>"
             "<Ntry><Amt Ccy=\"EUR\">5.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><RvslInd>false</RvslInd>"
             "<Sts>BOOK</Sts><BookgDt><Dt>2026-11-24</Dt></BookgDt></Ntry>" CAMT_CLOSE,
             &lines);
    expect_line(&lines.list[0], SETTLEMENT_KIND_OTHER, 400, 0, 400);
    expect_line(&lines.list[1], SETTLEMENT_KIND_PAYOUT_REVERSED, -3115, 0, -3115);
    expect_line(&lines.list[2], SETTLEMENT_KIND_PAYOUT, 500, 0, 500);
}

static void format_is_found_by_name(void **state)
{
    enum settlement_format format = SETTLEMENT_ADYEN;
    (void)state;
    assert_int_equal(settlement_format_find("camt054", &format), ERR_OK);
    assert_int_equal(format, SETTLEMENT_CAMT054);
    assert_int_equal(settlement_format_find("paypal", &format), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adyen_batch_pays_out_3115),
        cmocka_unit_test(adyen_in_two_currencies_sums_the_fees),
        cmocka_unit_test(stripe_transactions_are_read_with_quotes_and_mark),
        cmocka_unit_test(amazon_components_are_summed_to_movements),
        cmocka_unit_test(camt053_gives_booked_entries),
        cmocka_unit_test(camt054_gives_notified_entries),
        cmocka_unit_test(entities_and_document_types_are_refused),
        cmocka_unit_test(another_message_or_half_of_one_is_refused),
        cmocka_unit_test(deep_nesting_and_long_texts_are_refused),
        cmocka_unit_test(refusal_of_a_table_names_row_and_column),
        cmocka_unit_test(endless_row_is_refused),
        cmocka_unit_test(error_of_the_taker_ends_the_reading),
        cmocka_unit_test(text_that_is_not_utf8_is_refused_where_it_would_be_kept),
        cmocka_unit_test(long_text_is_cut_between_characters),
        cmocka_unit_test(comma_before_three_digits_is_not_taken_for_a_point),
        cmocka_unit_test(entry_of_a_bank_is_told_by_all_its_texts),
        cmocka_unit_test(entry_that_reverses_another_is_no_payout),
        cmocka_unit_test(format_is_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
