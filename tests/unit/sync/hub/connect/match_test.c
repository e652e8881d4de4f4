/* Which refund a settlement line is about, and every way in which the two can differ. */
#include "sync/hub/connect/match.h"
#include "sync/hub/connect/settlement_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct match_rule rule = {.late_days = 5, .missing_days = 10, .fee_most_minor = 12};

static struct expected_refund a_refund(void)
{
    return (struct expected_refund){.reference = "RF1",
                                    .own = "R1",
                                    .payment = "P1",
                                    .terminal = "T1",
                                    .receipt = "S1",
                                    .currency = "EUR",
                                    .amount_minor = 5000,
                                    .day = 100};
}

/* A line about it, by the keys that are given. */
static struct settlement_line a_line(const char *reference, const char *own, const char *payment,
                                     const char *terminal)
{
    struct settlement_line line = {.kind = SETTLEMENT_KIND_REFUND,
                                   .currency = "EUR",
                                   .net_currency = "EUR",
                                   .gross_minor = -5000,
                                   .fee_minor = 10,
                                   .net_minor = -5010,
                                   .day = 100};
    settlement_text(line.reference, slice_of(reference));
    settlement_text(line.own, slice_of(own));
    settlement_text(line.payment, slice_of(payment));
    settlement_text(line.terminal, slice_of(terminal));
    return line;
}

static void expect(struct match match, enum match_key key, size_t candidate, uint32_t mismatches)
{
    assert_string_equal(match_key_name(match.key), match_key_name(key));
    assert_int_equal(match.candidate, candidate);
    assert_int_equal(match.mismatches, mismatches);
}

static void each_key_finds_the_refund(void **state)
{
    struct expected_refund refund = a_refund();
    struct settlement_line lines[] = {a_line("RF1", "", "", ""), a_line("", "R1", "", ""),
                                      a_line("", "", "P1", ""), a_line("", "S1", "", "T1")};
    (void)state;
    for (size_t i = 0; i < MATCH_NONE; i++)
        expect(match_line(&lines[i], &refund, 1, &rule), (enum match_key)i, 0, 0);
}

static void weaker_key_needs_all_that_it_is_made_of(void **state)
{
    struct expected_refund refund = a_refund();
    struct settlement_line own = a_line("", "R1", "", "");
    struct settlement_line payment = a_line("", "", "P1", "");
    struct settlement_line terminal = a_line("", "S1", "", "T1");
    (void)state;
    own.day = terminal.day = 101; /* our own reference says enough; a terminal counts by the day */
    memcpy(payment.currency, "GBP", sizeof payment.currency);
    expect(match_line(&own, &refund, 1, &rule), MATCH_BY_OWN, 0, 0);
    expect(match_line(&terminal, &refund, 1, &rule), MATCH_NONE, SIZE_MAX,
           MISMATCH_BIT(MISMATCH_UNKNOWN_IN_LEDGER));
    expect(match_line(&payment, &refund, 1, &rule), MATCH_NONE, SIZE_MAX,
           MISMATCH_BIT(MISMATCH_UNKNOWN_IN_LEDGER));
}

static void surer_key_wins_over_an_earlier_candidate(void **state)
{
    struct expected_refund refunds[] = {a_refund(), a_refund(), a_refund()};
    struct settlement_line line = a_line("RF3", "R2", "P1", "");
    (void)state;
    refunds[1].own = "R2";
    refunds[2].reference = "RF3";
    expect(match_line(&line, refunds, 3, &rule), MATCH_BY_REFERENCE, 2, 0);
    expect(match_line(&line, refunds, 2, &rule), MATCH_BY_OWN, 1, 0);
    expect(match_line(&line, refunds, 1, &rule), MATCH_BY_PAYMENT, 0, 0);
}

static void two_equal_refunds_of_a_payment_are_taken_one_after_the_other(void **state)
{
    struct expected_refund refunds[] = {a_refund(), a_refund()};
    struct settlement_line line = a_line("", "", "P1", "");
    (void)state;
    refunds[0].settled = true;
    expect(match_line(&line, refunds, 2, &rule), MATCH_BY_PAYMENT, 1, 0);
    refunds[1].settled = true;
    expect(match_line(&line, refunds, 2, &rule), MATCH_BY_PAYMENT, 0,
           MISMATCH_BIT(MISMATCH_DUPLICATE));
}

static void empty_keys_agree_with_nothing(void **state)
{
    struct expected_refund refund = {.reference = "",
                                     .own = "",
                                     .payment = "",
                                     .terminal = "",
                                     .receipt = "",
                                     .currency = "EUR",
                                     .amount_minor = 5000,
                                     .day = 100};
    struct settlement_line line = a_line("", "", "", "");
    (void)state;
    expect(match_line(&line, &refund, 1, &rule), MATCH_NONE, SIZE_MAX,
           MISMATCH_BIT(MISMATCH_UNKNOWN_IN_LEDGER));
}

static void every_difference_is_named(void **state)
{
    struct expected_refund refund = a_refund();
    struct settlement_line line = a_line("RF1", "", "", "");
    (void)state;
    line.gross_minor = -4999;
    expect(match_line(&line, &refund, 1, &rule), MATCH_BY_REFERENCE, 0,
           MISMATCH_BIT(MISMATCH_AMOUNT));
    line = a_line("RF1", "", "", "");
    memcpy(line.currency, "GBP", sizeof line.currency);
    expect(match_line(&line, &refund, 1, &rule), MATCH_BY_REFERENCE, 0,
           MISMATCH_BIT(MISMATCH_CURRENCY));
    line = a_line("RF1", "", "", "");
    line.gross_minor = 5000;
    expect(match_line(&line, &refund, 1, &rule), MATCH_BY_REFERENCE, 0,
           MISMATCH_BIT(MISMATCH_SIGN));
    line = a_line("RF1", "", "", "");
    line.fee_minor = 13;
    expect(match_line(&line, &refund, 1, &rule), MATCH_BY_REFERENCE, 0, MISMATCH_BIT(MISMATCH_FEE));
    line.fee_minor = 12;
    line.day = 106;
    expect(match_line(&line, &refund, 1, &rule), MATCH_BY_REFERENCE, 0,
           MISMATCH_BIT(MISMATCH_LATE));
    line.day = 105;
    refund.charged_back = true;
    expect(match_line(&line, &refund, 1, &rule), MATCH_BY_REFERENCE, 0,
           MISMATCH_BIT(MISMATCH_DUAL_REFUND));
}

static void reversal_and_chargeback_of_a_refund_are_told(void **state)
{
    struct expected_refund refund = a_refund();
    struct settlement_line line = a_line("RF1", "", "", "");
    (void)state;
    refund.settled = true;
    line.kind = SETTLEMENT_KIND_REFUND_REVERSED;
    expect(match_line(&line, &refund, 1, &rule), MATCH_BY_REFERENCE, 0,
           MISMATCH_BIT(MISMATCH_REVERSED));
    line = a_line("CB1", "", "P1", "");
    line.kind = SETTLEMENT_KIND_CHARGEBACK;
    line.gross_minor = -11900;
    expect(match_line(&line, &refund, 1, &rule), MATCH_BY_PAYMENT, 0,
           MISMATCH_BIT(MISMATCH_DUAL_REFUND));
    expect(match_line(&line, NULL, 0, &rule), MATCH_NONE, SIZE_MAX, 0);
}

static void other_kinds_match_nothing(void **state)
{
    struct expected_refund refund = a_refund();
    struct settlement_line line = a_line("RF1", "", "", "");
    (void)state;
    line.kind = SETTLEMENT_KIND_SALE;
    expect(match_line(&line, &refund, 1, &rule), MATCH_NONE, SIZE_MAX, 0);
}

static void batch_must_sum_to_its_payout_and_to_the_bank(void **state)
{
    struct match_batch batch = {0};
    struct settlement_line line = {.kind = SETTLEMENT_KIND_SALE, .net_minor = 3115};
    struct settlement_line payout = {.kind = SETTLEMENT_KIND_PAYOUT, .net_minor = 3115};
    int64_t bank = 3114;
    (void)state;
    match_batch_add(&batch, &line);
    assert_int_equal(match_batch_check(&batch, NULL), 0);
    match_batch_add(&batch, &payout);
    assert_int_equal(match_batch_check(&batch, NULL), 0);
    assert_int_equal(match_batch_check(&batch, &bank), MISMATCH_BIT(MISMATCH_BATCH_TOTAL));
    match_batch_add(&batch, &line);
    assert_int_equal(match_batch_check(&batch, NULL), MISMATCH_BIT(MISMATCH_BATCH_TOTAL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_finds_the_refund),
        cmocka_unit_test(weaker_key_needs_all_that_it_is_made_of),
        cmocka_unit_test(surer_key_wins_over_an_earlier_candidate),
        cmocka_unit_test(two_equal_refunds_of_a_payment_are_taken_one_after_the_other),
        cmocka_unit_test(empty_keys_agree_with_nothing),
        cmocka_unit_test(every_difference_is_named),
        cmocka_unit_test(reversal_and_chargeback_of_a_refund_are_told),
        cmocka_unit_test(other_kinds_match_nothing),
        cmocka_unit_test(batch_must_sum_to_its_payout_and_to_the_bank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
