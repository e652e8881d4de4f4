/* What each event of a return means in the books, with the worked numbers. */
#include "tests/support/ledger_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SOCKS                                                                                      \
    "{\"line\":1,\"quantity\":1,\"net\":280,\"tax\":[{\"jurisdiction\":\"DE\",\"rate\":\"19\","    \
    "\"amount\":53}],\"gross\":333,\"fee\":{\"amount\":0,\"tax\":0},\"cost\":200}"
#define HEAD "\"number\":\"R1\",\"store\":\"0042\",\"currency\":\"EUR\""
#define CREATED(decision, goods)                                                                   \
    "{" HEAD ",\"decision\":\"" decision "\",\"goods\":\"" goods "\",\"lines\":[" SOCKS "],"       \
    "\"refund\":{\"currency\":\"EUR\",\"total\":333,\"tenders\":[{\"tender\":1,\"type\":\"card\"," \
    "\"amount\":333,\"executor\":\"terminal\"}]}}"
#define RECEIVED "{\"lines\":[{\"line\":1,\"quantity\":1,\"condition\":\"open_box\"}]}"
#define ISSUED "{\"tender\":1,\"type\":\"card\",\"amount\":333}"
#define ACCEPTED "accepted: returns +280, tax DE 19 +53, refunds_payable -333\n"
#define CAME "goods_received: quarantine_stock +200, cost_of_goods_sold -200\n"
#define PAID "refund_issued: refunds_payable +333, tender card -333\n"

static int make(void **state)
{
    static struct ledger_run run;
    ledger_run_make(&run);
    *state = &run;
    return 0;
}

static int drop(void **state)
{
    ledger_run_free(*state);
    return 0;
}

static void expect_journal(struct ledger_run *run, const char *journal)
{
    assert_string_equal(ledger_run_journal(run), journal);
}

/* Debits less credits of a role over the whole journal. */
static int64_t balance(const struct ledger_run *run, const char *role)
{
    return position_balance(&run->position, role);
}

/* A return in hand of one line, given as JSON, accepted and received. */
static void accept_line(struct ledger_run *run, const char *line, const char *more)
{
    struct buf data;
    buf_init(&data, 4096);
    buf_printf(&data,
               "{" HEAD ",\"decision\":\"accepted\",\"goods\":\"received\",\"lines\":[%s]%s}", line,
               more);
    ledger_run_event(run, EVENT_RETURN_CREATED, data.data);
    buf_free(&data);
}

static void return_in_hand_is_owed_at_once_and_cleared_by_its_refund(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "received"));
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    ledger_run_event(run, EVENT_REFUND_ISSUED, ISSUED);
    ledger_run_event(run, EVENT_RETURN_COMPLETED, "{}");
    expect_journal(run, ACCEPTED CAME PAID);
    assert_int_equal(balance(run, "refunds_payable"), 0);
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
    accept_line(run, SOCKS, ",\"business_date\":\"2026-10-31\"");
    char day[DAY_TEXT + 1];
    day_format(run->position.entries[0].document_day, day);
    assert_string_equal(day, "2026-10-31");
}

static void expected_goods_are_owed_when_they_are_received(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "expected"));
    expect_journal(run, "");
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    expect_journal(run, CAME ACCEPTED);
}

static void goods_kept_by_the_customer_are_owed_at_once_and_cost_nothing(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "none"));
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED,
                     "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"destroy\"}]}");
    expect_journal(run, ACCEPTED);
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
    expect_journal(run, "accepted: returns +280, tax DE 19 +53, refunds_payable -333\n"
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
    accept_line(run,
                "{\"line\":1,\"quantity\":1,\"net\":10000,\"tax\":[{\"jurisdiction\":\"DE\","
                "\"rate\":\"19\",\"amount\":1900}],\"gross\":11900,"
                "\"fee\":{\"amount\":1785,\"tax\":285}}",
                "");
    expect_journal(
        run, "accepted: returns +10000, tax DE 19 +1900, fee_income -1500, fee_tax DE 19 -285, "
             "refunds_payable -10115\n");
}

static void untaxed_restocking_fee_leaves_10400(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run,
                "{\"line\":1,\"quantity\":1,\"net\":10000,\"tax\":[{\"jurisdiction\":\"DE\","
                "\"rate\":\"19\",\"amount\":1900}],\"gross\":11900,"
                "\"fee\":{\"amount\":1500,\"tax\":0}}",
                "");
    expect_journal(run, "accepted: returns +10000, tax DE 19 +1900, fee_income -1500, "
                        "refunds_payable -10400\n");
}

static void needs_manager_is_owed_once_approved(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("needs_manager", "received"));
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    expect_journal(run, CAME);
    ledger_run_event(run, EVENT_RETURN_APPROVED, "{}");
    expect_journal(run, CAME ACCEPTED);
}

static void declined_by_the_manager_gives_the_goods_back(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("needs_manager", "received"));
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    ledger_run_event(run, EVENT_RETURN_DECLINED, "{}");
    expect_journal(run, CAME "declined: quarantine_stock -200, cost_of_goods_sold +200\n");
    assert_int_equal(ledger_run_try(run, EVENT_RETURN_APPROVED, "{}"), ERR_CONFLICT);
}

static void declined_return_without_lines_books_nothing(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED,
                     "{" HEAD ",\"decision\":\"declined\",\"lines\":[]}");
    expect_journal(run, "");
}

static void pending_check_is_owed_once_it_passed(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted_pending_check", "received"));
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    expect_journal(run, CAME);
    assert_int_equal(
        ledger_run_apply(run, "/centre", 1, 9, EVENT_RETURN_CHECKED, "{\"result\":\"passed\"}"),
        ERR_OK);
    expect_journal(run, CAME ACCEPTED);
}

static void failed_check_takes_everything_back(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "received"));
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    assert_int_equal(
        ledger_run_apply(run, "/centre", 1, 9, EVENT_RETURN_CHECKED, "{\"result\":\"failed\"}"),
        ERR_OK);
    expect_journal(run,
                   ACCEPTED CAME "check_failed: returns -280, tax DE 19 -53, refunds_payable +333, "
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
    expect_journal(run,
                   ACCEPTED PAID "check_failed: returns -280, tax DE 19 -53, refunds_payable +333\n"
                                 "refund_unsupported: suspense +333, refunds_payable -333\n");
    assert_int_equal(balance(run, "refunds_payable"), 0);
    assert_int_equal(balance(run, "tax"), 0);
}

static void void_takes_back_exactly_what_was_booked(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "received"));
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED,
                     "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"restock\"}]}");
    ledger_run_event(run, EVENT_RETURN_VOIDED, "{}");
    expect_journal(run, ACCEPTED CAME "restocked: stock +200, quarantine_stock -200\n"
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
    assert_int_equal(balance(run, "suspense"), 333);
    ledger_run_event(run, EVENT_REFUND_FAILED, "{\"tender\":1}");
    assert_int_equal(balance(run, "suspense"), 0);
    assert_int_equal(balance(run, "refunds_payable"), 0);
    assert_int_equal(balance(run, "tender"), 0);
}

static void one_restocked_one_liquidated_at_1500_one_destroyed(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run,
                "{\"line\":1,\"quantity\":3,\"net\":30000,\"tax\":[],\"gross\":30000,"
                "\"cost\":12000}",
                "");
    ledger_run_event(run, EVENT_ITEM_RECEIVED, "{\"lines\":[{\"line\":1,\"quantity\":3}]}");
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED,
                     "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"restock\"},"
                     "{\"line\":1,\"quantity\":1,\"disposition\":\"liquidate\",\"nrv\":1500},"
                     "{\"line\":1,\"quantity\":1,\"disposition\":\"destroy\"}]}");
    expect_journal(run, "accepted: returns +30000, refunds_payable -30000\n"
                        "goods_received: quarantine_stock +12000, cost_of_goods_sold -12000\n"
                        "restocked: stock +4000, quarantine_stock -4000\n"
                        "liquidated: liquidation_stock +1500, write_down +2500, "
                        "quarantine_stock -4000\n"
                        "written_off: write_off +4000, quarantine_stock -4000\n");
}

static void net_realisable_value_above_cost_counts_as_cost(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run, SOCKS, "");
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED,
                     "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"liquidate\","
                     "\"nrv\":900}]}");
    expect_journal(run,
                   ACCEPTED CAME "liquidated: liquidation_stock +200, quarantine_stock -200\n");
}

static void every_other_disposition_has_its_account(void **state)
{
    static const struct {
        const char *disposition;
        const char *journal;
    } cases[] = {
        {"repair", "sent_to_repair: repair_stock +200, quarantine_stock -200\n"},
        {"return_to_supplier", "returned_to_supplier: supplier_receivable +200, "
                               "quarantine_stock -200\n"},
        {"return_to_manufacturer", "returned_to_supplier: supplier_receivable +200, "
                                   "quarantine_stock -200\n"},
        {"donate", "donated: donations +200, quarantine_stock -200\n"},
        {"write_off", "written_off: write_off +200, quarantine_stock -200\n"},
        {"quarantine", ""},
        {"undecided", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ledger_run run;
        struct buf text;
        buf_init(&text, 1024);
        ledger_run_make(&run);
        accept_line(&run, SOCKS, "");
        ledger_run_event(&run, EVENT_ITEM_RECEIVED, RECEIVED);
        buf_printf(&text, "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"%s\"}]}",
                   cases[i].disposition);
        ledger_run_event(&run, EVENT_ITEM_DISPOSITIONED, text.data);
        buf_reset(&text);
        buf_printf(&text, ACCEPTED CAME "%s", cases[i].journal);
        expect_journal(&run, text.data);
        buf_free(&text);
        ledger_run_free(&run);
    }
}

static void repaired_goods_leave_repair_for_the_shelf(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run, SOCKS, "");
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED,
                     "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"repair\"}]}");
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED,
                     "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"restock\","
                     "\"from\":\"repair\"}]}");
    assert_int_equal(balance(run, "repair_stock"), 0);
    assert_int_equal(balance(run, "quarantine_stock"), 0);
    assert_int_equal(balance(run, "stock"), 200);
}

static void restocked_is_booked_once_whichever_event_says_it_first(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run, "{\"line\":1,\"quantity\":3,\"net\":1,\"tax\":[],\"gross\":1,\"cost\":1000}",
                "");
    ledger_run_event(run, EVENT_ITEM_RECEIVED, "{\"lines\":[{\"line\":1,\"quantity\":3}]}");
    ledger_run_event(run, EVENT_INVENTORY_RESTOCKED, RECEIVED);
    assert_int_equal(balance(run, "stock"), 333);
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED,
                     "{\"lines\":[{\"line\":1,\"quantity\":3,\"disposition\":\"restock\"}]}");
    assert_int_equal(balance(run, "stock"), 1000);
    ledger_run_event(run, EVENT_INVENTORY_RESTOCKED, "{\"lines\":[{\"line\":1,\"quantity\":2}]}");
    assert_int_equal(balance(run, "stock"), 1000);
    assert_int_equal(balance(run, "quarantine_stock"), 0);
}

static void wrong_goods_reverse_no_cost(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run, SOCKS, "");
    ledger_run_event(run, EVENT_ITEM_RECEIVED,
                     "{\"lines\":[{\"line\":1,\"quantity\":1,\"condition\":\"wrong_goods\"}]}");
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED,
                     "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"destroy\"}]}");
    expect_journal(run, ACCEPTED);
}

static void more_received_than_returned_is_refused_and_leaves_no_trace(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run, SOCKS, "");
    assert_int_equal(
        ledger_run_try(run, EVENT_ITEM_RECEIVED, "{\"lines\":[{\"line\":1,\"quantity\":2}]}"),
        ERR_REFUSED);
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    expect_journal(run, ACCEPTED CAME);
}

static void goods_of_another_source_are_waited_for(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "expected"));
    assert_int_equal(
        ledger_run_try(run, EVENT_ITEM_DISPOSITIONED,
                       "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"restock\"}]}"),
        ERR_BUSY);
}

static void cash_rounding_stays_out_of_the_entitlement(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run, SOCKS, "");
    ledger_run_event(run, EVENT_REFUND_ISSUED,
                     "{\"tender\":1,\"type\":\"cash\",\"amount\":333,\"rounding\":2}");
    expect_journal(run, ACCEPTED
                   "refund_issued: refunds_payable +333, cash_rounding +2, tender cash -335\n");
}

static void rounding_tender_of_50_is_reversed_and_700_paid(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run, "{\"line\":1,\"quantity\":1,\"net\":750,\"tax\":[],\"gross\":750}",
                ",\"refund\":{\"tenders\":[{\"tender\":1,\"type\":\"rounding\",\"amount\":50},"
                "{\"tender\":2,\"type\":\"cash\",\"amount\":700}]}");
    ledger_run_event(run, EVENT_REFUND_ISSUED, "{\"tender\":2,\"type\":\"cash\",\"amount\":700}");
    expect_journal(run, "accepted: returns +750, refunds_payable -750\n"
                        "rounding_reversed: refunds_payable +50, cash_rounding -50\n"
                        "refund_issued: refunds_payable +700, tender cash -700\n");
}

static void failed_refund_is_owed_again(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run, SOCKS, "");
    ledger_run_event(run, EVENT_REFUND_ISSUED,
                     "{\"tender\":1,\"type\":\"card\",\"amount\":333,\"refund\":\"a\"}");
    ledger_run_event(run, EVENT_REFUND_FAILED, "{\"tender\":1,\"refund\":\"a\"}");
    ledger_run_event(run, EVENT_REFUND_FAILED, "{\"tender\":1,\"refund\":\"a\"}");
    ledger_run_event(run, EVENT_REFUND_ISSUED,
                     "{\"tender\":1,\"type\":\"card\",\"amount\":333,\"refund\":\"b\"}");
    expect_journal(run,
                   ACCEPTED PAID "refund_failed: refunds_payable -333, tender card +333\n" PAID);
}

static void refund_to_a_new_tender_fails_by_its_place_in_the_plan(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run, SOCKS, "");
    ledger_run_event(run, EVENT_REFUND_ISSUED,
                     "{\"position\":0,\"tender\":0,\"type\":\"gift_card\",\"amount\":300}");
    ledger_run_event(run, EVENT_REFUND_ISSUED,
                     "{\"position\":1,\"tender\":0,\"type\":\"voucher\",\"amount\":33}");
    ledger_run_event(run, EVENT_REFUND_FAILED, "{\"position\":2,\"tender\":0}");
    assert_int_equal(balance(run, "refunds_payable"), 0);
    ledger_run_event(run, EVENT_REFUND_FAILED, "{\"position\":0,\"tender\":0}");
    assert_int_equal(balance(run, "refunds_payable"), -300);
}

static void settled_refund_can_not_fail(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run, SOCKS, "");
    ledger_run_event(run, EVENT_REFUND_ISSUED, ISSUED);
    ledger_run_event(run, EVENT_REFUND_SETTLED, "{\"type\":\"card\",\"amount\":333}");
    assert_int_equal(ledger_run_try(run, EVENT_REFUND_FAILED, "{\"tender\":1}"), ERR_REFUSED);
}

static void settled_refund_that_came_back_is_owed_again(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run, SOCKS, "");
    ledger_run_event(run, EVENT_REFUND_ISSUED, ISSUED);
    ledger_run_event(run, EVENT_REFUND_SETTLED, "{\"type\":\"card\",\"amount\":333,\"fee\":10}");
    ledger_run_event(run, EVENT_REFUND_SETTLED,
                     "{\"type\":\"card\",\"amount\":333,\"kind\":\"reversed\"}");
    ledger_run_event(run, EVENT_REFUND_FAILED, "{\"tender\":1}");
    assert_int_equal(balance(run, "bank"), -10);
    assert_int_equal(balance(run, "tender"), 0);
    assert_int_equal(balance(run, "refunds_payable"), -333);
}

static void what_is_never_settled_is_written_off_to_the_last_cent(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run, SOCKS, "");
    ledger_run_event(run, EVENT_REFUND_ISSUED, ISSUED);
    ledger_run_event(run, EVENT_REFUND_SETTLED, "{\"type\":\"card\",\"amount\":350}");
    ledger_run_event(run, EVENT_REFUND_SETTLED,
                     "{\"type\":\"card\",\"amount\":-17,\"kind\":\"written_off\"}");
    assert_int_equal(balance(run, "tender"), 0);
    assert_int_equal(balance(run, "settlement_difference"), 17);
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
    expect_journal(run, "accepted: returns +2881, tax GB 20 +576, refunds_payable -3457\n"
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
    expect_journal(run, "accepted: returns +1916, refunds_payable -1916\n"
                        "refund_issued: refunds_payable +637, fx_gain -4, tender card -633\n"
                        "refund_issued: refunds_payable +1279, fx_gain -10, tender cash -1269\n");
}

static void even_exchange_moves_tax_of_202(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run,
                "{\"line\":1,\"quantity\":1,\"net\":2000,\"tax\":[{\"jurisdiction\":\"DE\","
                "\"rate\":\"7\",\"amount\":140}],\"gross\":2140}",
                "");
    ledger_run_event(run, EVENT_EXCHANGE_LINKED,
                     "{\"applied\":2140,\"sale\":{\"receipt\":\"S2\",\"net\":1798,"
                     "\"tax\":[{\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":342}],"
                     "\"gross\":2140}}");
    expect_journal(run, "accepted: returns +2000, tax DE 7 +140, refunds_payable -2140\n"
                        "exchanged: refunds_payable +2140, exchange_sales -1798, "
                        "tax DE 19 -342\n");
    assert_int_equal(balance(run, "tax"), -202);
    assert_int_equal(balance(run, "refunds_payable"), 0);
}

static void exchange_for_less_pays_the_rest(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run, "{\"line\":1,\"quantity\":1,\"net\":2140,\"tax\":[],\"gross\":2140}", "");
    ledger_run_event(run, EVENT_EXCHANGE_LINKED,
                     "{\"applied\":1190,\"sale\":{\"net\":1000,\"tax\":[{\"jurisdiction\":\"DE\","
                     "\"rate\":\"19\",\"amount\":190}],\"gross\":1190}}");
    ledger_run_event(run, EVENT_REFUND_ISSUED, "{\"tender\":1,\"type\":\"card\",\"amount\":950}");
    assert_int_equal(balance(run, "refunds_payable"), 0);
    assert_int_equal(balance(run, "tax"), -190);
}

static void marketplace_gives_back_5359_of_commission(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run,
                "{\"line\":1,\"quantity\":1,\"net\":34500,\"tax\":[],\"gross\":34500},"
                "{\"line\":2,\"quantity\":1,\"net\":5700,\"tax\":[],\"gross\":5700}",
                ",\"marketplace\":{\"name\":\"bazaar\",\"tax_collected_by\":\"marketplace\"}");
    ledger_run_event(run, EVENT_COMMISSION_REVERSED,
                     "{\"amount\":5359,\"lines\":["
                     "{\"line\":1,\"fee\":5175,\"kept\":500,\"amount\":4675},"
                     "{\"line\":2,\"fee\":855,\"kept\":171,\"amount\":684}]}");
    expect_journal(run, "accepted: returns +40200, refunds_payable -40200\n"
                        "commission_reversed: marketplace_receivable +5359, "
                        "commission_expense -5359\n");
}

static void tax_that_the_marketplace_collected_is_not_reversed(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run, SOCKS,
                ",\"marketplace\":{\"name\":\"bazaar\",\"tax_collected_by\":\"marketplace\"}");
    ledger_run_event(run, EVENT_REFUND_ISSUED,
                     "{\"tender\":1,\"type\":\"online_payment\",\"amount\":333}");
    expect_journal(run, "accepted: returns +280, refunds_payable -280\n"
                        "marketplace_refunded: refunds_payable +280, "
                        "marketplace_receivable -280\n");
}

static void settlement_pays_out_3115(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run, "{\"line\":1,\"quantity\":1,\"net\":5000,\"tax\":[],\"gross\":5000}", "");
    ledger_run_event(run, EVENT_REFUND_ISSUED, "{\"tender\":1,\"type\":\"card\",\"amount\":5000}");
    ledger_run_event(run, EVENT_RETURN_DISPUTED,
                     "{\"stage\":\"opened\",\"amount\":3000,\"fee\":750}");
    ledger_run_event(run, EVENT_REFUND_SETTLED,
                     "{\"type\":\"card\",\"kind\":\"sale\",\"amount\":11900,\"fee\":25}");
    ledger_run_event(run, EVENT_REFUND_SETTLED, "{\"type\":\"card\",\"amount\":5000,\"fee\":10}");
    ledger_run_event(run, EVENT_REFUND_SETTLED,
                     "{\"type\":\"card\",\"kind\":\"chargeback\",\"amount\":3750}");
    expect_journal(run, "accepted: returns +5000, refunds_payable -5000\n"
                        "refund_issued: refunds_payable +5000, tender card -5000\n"
                        "chargeback_opened: disputed +3000, tender card -3000\n"
                        "chargeback_fee: payment_fees +750, tender card -750\n"
                        "sale_settled: bank +11875, payment_fees +25, tender card -11900\n"
                        "refund_settled: tender card +5000, payment_fees +10, bank -5010\n"
                        "chargeback_settled: tender card +3750, bank -3750\n");
    assert_int_equal(balance(run, "bank"), 3115);
    /* The sale's own 11900 came to the clearing account where the sale was booked. */
    assert_int_equal(balance(run, "tender") + 11900, 0);
}

static void dispute_is_lost_or_won_for_what_was_disputed(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run, SOCKS, "");
    ledger_run_event(run, EVENT_RETURN_DISPUTED, "{\"stage\":\"opened\",\"amount\":3000}");
    ledger_run_event(run, EVENT_RETURN_DISPUTED, "{\"stage\":\"lost\",\"amount\":1000}");
    ledger_run_event(run, EVENT_RETURN_DISPUTED, "{\"stage\":\"won\"}");
    ledger_run_event(run, EVENT_RETURN_DISPUTED, "{\"stage\":\"fee\",\"fee\":750}");
    expect_journal(run, ACCEPTED "chargeback_opened: disputed +3000, tender card -3000\n"
                                 "chargeback_lost: dispute_loss +1000, disputed -1000\n"
                                 "chargeback_won: tender card +2000, disputed -2000\n"
                                 "chargeback_fee: payment_fees +750, tender card -750\n");
    assert_int_equal(ledger_run_try(run, EVENT_RETURN_DISPUTED, "{\"stage\":\"lost\"}"),
                     ERR_REFUSED);
}

static void no_more_is_lost_than_was_disputed(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run, SOCKS, "");
    ledger_run_event(run, EVENT_RETURN_DISPUTED, "{\"stage\":\"opened\",\"amount\":200}");
    ledger_run_event(run, EVENT_RETURN_DISPUTED, "{\"stage\":\"lost\",\"amount\":333}");
    assert_int_equal(balance(run, "disputed"), 0);
    assert_int_equal(balance(run, "dispute_loss"), 200);
}

static void conflict_known_before_the_return_reverses_no_tax(void **state)
{
    struct ledger_run *run = *state;
    assert_int_equal(ledger_run_apply(run, "/centre", 1, 9, EVENT_RETURN_CONFLICTED,
                                      "{\"lines\":[{\"line\":1,\"quantity\":1}]}"),
                     ERR_OK);
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "received"));
    expect_journal(run, "accepted: refunds_payable -333, suspense +333\n");
}

static void conflict_found_later_gives_the_tax_back(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED, CREATED("accepted", "received"));
    ledger_run_event(run, EVENT_REFUND_ISSUED, ISSUED);
    assert_int_equal(ledger_run_apply(run, "/centre", 1, 9, EVENT_RETURN_CONFLICTED,
                                      "{\"lines\":[{\"line\":1,\"quantity\":1}]}"),
                     ERR_OK);
    expect_journal(run, ACCEPTED PAID "over_return: suspense +333, returns -280, tax DE 19 -53\n");
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
    expect_journal(run, CAME
                   "accepted: returns +279, tax DE 19 +53, refunds_payable -333, suspense +1\n");
}

static void adjusted_tax_comes_off_returns(void **state)
{
    struct ledger_run *run = *state;
    accept_line(run, SOCKS, "");
    ledger_run_event(run, EVENT_TAX_ADJUSTED,
                     "{\"tax\":[{\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":-3}]}");
    expect_journal(run, ACCEPTED "tax_adjusted: tax DE 19 -3, returns +3\n");
}

static void two_lines_of_one_number_are_filled_in_order(void **state)
{
    struct ledger_run *run = *state;
    ledger_run_event(run, EVENT_RETURN_CREATED,
                     "{" HEAD ",\"decision\":\"accepted\",\"lines\":["
                     "{\"line\":1,\"quantity\":1,\"net\":100,\"tax\":[],\"gross\":100},"
                     "{\"line\":1,\"quantity\":2,\"net\":200,\"tax\":[],\"gross\":200}]}");
    ledger_run_event(run, EVENT_ITEM_RECEIVED, "{\"lines\":[{\"line\":1,\"quantity\":2}]}");
    expect_journal(run, "accepted: returns +200, refunds_payable -200\n");
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
    expect_journal(run, ACCEPTED);
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
    accept_line(run, SOCKS, "");
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
    accept_line(run, SOCKS, "");
    assert_int_equal(ledger_run_try(run, EVENT_REFUND_ISSUED,
                                    "{\"tender\":1,\"type\":\"cash\",\"amount\":333,"
                                    "\"rounding\":2,\"paid\":333}"),
                     ERR_INVALID);
    assert_string_equal(run->fault.where, "paid");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

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
        TEST(one_restocked_one_liquidated_at_1500_one_destroyed),
        TEST(net_realisable_value_above_cost_counts_as_cost),
        TEST(every_other_disposition_has_its_account),
        TEST(repaired_goods_leave_repair_for_the_shelf),
        TEST(restocked_is_booked_once_whichever_event_says_it_first),
        TEST(wrong_goods_reverse_no_cost),
        TEST(more_received_than_returned_is_refused_and_leaves_no_trace),
        TEST(goods_of_another_source_are_waited_for),
        TEST(cash_rounding_stays_out_of_the_entitlement),
        TEST(rounding_tender_of_50_is_reversed_and_700_paid),
        TEST(failed_refund_is_owed_again),
        TEST(refund_to_a_new_tender_fails_by_its_place_in_the_plan),
        TEST(settled_refund_can_not_fail),
        TEST(settled_refund_that_came_back_is_owed_again),
        TEST(what_is_never_settled_is_written_off_to_the_last_cent),
        TEST(refund_in_another_currency_loses_65),
        TEST(refund_in_two_parts_at_a_better_rate_gains_and_clears_to_the_cent),
        TEST(even_exchange_moves_tax_of_202),
        TEST(exchange_for_less_pays_the_rest),
        TEST(marketplace_gives_back_5359_of_commission),
        TEST(tax_that_the_marketplace_collected_is_not_reversed),
        TEST(settlement_pays_out_3115),
        TEST(dispute_is_lost_or_won_for_what_was_disputed),
        TEST(no_more_is_lost_than_was_disputed),
        TEST(conflict_known_before_the_return_reverses_no_tax),
        TEST(conflict_found_later_gives_the_tax_back),
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
