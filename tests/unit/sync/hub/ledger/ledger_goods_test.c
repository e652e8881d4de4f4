/* What happens to the goods of a return in the books: received, restocked, given away, written off.
 */
#include "tests/support/ledger_return.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void one_restocked_one_liquidated_at_1500_one_destroyed(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run,
                         "{\"line\":1,\"quantity\":3,\"net\":30000,\"tax\":[],\"gross\":30000,"
                         "\"cost\":12000}",
                         "");
    ledger_run_event(run, EVENT_ITEM_RECEIVED, "{\"lines\":[{\"line\":1,\"quantity\":3}]}");
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED,
                     "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"restock\"},"
                     "{\"line\":1,\"quantity\":1,\"disposition\":\"liquidate\",\"nrv\":1500},"
                     "{\"line\":1,\"quantity\":1,\"disposition\":\"destroy\"}]}");
    ledger_return_expect(run, "accepted: returns +30000, refunds_payable -30000\n"
                              "goods_received: quarantine_stock +12000, cost_of_goods_sold -12000\n"
                              "restocked: stock +4000, quarantine_stock -4000\n"
                              "liquidated: liquidation_stock +1500, write_down +2500, "
                              "quarantine_stock -4000\n"
                              "written_off: write_off +4000, quarantine_stock -4000\n");
}

static void net_realisable_value_above_cost_counts_as_cost(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, SOCKS, "");
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED,
                     "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"liquidate\","
                     "\"nrv\":900}]}");
    ledger_return_expect(run, ACCEPTED CAME
                         "liquidated: liquidation_stock +200, quarantine_stock -200\n");
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
        ledger_return_accept(&run, SOCKS, "");
        ledger_run_event(&run, EVENT_ITEM_RECEIVED, RECEIVED);
        buf_printf(&text, "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"%s\"}]}",
                   cases[i].disposition);
        ledger_run_event(&run, EVENT_ITEM_DISPOSITIONED, text.data);
        buf_reset(&text);
        buf_printf(&text, ACCEPTED CAME "%s", cases[i].journal);
        ledger_return_expect(&run, text.data);
        buf_free(&text);
        ledger_run_free(&run);
    }
}

static void repaired_goods_leave_repair_for_the_shelf(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, SOCKS, "");
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED,
                     "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"repair\"}]}");
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED,
                     "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"restock\","
                     "\"from\":\"repair\"}]}");
    assert_int_equal(position_balance(&run->position, "repair_stock"), 0);
    assert_int_equal(position_balance(&run->position, "quarantine_stock"), 0);
    assert_int_equal(position_balance(&run->position, "stock"), 200);
}

static void restocked_is_booked_once_whichever_event_says_it_first(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(
        run, "{\"line\":1,\"quantity\":3,\"net\":1,\"tax\":[],\"gross\":1,\"cost\":1000}", "");
    ledger_run_event(run, EVENT_ITEM_RECEIVED, "{\"lines\":[{\"line\":1,\"quantity\":3}]}");
    ledger_run_event(run, EVENT_INVENTORY_RESTOCKED, RECEIVED);
    assert_int_equal(position_balance(&run->position, "stock"), 333);
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED,
                     "{\"lines\":[{\"line\":1,\"quantity\":3,\"disposition\":\"restock\"}]}");
    assert_int_equal(position_balance(&run->position, "stock"), 1000);
    ledger_run_event(run, EVENT_INVENTORY_RESTOCKED, "{\"lines\":[{\"line\":1,\"quantity\":2}]}");
    assert_int_equal(position_balance(&run->position, "stock"), 1000);
    assert_int_equal(position_balance(&run->position, "quarantine_stock"), 0);
}

static void wrong_goods_reverse_no_cost(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, SOCKS, "");
    ledger_run_event(run, EVENT_ITEM_RECEIVED,
                     "{\"lines\":[{\"line\":1,\"quantity\":1,\"condition\":\"wrong_goods\"}]}");
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED,
                     "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"destroy\"}]}");
    ledger_return_expect(run, ACCEPTED);
}

static void more_received_than_returned_is_refused_and_leaves_no_trace(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, SOCKS, "");
    assert_int_equal(
        ledger_run_try(run, EVENT_ITEM_RECEIVED, "{\"lines\":[{\"line\":1,\"quantity\":2}]}"),
        ERR_REFUSED);
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    ledger_return_expect(run, ACCEPTED CAME);
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

static void a_piece_goes_one_way_only_and_a_second_is_waited_for(void **state)
{
    struct ledger_run *run = *state;
    const char *destroyed = "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"destroy\"}]}";
    ledger_return_accept(run, SOCKS, "");
    ledger_run_event(run, EVENT_ITEM_RECEIVED, RECEIVED);
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED, destroyed);
    assert_int_equal(ledger_run_try(run, EVENT_ITEM_DISPOSITIONED, destroyed), ERR_BUSY);
    ledger_return_expect(run, ACCEPTED CAME "written_off: write_off +200, quarantine_stock -200\n");
}

/* What came by mistake and went again has no cost, nor takes any from the pieces after it. */
static void wrong_goods_between_ours_leave_nothing_in_quarantine(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(
        run, "{\"line\":1,\"quantity\":3,\"net\":900,\"tax\":[],\"gross\":900,\"cost\":100}", "");
    ledger_run_event(run, EVENT_ITEM_RECEIVED,
                     "{\"lines\":[{\"line\":1,\"quantity\":1},"
                     "{\"line\":1,\"quantity\":1,\"condition\":\"wrong_goods\"}]}");
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED,
                     "{\"lines\":[{\"line\":1,\"quantity\":2,\"disposition\":\"destroy\"}]}");
    ledger_run_event(run, EVENT_ITEM_RECEIVED, "{\"lines\":[{\"line\":1,\"quantity\":1}]}");
    ledger_run_event(run, EVENT_ITEM_DISPOSITIONED,
                     "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"destroy\"}]}");
    assert_int_equal(position_balance(&run->position, "quarantine_stock"), 0);
    assert_int_equal(position_balance(&run->position, "write_off"), 67);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ledger_return_make, ledger_return_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_piece_goes_one_way_only_and_a_second_is_waited_for),
        TEST(one_restocked_one_liquidated_at_1500_one_destroyed),
        TEST(net_realisable_value_above_cost_counts_as_cost),
        TEST(every_other_disposition_has_its_account),
        TEST(repaired_goods_leave_repair_for_the_shelf),
        TEST(restocked_is_booked_once_whichever_event_says_it_first),
        TEST(wrong_goods_reverse_no_cost),
        TEST(wrong_goods_between_ours_leave_nothing_in_quarantine),
        TEST(more_received_than_returned_is_refused_and_leaves_no_trace),
        TEST(goods_of_another_source_are_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
