/* What each event of a return means in the books, with the worked numbers: who is owed when, what
 * is taken back, and what is refused. */
#include "tests/support/ledger_return.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void return_in_hand_is_owed_at_once_and_cleared_by_its_refund(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "received"));
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    ledger_run_event(run, EVENT_REFUND_ISSUED, ISSUED);
    ledger_run_event(run, EVENT_RETURN_COMPLETED, "{}");
    ledger_return_expect(run, ACCEPTED CAME PAID);
    assert_int_equal(position_balance(&run->position, "refunds_payable"), 0);
    assert_true(run->position.completed);
}

static void every_entry_names_return_event_and_rule(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "received"));
    const struct entry *entry = &run->position.entries[0];
    assert_string_equal(entry->reference, "00000000-0000-0000-0000-000000000001/accepted");
    assert_string_equal(entry->event_id, "00000000-0000-0000-0000-000000000001");
    assert_string_equal(entry->return_id, "00000000-0000-0000-0000-000000000001");
    assert_string_equal(entry->rule, "accepted");
    assert_string_equal(entry->text, "Return R1: accepted");
    assert_string_equal(entry->company, "main");
    assert_string_equal(entry->store, "0042");
    assert_string_equal(entry->currency, "EUR");
    assert_string_equal(entry->lines[1].account, "2200");
    char day[DAY_TEXT + 1];
    day_format(entry->document_day, day);
    assert_string_equal(day, "2026-11-22");
}

static void business_date_is_the_document_day(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, SOCKS, ",\"business_date\":\"2026-10-31\"");
    char day[DAY_TEXT + 1];
    day_format(run->position.entries[0].document_day, day);
    assert_string_equal(day, "2026-10-31");
}

static void expected_goods_are_owed_when_they_are_received(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "expected"));
    ledger_return_expect(run, "");
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    ledger_return_expect(run, CAME ACCEPTED);
}

static void goods_kept_by_the_customer_are_owed_at_once_and_cost_nothing(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "none"));
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED,
                     "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"destroy\"}]}");
    ledger_return_expect(run, ACCEPTED);
}

static void three_received_one_by_one_are_owed_333_334_333(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED,
                     "{" HEAD ",\"decision\":\"accepted\",\"goods\":\"expected\",\"lines\":["
                     "{\"line\":1,\"quantity\":3,\"net\":840,\"tax\":[{\"jurisdiction\":\"DE\","
                     "\"rate\":\"19\",\"amount\":160}],\"gross\":1000}]}");
    for (int i = 0; i < 3; i++)
        ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    ledger_return_expect(run, "accepted: returns +280, tax DE 19 +53, refunds_payable -333\n"
                              "accepted: returns +280, tax DE 19 +54, refunds_payable -334\n"
                              "accepted: returns +280, tax DE 19 +53, refunds_payable -333\n");
}

static void debt_says_which_pieces_it_is_for(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED,
                     "{" HEAD ",\"decision\":\"accepted\",\"goods\":\"expected\",\"lines\":["
                     "{\"line\":1,\"quantity\":3,\"net\":840,\"tax\":[{\"jurisdiction\":\"DE\","
                     "\"rate\":\"19\",\"amount\":160}],\"gross\":1000,"
                     "\"fee\":{\"amount\":357,\"tax\":57}},"
                     "{\"line\":2,\"quantity\":1,\"net\":100,\"tax\":[],\"gross\":100,"
                     "\"goods\":\"none\"}]}");
    ledger_run_event(run, EVENT_ITEM_RECEIVED,
                     "{\"lines\":[{\"line\":1,\"quantity\":2,\"condition\":\"used\"}]}");
    struct buf text;
    buf_init(&text, 4096);
    for (size_t i = 0; i < run->position.entry_count; i++) {
        struct jsonw w = jsonw_to(&text);
        if (run->position.entries[i].items.count)
            entry_items_write(&w, NULL, &run->position.entries[i].items);
    }
    assert_string_equal(
        text.data,
        "{\"items\":[{\"line\":2,\"quantity\":1,\"goods\":false,\"net\":100,\"tax\":[]}]}"
        "{\"items\":[{\"line\":1,\"quantity\":2,\"goods\":true,\"net\":560,\"tax\":["
        "{\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":107}],\"fee_net\":200,\"fee_tax\":["
        "{\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":38}]}]}");
    buf_free(&text);
}

static void taxed_restocking_fee_leaves_10115(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(
        run,
        "{\"line\":1,\"quantity\":1,\"net\":10000,\"tax\":[{\"jurisdiction\":\"DE\","
        "\"rate\":\"19\",\"amount\":1900}],\"gross\":11900,"
        "\"fee\":{\"amount\":1785,\"tax\":285}}",
        "");
    ledger_return_expect(
        run, "accepted: returns +10000, tax DE 19 +1900, fee_income -1500, fee_tax DE 19 -285, "
             "refunds_payable -10115\n");
}

static void untaxed_restocking_fee_leaves_10400(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(
        run,
        "{\"line\":1,\"quantity\":1,\"net\":10000,\"tax\":[{\"jurisdiction\":\"DE\","
        "\"rate\":\"19\",\"amount\":1900}],\"gross\":11900,"
        "\"fee\":{\"amount\":1500,\"tax\":0}}",
        "");
    ledger_return_expect(run, "accepted: returns +10000, tax DE 19 +1900, fee_income -1500, "
                              "refunds_payable -10400\n");
}

static void needs_manager_is_owed_once_approved(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("needs_manager", "received"));
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    ledger_return_expect(run, CAME);
    ledger_run_event(run, EVENT_RETURN_APPROVED, "{}");
    ledger_return_expect(run, CAME ACCEPTED);
}

static void declined_by_the_manager_gives_the_goods_back(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("needs_manager", "received"));
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    ledger_run_event(run, EVENT_RETURN_DECLINED, "{}");
    ledger_return_expect(run, CAME "declined: quarantine_stock -200, cost_of_goods_sold +200\n");
    assert_int_equal(ledger_run_try(run, EVENT_RETURN_APPROVED, "{}"), ERR_CONFLICT);
}

static void declined_return_without_lines_books_nothing(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED,
                     "{" HEAD ",\"decision\":\"declined\",\"lines\":[]}");
    ledger_return_expect(run, "");
}

static void pending_check_is_owed_once_it_passed(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted_pending_check", "received"));
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    ledger_return_expect(run, CAME);
    assert_int_equal(
        ledger_run_apply(run, "/centre", 1, 9, EVENT_RETURN_CHECKED, "{\"result\":\"passed\"}"),
        ERR_OK);
    ledger_return_expect(run, CAME ACCEPTED);
}

static void failed_check_takes_everything_back(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "received"));
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    assert_int_equal(
        ledger_run_apply(run, "/centre", 1, 9, EVENT_RETURN_CHECKED, "{\"result\":\"failed\"}"),
        ERR_OK);
    ledger_return_expect(run, ACCEPTED CAME
                         "check_failed: returns -280, tax DE 19 -53, refunds_payable +333, "
                         "quarantine_stock -200, cost_of_goods_sold +200\n");
}

static void money_paid_before_a_failed_check_goes_to_suspense(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "none"));
    ledger_run_event(run, EVENT_REFUND_ISSUED, ISSUED);
    assert_int_equal(
        ledger_run_apply(run, "/centre", 1, 9, EVENT_RETURN_CHECKED, "{\"result\":\"failed\"}"),
        ERR_OK);
    ledger_return_expect(run, ACCEPTED PAID
                         "check_failed: returns -280, tax DE 19 -53, refunds_payable +333\n"
                         "refund_unsupported: suspense +333, refunds_payable -333\n");
    assert_int_equal(position_balance(&run->position, "refunds_payable"), 0);
    assert_int_equal(position_balance(&run->position, "tax"), 0);
}

static void void_takes_back_exactly_what_was_booked(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "received"));
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED,
                     "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"restock\"}]}");
    ledger_run_event(run, EVENT_RETURN_VOIDED, "{}");
    ledger_return_expect(run,
                         ACCEPTED CAME "restocked: stock +200, quarantine_stock -200\n"
                                       "voided: returns -280, tax DE 19 -53, refunds_payable +333, "
                                       "cost_of_goods_sold +200, stock -200\n");
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    assert_int_equal(run->position.entry_count, 4);
}

static void refund_that_raced_a_void_goes_to_suspense_until_it_fails(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "none"));
    ledger_run_event(run, EVENT_RETURN_VOIDED, "{}");
    ledger_run_event(run, EVENT_REFUND_ISSUED, ISSUED);
    assert_int_equal(position_balance(&run->position, "suspense"), 333);
    ledger_run_event(run, EVENT_REFUND_FAILED, "{\"tender\":1}");
    assert_int_equal(position_balance(&run->position, "suspense"), 0);
    assert_int_equal(position_balance(&run->position, "refunds_payable"), 0);
    assert_int_equal(position_balance(&run->position, "tender"), 0);
}

static void conflict_known_before_the_return_reverses_no_tax(void **state)
{
    struct ledger_run *run = *state;
    assert_int_equal(ledger_run_apply(run, "/centre", 1, 9, EVENT_RETURN_CONFLICTED,
                                      "{\"lines\":[{\"line\":1,\"quantity\":1}]}"),
                     ERR_OK);
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "received"));
    ledger_return_expect(run, "accepted: refunds_payable -333, suspense +333\n");
}

static void conflict_found_later_gives_the_tax_back(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "received"));
    ledger_run_event(run, EVENT_REFUND_ISSUED, ISSUED);
    assert_int_equal(ledger_run_apply(run, "/centre", 1, 9, EVENT_RETURN_CONFLICTED,
                                      "{\"lines\":[{\"line\":1,\"quantity\":1}]}"),
                     ERR_OK);
    ledger_return_expect(run,
                         ACCEPTED PAID "over_return: suspense +333, returns -280, tax DE 19 -53\n");
}

static void conflict_over_one_of_three_pieces_gives_the_last_ones_share_back(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run,
                         "{\"line\":1,\"quantity\":3,\"net\":840,\"tax\":[{\"jurisdiction\":\"DE\","
                         "\"rate\":\"19\",\"amount\":160}],\"gross\":1000,\"fee\":{\"amount\":0,"
                         "\"tax\":0}}",
                         "");
    assert_int_equal(ledger_run_apply(run, "/centre", 1, 9, EVENT_RETURN_CONFLICTED,
                                      "{\"lines\":[{\"line\":1,\"quantity\":1}]}"),
                     ERR_OK);
    ledger_return_expect(run, "accepted: returns +840, tax DE 19 +160, refunds_payable -1000\n"
                              "over_return: suspense +333, returns -280, tax DE 19 -53\n");
}

static void account_is_that_of_the_country_where_it_was_returned(void **state)
{
    static const struct {
        const char *country;
        const char *account;
    } cases[] = {{"\"country\":\"AT\",", "4110"}, {"\"country\":\"FR\",", "4100"}, {"", "4120"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ledger_run run;
        char data[1024];
        ledger_run_make_with(&run,
                             "{\"version\":1,\"companies\":[{\"company\":\"main\",\"country\":"
                             "\"DE\",\"accounts\":[{\"role\":\"returns\",\"account\":\"4100\"},"
                             "{\"role\":\"returns\",\"country\":\"AT\",\"account\":\"4110\"},"
                             "{\"role\":\"returns\",\"country\":\"DE\",\"account\":\"4120\"},"
                             "{\"role\":\"tax\",\"account\":\"2200\"},"
                             "{\"role\":\"refunds_payable\",\"account\":\"2100\"}]}]}");
        (void)snprintf(data, sizeof data,
                       "{%s" HEAD ",\"decision\":\"accepted\",\"goods\":\"none\",\"lines\":[" SOCKS
                       "]}",
                       cases[i].country);
        ledger_run_event(&run, EVENT_RETURN_CREATED, data);
        assert_string_equal(run.position.entries[0].lines[0].key.role, "returns");
        assert_string_equal(run.position.entries[0].lines[0].account, cases[i].account);
        ledger_run_free(&run);
    }
}

static void rebased_amount_of_one_cent_goes_to_suspense(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "expected"));
    assert_int_equal(
        ledger_run_apply(run, "/centre", 1, 9, EVENT_RETURN_CONFLICTED,
                         "{\"lines\":[{\"line\":1,\"quantity\":0,\"net\":1,\"tax\":[{"
                         "\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":0}],\"gross\":1}]}"),
        ERR_OK);
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    ledger_return_expect(
        run, CAME "accepted: returns +279, tax DE 19 +53, refunds_payable -333, suspense +1\n");
}

static void adjusted_tax_comes_off_returns(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, SOCKS, "");
    ledger_run_event(run, EVENT_TAX_ADJUSTED,
                     "{\"tax\":[{\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":-3}]}");
    ledger_return_expect(run, ACCEPTED "tax_adjusted: tax DE 19 -3, returns +3\n");
}

static void two_lines_of_one_number_are_filled_in_order(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED,
                     "{" HEAD ",\"decision\":\"accepted\",\"lines\":["
                     "{\"line\":1,\"quantity\":1,\"net\":100,\"tax\":[],\"gross\":100},"
                     "{\"line\":1,\"quantity\":2,\"net\":200,\"tax\":[],\"gross\":200}]}");
    ledger_run_event(run, EVENT_ITEM_RECEIVED, "{\"lines\":[{\"line\":1,\"quantity\":2}]}");
    ledger_return_expect(run, "accepted: returns +200, refunds_payable -200\n");
}

static void duplicate_gives_no_entry_and_gap_is_held(void **state)
{
    struct ledger_run *run = *state;
    const char *store = "/store/0042/device/a";
    assert_int_equal(ledger_run_apply(run, store, 2, 2, EVENT_REFUND_ISSUED, ISSUED), ERR_BUSY);
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "none"));
    assert_int_equal(
        ledger_run_apply(run, store, 1, 1, EVENT_RETURN_CREATED, CREATED("accepted", "none")),
        ERR_OK);
    assert_int_equal(ledger_run_apply(run, store, 3, 3, EVENT_REFUND_FAILED, "{\"tender\":1}"),
                     ERR_BUSY);
    ledger_return_expect(run, ACCEPTED);
}

static void event_of_a_second_creation_is_a_conflict(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "none"));
    assert_int_equal(
        ledger_run_apply(run, "/portal", 1, 9, EVENT_RETURN_CREATED, CREATED("accepted", "none")),
        ERR_CONFLICT);
}

static void missing_account_names_role_and_tender(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, SOCKS, "");
    assert_int_equal(ledger_run_try(run, EVENT_REFUND_ISSUED,
                                    "{\"tender\":1,\"type\":\"pebbles\",\"amount\":333}"),
                     ERR_NOT_FOUND);
    assert_non_null(strstr(run->fault.text, "\"tender\""));
    assert_non_null(strstr(run->fault.text, "\"pebbles\""));
    assert_int_equal(run->position.entry_count, 1);
}

static void paid_must_be_amount_plus_rounding(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, SOCKS, "");
    assert_int_equal(ledger_run_try(run, EVENT_REFUND_ISSUED,
                                    "{\"tender\":1,\"type\":\"cash\",\"amount\":333,"
                                    "\"rounding\":2,\"paid\":333}"),
                     ERR_INVALID);
    assert_string_equal(run->fault.where, "paid");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ledger_return_make, ledger_return_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(return_in_hand_is_owed_at_once_and_cleared_by_its_refund),
        TEST(every_entry_names_return_event_and_rule),
        TEST(business_date_is_the_document_day),
        TEST(expected_goods_are_owed_when_they_are_received),
        TEST(goods_kept_by_the_customer_are_owed_at_once_and_cost_nothing),
        TEST(three_received_one_by_one_are_owed_333_334_333),
        TEST(debt_says_which_pieces_it_is_for),
        TEST(taxed_restocking_fee_leaves_10115),
        TEST(untaxed_restocking_fee_leaves_10400),
        TEST(needs_manager_is_owed_once_approved),
        TEST(declined_by_the_manager_gives_the_goods_back),
        TEST(declined_return_without_lines_books_nothing),
        TEST(pending_check_is_owed_once_it_passed),
        TEST(failed_check_takes_everything_back),
        TEST(money_paid_before_a_failed_check_goes_to_suspense),
        TEST(void_takes_back_exactly_what_was_booked),
        TEST(refund_that_raced_a_void_goes_to_suspense_until_it_fails),
        TEST(conflict_known_before_the_return_reverses_no_tax),
        TEST(conflict_found_later_gives_the_tax_back),
        TEST(conflict_over_one_of_three_pieces_gives_the_last_ones_share_back),
        TEST(account_is_that_of_the_country_where_it_was_returned),
        TEST(rebased_amount_of_one_cent_goes_to_suspense),
        TEST(adjusted_tax_comes_off_returns),
        TEST(two_lines_of_one_number_are_filled_in_order),
        TEST(duplicate_gives_no_entry_and_gap_is_held),
        TEST(event_of_a_second_creation_is_a_conflict),
        TEST(missing_account_names_role_and_tender),
        TEST(paid_must_be_amount_plus_rounding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
