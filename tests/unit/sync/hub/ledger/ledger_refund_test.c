/* What is paid out for a return in the books: rounding, failures, settlement, other currencies. */
#include "tests/support/ledger_return.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void cash_rounding_stays_out_of_the_entitlement(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, SOCKS, "");
    ledger_run_event(run, EVENT_REFUND_ISSUED,
                     "{\"tender\":1,\"type\":\"cash\",\"amount\":333,\"rounding\":2}");
    ledger_return_expect(
        run, ACCEPTED "refund_issued: refunds_payable +333, cash_rounding +2, tender cash -335\n");
}

static void rounding_tender_of_50_is_reversed_and_700_paid(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(
        run, "{\"line\":1,\"quantity\":1,\"net\":750,\"tax\":[],\"gross\":750}",
        ",\"refund\":{\"tenders\":[{\"tender\":1,\"type\":\"rounding\",\"amount\":50},"
        "{\"tender\":2,\"type\":\"cash\",\"amount\":700}]}");
    ledger_run_event(run, EVENT_REFUND_ISSUED, "{\"tender\":2,\"type\":\"cash\",\"amount\":700}");
    ledger_return_expect(run, "accepted: returns +750, refunds_payable -750\n"
                              "rounding_reversed: refunds_payable +50, cash_rounding -50\n"
                              "refund_issued: refunds_payable +700, tender cash -700\n");
}

static void failed_refund_is_owed_again(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, SOCKS, "");
    ledger_run_event(run, EVENT_REFUND_ISSUED,
                     "{\"tender\":1,\"type\":\"card\",\"amount\":333,\"refund\":\"a\"}");
    ledger_run_event(run, EVENT_REFUND_FAILED, "{\"tender\":1,\"refund\":\"a\"}");
    ledger_run_event(run, EVENT_REFUND_FAILED, "{\"tender\":1,\"refund\":\"a\"}");
    ledger_run_event(run, EVENT_REFUND_ISSUED,
                     "{\"tender\":1,\"type\":\"card\",\"amount\":333,\"refund\":\"b\"}");
    ledger_return_expect(run, ACCEPTED PAID
                         "refund_failed: refunds_payable -333, tender card +333\n" PAID);
}

static void refund_to_a_new_tender_fails_by_its_place_in_the_plan(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, SOCKS, "");
    ledger_run_event(run, EVENT_REFUND_ISSUED,
                     "{\"position\":0,\"tender\":0,\"type\":\"gift_card\",\"amount\":300}");
    ledger_run_event(run, EVENT_REFUND_ISSUED,
                     "{\"position\":1,\"tender\":0,\"type\":\"voucher\",\"amount\":33}");
    ledger_run_event(run, EVENT_REFUND_FAILED, "{\"position\":2,\"tender\":0}");
    assert_int_equal(position_balance(&run->position, "refunds_payable"), 0);
    ledger_run_event(run, EVENT_REFUND_FAILED, "{\"position\":0,\"tender\":0}");
    assert_int_equal(position_balance(&run->position, "refunds_payable"), -300);
}

static void of_two_refunds_that_nothing_tells_apart_the_latest_failed(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, SOCKS, "");
    ledger_run_event(run, EVENT_REFUND_ISSUED, "{\"tender\":1,\"type\":\"card\",\"amount\":300}");
    ledger_run_event(run, EVENT_REFUND_ISSUED, "{\"tender\":1,\"type\":\"card\",\"amount\":33}");
    ledger_run_event(run, EVENT_REFUND_FAILED, "{\"tender\":1}");
    assert_int_equal(position_balance(&run->position, "refunds_payable"), -33);
}

static void settled_refund_can_not_fail(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, SOCKS, "");
    ledger_run_event(run, EVENT_REFUND_ISSUED, ISSUED);
    ledger_run_event(run, EVENT_REFUND_SETTLED, "{\"type\":\"card\",\"amount\":333}");
    assert_int_equal(ledger_run_try(run, EVENT_REFUND_FAILED, "{\"tender\":1}"), ERR_REFUSED);
}

static void settled_refund_that_came_back_is_owed_again(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, SOCKS, "");
    ledger_run_event(run, EVENT_REFUND_ISSUED, ISSUED);
    ledger_run_event(run, EVENT_REFUND_SETTLED, "{\"type\":\"card\",\"amount\":333,\"fee\":10}");
    ledger_run_event(run, EVENT_REFUND_SETTLED,
                     "{\"type\":\"card\",\"amount\":333,\"kind\":\"reversed\"}");
    ledger_run_event(run, EVENT_REFUND_FAILED, "{\"tender\":1}");
    assert_int_equal(position_balance(&run->position, "bank"), -10);
    assert_int_equal(position_balance(&run->position, "tender"), 0);
    assert_int_equal(position_balance(&run->position, "refunds_payable"), -333);
}

static void what_is_never_settled_is_written_off_to_the_last_cent(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, SOCKS, "");
    ledger_run_event(run, EVENT_REFUND_ISSUED, ISSUED);
    ledger_run_event(run, EVENT_REFUND_SETTLED, "{\"type\":\"card\",\"amount\":350}");
    ledger_run_event(run, EVENT_REFUND_SETTLED,
                     "{\"type\":\"card\",\"amount\":-17,\"kind\":\"written_off\"}");
    assert_int_equal(position_balance(&run->position, "tender"), 0);
    assert_int_equal(position_balance(&run->position, "settlement_difference"), 17);
    assert_int_equal(ledger_run_try(run, EVENT_REFUND_SETTLED, "{\"type\":\"card\",\"amount\":-1}"),
                     ERR_INVALID);
}

static void refund_in_another_currency_loses_65(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED,
                     "{\"number\":\"R1\",\"store\":\"0042\",\"currency\":\"GBP\","
                     "\"decision\":\"accepted\",\"goods\":\"received\","
                     "\"exchange\":{\"currency\":\"EUR\",\"sale_rate\":\"1.1523\","
                     "\"rate\":\"1.1741\"},\"lines\":[{\"line\":1,\"quantity\":1,\"net\":2500,"
                     "\"tax\":[{\"jurisdiction\":\"GB\",\"rate\":\"20\",\"amount\":500}],"
                     "\"gross\":3000}]}");
    ledger_run_event(run, EVENT_REFUND_ISSUED,
                     "{\"tender\":1,\"type\":\"cash\",\"amount\":3000,\"paid\":3522}");
    ledger_return_expect(run,
                         "accepted: returns +2881, tax GB 20 +576, refunds_payable -3457\n"
                         "refund_issued: refunds_payable +3457, fx_loss +65, tender cash -3522\n");
    assert_string_equal(run->position.entries[0].currency, "EUR");
}

static void refund_in_two_parts_at_a_better_rate_gains_and_clears_to_the_cent(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED,
                     "{\"number\":\"R1\",\"store\":\"0042\",\"currency\":\"GBP\","
                     "\"decision\":\"accepted\",\"goods\":\"none\","
                     "\"exchange\":{\"currency\":\"JPY\",\"sale_rate\":\"191.37\","
                     "\"rate\":\"190\"},\"lines\":[{\"line\":1,\"quantity\":1,\"net\":1001,"
                     "\"tax\":[],\"gross\":1001}]}");
    ledger_run_event(run, EVENT_REFUND_ISSUED, "{\"tender\":1,\"type\":\"card\",\"amount\":333}");
    ledger_run_event(run, EVENT_REFUND_ISSUED, "{\"tender\":2,\"type\":\"cash\",\"amount\":668}");
    ledger_return_expect(run,
                         "accepted: returns +1916, refunds_payable -1916\n"
                         "refund_issued: refunds_payable +637, fx_gain -4, tender card -633\n"
                         "refund_issued: refunds_payable +1279, fx_gain -10, tender cash -1269\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ledger_return_make, ledger_return_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cash_rounding_stays_out_of_the_entitlement),
        TEST(rounding_tender_of_50_is_reversed_and_700_paid),
        TEST(failed_refund_is_owed_again),
        TEST(refund_to_a_new_tender_fails_by_its_place_in_the_plan),
        TEST(of_two_refunds_that_nothing_tells_apart_the_latest_failed),
        TEST(settled_refund_can_not_fail),
        TEST(settled_refund_that_came_back_is_owed_again),
        TEST(what_is_never_settled_is_written_off_to_the_last_cent),
        TEST(refund_in_another_currency_loses_65),
        TEST(refund_in_two_parts_at_a_better_rate_gains_and_clears_to_the_cent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
