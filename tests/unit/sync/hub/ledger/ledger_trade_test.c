/* Exchanges, marketplaces, settlements and disputes in the books, with the worked numbers. */
#include "tests/support/ledger_return.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void even_exchange_moves_tax_of_202(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(
        run,
        "{\"line\":1,\"quantity\":1,\"net\":2000,\"tax\":[{\"jurisdiction\":\"DE\","
        "\"rate\":\"7\",\"amount\":140}],\"gross\":2140}",
        "");
    ledger_run_event(run, EVENT_EXCHANGE_LINKED,
                     "{\"applied\":2140,\"sale\":{\"receipt\":\"S2\",\"net\":1798,"
                     "\"tax\":[{\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":342}],"
                     "\"gross\":2140}}");
    ledger_return_expect(run, "accepted: returns +2000, tax DE 7 +140, refunds_payable -2140\n"
                              "exchanged: refunds_payable +2140, exchange_sales -1798, "
                              "tax DE 19 -342\n");
    assert_int_equal(position_balance(&run->position, "tax"), -202);
    assert_int_equal(position_balance(&run->position, "refunds_payable"), 0);
}

static void exchange_for_less_pays_the_rest(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, "{\"line\":1,\"quantity\":1,\"net\":2140,\"tax\":[],\"gross\":2140}",
                         "");
    ledger_run_event(run, EVENT_EXCHANGE_LINKED,
                     "{\"applied\":1190,\"sale\":{\"net\":1000,\"tax\":[{\"jurisdiction\":\"DE\","
                     "\"rate\":\"19\",\"amount\":190}],\"gross\":1190}}");
    ledger_run_event(run, EVENT_REFUND_ISSUED, "{\"tender\":1,\"type\":\"card\",\"amount\":950}");
    assert_int_equal(position_balance(&run->position, "refunds_payable"), 0);
    assert_int_equal(position_balance(&run->position, "tax"), -190);
}

/* The refund pays a part of the new goods, and so of their tax; the till took the rest. */
static void exchange_for_more_posts_the_part_that_the_refund_pays(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, "{\"line\":1,\"quantity\":1,\"net\":333,\"tax\":[],\"gross\":333}",
                         "");
    ledger_run_event(run, EVENT_EXCHANGE_LINKED,
                     "{\"applied\":333,\"sale\":{\"net\":420,\"tax\":[{\"jurisdiction\":\"DE\","
                     "\"rate\":\"19\",\"amount\":80}],\"gross\":500}}");
    ledger_return_expect(run, "accepted: returns +333, refunds_payable -333\n"
                              "exchanged: refunds_payable +333, exchange_sales -280, "
                              "tax DE 19 -53\n");
}

static void marketplace_gives_back_5359_of_commission(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(
        run,
        "{\"line\":1,\"quantity\":1,\"net\":34500,\"tax\":[],\"gross\":34500},"
        "{\"line\":2,\"quantity\":1,\"net\":5700,\"tax\":[],\"gross\":5700}",
        ",\"marketplace\":{\"name\":\"bazaar\",\"tax_collected_by\":\"marketplace\"}");
    ledger_run_event(run, EVENT_COMMISSION_REVERSED,
                     "{\"amount\":5359,\"lines\":["
                     "{\"line\":1,\"fee\":5175,\"kept\":500,\"amount\":4675},"
                     "{\"line\":2,\"fee\":855,\"kept\":171,\"amount\":684}]}");
    ledger_return_expect(run, "accepted: returns +40200, refunds_payable -40200\n"
                              "commission_reversed: marketplace_receivable +5359, "
                              "commission_expense -5359\n");
}

static void tax_that_the_marketplace_collected_is_not_reversed(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(
        run, SOCKS, ",\"marketplace\":{\"name\":\"bazaar\",\"tax_collected_by\":\"marketplace\"}");
    ledger_run_event(run, EVENT_REFUND_ISSUED,
                     "{\"tender\":1,\"type\":\"online_payment\",\"amount\":333}");
    ledger_return_expect(run, "accepted: returns +280, refunds_payable -280\n"
                              "marketplace_refunded: refunds_payable +280, "
                              "marketplace_receivable -280\n");
}

#define ON_BAZAAR(collector)                                                                       \
    ",\"marketplace\":{\"name\":\"bazaar\",\"tax_collected_by\":\"" collector "\"}"

/* 402.00 less the commission, of which the last 5.00 come later. */
static void commission_that_comes_with_the_settlement_is_what_was_reversed(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run,
                         "{\"line\":1,\"quantity\":1,\"net\":40200,\"tax\":[],\"gross\":40200}",
                         ON_BAZAAR("seller"));
    ledger_run_event(run, EVENT_COMMISSION_REVERSED,
                     "{\"amount\":5359,\"lines\":["
                     "{\"line\":1,\"fee\":6030,\"kept\":671,\"amount\":5359}]}");
    ledger_run_event(run, EVENT_REFUND_ISSUED,
                     "{\"tender\":1,\"type\":\"online_payment\",\"amount\":40200}");
    ledger_run_event(run, EVENT_REFUND_SETTLED,
                     "{\"type\":\"online_payment\",\"amount\":40200,\"fee\":-5359}");
    assert_int_equal(position_balance(&run->position, "tender"), 0);
    assert_int_equal(position_balance(&run->position, "marketplace_receivable"), 0);
    assert_int_equal(position_balance(&run->position, "payment_fees"), 0);
    assert_int_equal(position_balance(&run->position, "commission_expense"), -5359);
    assert_int_equal(position_balance(&run->position, "bank"), -34841);
}

/* More than was expected of it is income all the same, and less stays owed. */
static void commission_that_differs_from_what_was_reversed_shows(void **state)
{
    static const struct {
        const char *settled;
        int64_t owed;
        int64_t fees;
    } cases[] = {{"{\"type\":\"online_payment\",\"amount\":1000,\"fee\":-120}", 0, -20},
                 {"{\"type\":\"online_payment\",\"amount\":1000,\"fee\":-90}", 10, 0},
                 {"{\"type\":\"online_payment\",\"amount\":1000,\"fee\":30}", 100, 30}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ledger_run one;
        struct ledger_run *run = &one;
        ledger_run_make(run);
        ledger_return_accept(run,
                             "{\"line\":1,\"quantity\":1,\"net\":1000,\"tax\":[],\"gross\":1000}",
                             ON_BAZAAR("seller"));
        ledger_run_event(run, EVENT_COMMISSION_REVERSED,
                         "{\"amount\":100,\"lines\":["
                         "{\"line\":1,\"fee\":150,\"kept\":50,\"amount\":100}]}");
        ledger_run_event(run, EVENT_REFUND_ISSUED,
                         "{\"tender\":1,\"type\":\"online_payment\",\"amount\":1000}");
        ledger_run_event(run, EVENT_REFUND_SETTLED, cases[i].settled);
        assert_int_equal(position_balance(&run->position, "marketplace_receivable"), cases[i].owed);
        assert_int_equal(position_balance(&run->position, "payment_fees"), cases[i].fees);
        assert_int_equal(position_balance(&run->position, "tender"), 0);
        ledger_run_free(run);
    }
}

/* The customer had 3.33 back, 0.53 of it tax that the marketplace had withheld. */
static void settlement_of_a_marketplace_that_collects_tax_clears_what_it_owes(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, SOCKS, ON_BAZAAR("marketplace"));
    ledger_run_event(run, EVENT_COMMISSION_REVERSED,
                     "{\"amount\":40,\"lines\":["
                     "{\"line\":1,\"fee\":50,\"kept\":10,\"amount\":40}]}");
    ledger_run_event(run, EVENT_REFUND_ISSUED,
                     "{\"tender\":1,\"type\":\"online_payment\",\"amount\":333}");
    ledger_run_event(run, EVENT_REFUND_SETTLED,
                     "{\"type\":\"online_payment\",\"amount\":333,\"fee\":-93}");
    assert_int_equal(position_balance(&run->position, "tender"), 0);
    assert_int_equal(position_balance(&run->position, "marketplace_receivable"), 0);
    assert_int_equal(position_balance(&run->position, "bank"), -240);
    assert_int_equal(position_balance(&run->position, "payment_fees"), 0);
}

static void settlement_pays_out_3115(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, "{\"line\":1,\"quantity\":1,\"net\":5000,\"tax\":[],\"gross\":5000}",
                         "");
    ledger_run_event(run, EVENT_REFUND_ISSUED, "{\"tender\":1,\"type\":\"card\",\"amount\":5000}");
    ledger_run_event(run, EVENT_RETURN_DISPUTED,
                     "{\"stage\":\"opened\",\"amount\":3000,\"fee\":750}");
    ledger_run_event(run, EVENT_REFUND_SETTLED,
                     "{\"type\":\"card\",\"kind\":\"sale\",\"amount\":11900,\"fee\":25}");
    ledger_run_event(run, EVENT_REFUND_SETTLED, "{\"type\":\"card\",\"amount\":5000,\"fee\":10}");
    ledger_run_event(run, EVENT_REFUND_SETTLED,
                     "{\"type\":\"card\",\"kind\":\"chargeback\",\"amount\":3750}");
    ledger_return_expect(run, "accepted: returns +5000, refunds_payable -5000\n"
                              "refund_issued: refunds_payable +5000, tender card -5000\n"
                              "chargeback_opened: disputed +3000, tender card -3000\n"
                              "chargeback_fee: payment_fees +750, tender card -750\n"
                              "sale_settled: bank +11875, payment_fees +25, tender card -11900\n"
                              "refund_settled: tender card +5000, payment_fees +10, bank -5010\n"
                              "chargeback_settled: tender card +3750, bank -3750\n");
    assert_int_equal(position_balance(&run->position, "bank"), 3115);
    /* The sale's own 11900 came to the clearing account where the sale was booked. */
    assert_int_equal(position_balance(&run->position, "tender") + 11900, 0);
}

static void dispute_is_lost_or_won_for_what_was_disputed(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, SOCKS, "");
    ledger_run_event(run, EVENT_RETURN_DISPUTED, "{\"stage\":\"opened\",\"amount\":3000}");
    ledger_run_event(run, EVENT_RETURN_DISPUTED, "{\"stage\":\"lost\",\"amount\":1000}");
    ledger_run_event(run, EVENT_RETURN_DISPUTED, "{\"stage\":\"won\"}");
    ledger_run_event(run, EVENT_RETURN_DISPUTED, "{\"stage\":\"fee\",\"fee\":750}");
    ledger_return_expect(run, ACCEPTED "chargeback_opened: disputed +3000, tender card -3000\n"
                                       "chargeback_lost: dispute_loss +1000, disputed -1000\n"
                                       "chargeback_won: tender card +2000, disputed -2000\n"
                                       "chargeback_fee: payment_fees +750, tender card -750\n");
    assert_int_equal(ledger_run_try(run, EVENT_RETURN_DISPUTED, "{\"stage\":\"lost\"}"),
                     ERR_REFUSED);
}

static void no_more_is_lost_than_was_disputed(void **state)
{
    struct ledger_run *run = *state;
    ledger_return_accept(run, SOCKS, "");
    ledger_run_event(run, EVENT_RETURN_DISPUTED, "{\"stage\":\"opened\",\"amount\":200}");
    ledger_run_event(run, EVENT_RETURN_DISPUTED, "{\"stage\":\"lost\",\"amount\":333}");
    assert_int_equal(position_balance(&run->position, "disputed"), 0);
    assert_int_equal(position_balance(&run->position, "dispute_loss"), 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ledger_return_make, ledger_return_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(even_exchange_moves_tax_of_202),
        TEST(exchange_for_less_pays_the_rest),
        TEST(exchange_for_more_posts_the_part_that_the_refund_pays),
        TEST(marketplace_gives_back_5359_of_commission),
        TEST(tax_that_the_marketplace_collected_is_not_reversed),
        TEST(commission_that_comes_with_the_settlement_is_what_was_reversed),
        TEST(commission_that_differs_from_what_was_reversed_shows),
        TEST(settlement_of_a_marketplace_that_collects_tax_clears_what_it_owes),
        TEST(settlement_pays_out_3115),
        TEST(dispute_is_lost_or_won_for_what_was_disputed),
        TEST(no_more_is_lost_than_was_disputed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
