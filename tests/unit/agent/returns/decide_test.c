/* Whole decisions at a counter with the default policy. */
#include "tests/unit/agent/returns/counter.h"

static int setup(void **state)
{
    counter_setup(state);
    counter_sell(*state, "EUR", true,
                 "{'line':1,'sku':'socks','gtin':'04006381333931','category':'apparel/socks',"
                 "'quantity':3,'amount':1000,'tax':[{'type':'vat','jurisdiction':'DE','rate':'19',"
                 "'amount':160}],'cost':600},"
                 "{'line':2,'sku':'phone','category':'electronics','quantity':1,'amount':50000,"
                 "'serial':'SN1'},"
                 "{'line':3,'sku':'post','kind':'delivery','quantity':1,'amount':500},"
                 "{'line':4,'sku':'socks','gtin':'4006381333931','category':'apparel',"
                 "'quantity':2,'amount':800}",
                 "{'tender':1,'type':'card','amount':30000,'reference':'tok_1'},"
                 "{'tender':2,'type':'cash','amount':22300}",
                 "");
    return 0;
}

/* A request of one line, given what the line says besides reason and condition. */
static struct decision ask(struct counter *c, const char *line, const char *reason,
                           const char *condition, const char *more)
{
    char json[1024];
    snprintf(json, sizeof json, "{'receipt':'R1','lines':[{%s,'reason':'%s','condition':'%s'}]%s}",
             line, reason, condition, more);
    return counter_ask(c, json);
}

static void assert_reason(const struct decision *d, int outcome, const char *code)
{
    if (d->outcome != outcome || !counter_has_reason(d, code))
        fail_msg("%s, not %s for %s", outcome_words[d->outcome], outcome_words[outcome], code);
}

static void a_simple_return_is_accepted_with_all_that_follows(void **state)
{
    struct counter *c = *state;
    struct decision d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", "");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    assert_int_equal(d.reason_count, 0);
    assert_string_equal(d.policy_version, "default-2");
    assert_int_equal(d.lines[0].disposition, DISPOSITION_RESTOCK);
    assert_string_equal(d.lines[0].disposition_rule, "opened");
    assert_int_equal(d.tenders[0].type, TENDER_CARD);
    assert_int_equal(d.tenders[0].executor, EXECUTOR_TERMINAL);
    assert_string_equal(d.tenders[0].reference, "tok_1");
    assert_int_equal(d.tracks.goods, GOODS_RECEIVED);
    assert_int_equal(d.tracks.money, MONEY_PENDING);
    assert_int_equal(d.tracks.posting, POSTING_NONE);
}

static void goods_that_come_later_are_expected(void **state)
{
    struct decision d =
        ask(*state, "'line':1,'quantity':1", "unwanted", "open_box", ",'in_hand':false");
    assert_int_equal(d.tracks.goods, GOODS_EXPECTED);
}

static void more_than_is_left_is_declined_and_shows_no_money(void **state)
{
    struct counter *c = *state;
    counter_return(c, 1, 2);
    struct decision d = ask(c, "'line':1,'quantity':2", "unwanted", "open_box", "");
    assert_reason(&d, OUTCOME_DECLINED, "quantity_exceeds_remaining");
    assert_int_equal(d.total_minor, 0);
    assert_int_equal(d.tender_count, 0);
    assert_int_equal(d.lines[0].gross_minor, 0);
    assert_int_equal(d.tracks.money, MONEY_NONE);
}

static void one_request_may_name_a_line_twice(void **state)
{
    struct counter *c = *state;
    struct decision d =
        counter_ask(c, "{'receipt':'R1','lines':["
                       "{'line':1,'quantity':2,'reason':'unwanted','condition':'open_box'},"
                       "{'line':1,'quantity':1,'reason':'defective','condition':'damaged'}]}");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    assert_int_equal(d.total_minor, 1000);
    d = counter_ask(c, "{'receipt':'R1','lines':["
                       "{'line':1,'quantity':2,'reason':'unwanted','condition':'open_box'},"
                       "{'line':1,'quantity':2,'reason':'defective','condition':'damaged'}]}");
    assert_reason(&d, OUTCOME_DECLINED, "quantity_exceeds_remaining");
}

static void an_item_is_found_by_gtin_and_spread_over_lines(void **state)
{
    struct counter *c = *state;
    struct decision d = ask(c, "'gtin':'4006381333931','quantity':5", "unwanted", "new_sealed", "");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    assert_int_equal(d.line_count, 2);
    assert_int_equal(d.lines[0].quantity, 3);
    assert_int_equal(d.lines[1].quantity, 2);
    assert_int_equal(d.lines[1].line, 4);
    assert_int_equal(d.total_minor, 1800);
    d = ask(c, "'gtin':'4006381333931','quantity':6", "unwanted", "new_sealed", "");
    assert_reason(&d, OUTCOME_DECLINED, "quantity_exceeds_remaining");
    d = ask(c, "'sku':'hat','quantity':1", "unwanted", "new_sealed", "");
    assert_reason(&d, OUTCOME_DECLINED, "not_on_receipt");
}

static void what_means_nothing_is_an_error_with_its_path(void **state)
{
    struct counter *c = *state;
    struct decision d;
    assert_int_equal(counter_try(c,
                                 "{'receipt':'R1','lines':[{'line':9,'quantity':1,"
                                 "'reason':'unwanted','condition':'used'}]}",
                                 &d),
                     ERR_INVALID);
    assert_string_equal(c->fault.where, "lines[0].line");
    assert_int_equal(counter_try(c,
                                 "{'receipt':'R1','lines':[{'line':1,'quantity':1,"
                                 "'reason':'bored','condition':'used'}]}",
                                 &d),
                     ERR_INVALID);
    assert_string_equal(c->fault.where, "lines[0].reason");
    assert_int_equal(counter_try(c,
                                 "{'receipt':'R1','lines':[{'line':1,'quantity':1,"
                                 "'reason':'price_adjust','condition':'used'}]}",
                                 &d),
                     ERR_INVALID);
    assert_string_equal(c->fault.where, "lines[0].amount");
}

static void a_serial_must_match(void **state)
{
    struct counter *c = *state;
    struct decision d = ask(c, "'line':2,'quantity':1", "unwanted", "new_sealed", "");
    assert_reason(&d, OUTCOME_NEEDS_MANAGER, "serial_mismatch");
    d = ask(c, "'line':2,'quantity':1,'serial':'SN2'", "unwanted", "new_sealed", "");
    assert_reason(&d, OUTCOME_NEEDS_MANAGER, "serial_mismatch");
    d = ask(c, "'line':2,'quantity':1,'serial':'SN1'", "unwanted", "new_sealed", "");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
}

static void of_two_alike_the_one_with_the_serial_comes_back(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "EUR", true,
                 "{'line':1,'sku':'phone','serial':'A','quantity':1,'amount':20000},"
                 "{'line':2,'sku':'phone','serial':'B','quantity':1,'amount':10000}",
                 "{'tender':1,'type':'card','amount':30000}", "");
    struct decision d =
        ask(c, "'sku':'phone','quantity':1,'serial':'B'", "unwanted", "new_sealed", "");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    assert_int_equal(d.lines[0].line, 2);
    assert_int_equal(d.total_minor, 10000);
}

static void a_manager_overrides_what_needs_one_and_nothing_else(void **state)
{
    struct counter *c = *state;
    c->facts.now_ms = counter_time("2027-03-01T12:00:00Z");
    struct decision d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", "");
    assert_reason(&d, OUTCOME_NEEDS_MANAGER, "window_expired");
    assert_string_equal(d.rule, "window");
    assert_int_equal(d.total_minor, 333);
    assert_int_equal(d.tracks.goods, GOODS_NONE);
    c->facts.manager = true;
    d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", "");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    assert_true(d.reasons[0].overridden);
    assert_int_equal(d.total_minor, 333);
    assert_int_equal(d.tracks.goods, GOODS_RECEIVED);
    c->facts.now_ms = counter_time("2032-03-01T12:00:00Z");
    d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", "");
    assert_reason(&d, OUTCOME_DECLINED, "too_old");
}

static void holidays_extend_the_window(void **state)
{
    struct counter *c = *state;
    c->policy.holidays[0].sold_to_day = facts_day(&c->facts, c->sale.sold_at_ms); /* the last day */
    c->facts.now_ms = counter_time("2027-01-31T22:59:59Z");
    struct decision d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", "");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    c->facts.now_ms = counter_time("2027-01-31T23:00:00Z"); /* February at the store */
    d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", "");
    assert_reason(&d, OUTCOME_NEEDS_MANAGER, "window_expired");
    d = ask(c, "'line':1,'quantity':1", "defective", "defective", "");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
}

static void a_date_that_nobody_vouches_for_turns_no_customer_away(void **state)
{
    struct counter *c = *state;
    c->facts.clock_trusted = false;
    struct decision d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", "");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    assert_int_equal(d.reason_count, 0);
    c->facts.now_ms = counter_time("2099-01-01T12:00:00Z");
    d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", "");
    assert_reason(&d, OUTCOME_NEEDS_MANAGER, "too_old");
    c->facts.clock_trusted = true;
    d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", "");
    assert_reason(&d, OUTCOME_DECLINED, "too_old");
}

static void a_sale_of_a_day_to_come_is_looked_at_by_a_manager(void **state)
{
    struct counter *c = *state;
    c->facts.now_ms =
        counter_time("2026-11-21T09:11:13Z"); /* clocks of tills may differ by a day */
    struct decision d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", "");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    c->facts.now_ms = counter_time("2026-11-21T09:11:11Z");
    d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", "");
    assert_reason(&d, OUTCOME_NEEDS_MANAGER, "clock_untrusted");
    assert_string_equal(d.rule, "sold-in-future");
    c->facts.clock_trusted = false;
    d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", "");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
}

static void a_sale_of_another_store_waits_for_the_central_check(void **state)
{
    struct counter *c = *state;
    c->facts.store = "0099";
    struct decision d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", "");
    assert_reason(&d, OUTCOME_PENDING_CHECK, "not_confirmed");
    assert_int_equal(d.tracks.money, MONEY_PENDING);
    c->facts.confirmed = true;
    d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", "");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
}

static void a_salvaged_appliance_asks_for_a_manager(void **state)
{
    struct counter *c = *state;
    c->facts.history_uncertain = true;
    struct decision d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", "");
    assert_reason(&d, OUTCOME_NEEDS_MANAGER, "history_uncertain");
}

static void an_unknown_receipt_needs_the_link_or_a_manager(void **state)
{
    struct counter *c = *state;
    c->has_sale = false;
    struct decision d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", "");
    assert_reason(&d, OUTCOME_NEEDS_LINK, "receipt_unknown");
    c->facts.link_up = true;
    d = ask(c, "'sku':'socks','quantity':1,'claimed_price':400", "unwanted", "open_box", "");
    assert_reason(&d, OUTCOME_NEEDS_MANAGER, "receipt_unknown");
}

static void without_a_receipt_the_lowest_price_as_store_credit(void **state)
{
    struct counter *c = *state;
    struct fact_item item = {.cheapest = &c->sale.lines[0]};
    c->facts.items = &item;
    c->facts.item_count = 1;
    c->has_sale = false;
    static const char asked[] =
        "{'receipt':null,'lines':[{'sku':'socks','quantity':2,'reason':'unwanted',"
        "'condition':'new_sealed','claimed_price':%d}]}";
    char json[512];
    snprintf(json, sizeof json, asked, 500);
    struct decision d = counter_ask(c, json);
    assert_reason(&d, OUTCOME_NEEDS_MANAGER, "no_original");
    assert_true(counter_has_reason(&d, "price_above_lowest"));
    assert_int_equal(d.total_minor, 667);
    assert_int_equal(d.lines[0].taxes[0].amount_minor, 107);
    assert_int_equal(d.tenders[0].type, TENDER_STORE_CREDIT);
    assert_int_equal(d.tenders[0].tender, 0);
    assert_true(d.tenders[0].reissued);
    snprintf(json, sizeof json, asked, 100);
    d = counter_ask(c, json);
    assert_int_equal(d.total_minor, 200);
    assert_false(counter_has_reason(&d, "price_above_lowest"));
    c->facts.items = NULL;
    d = counter_ask(c, json);
    assert_reason(&d, OUTCOME_NEEDS_MANAGER, "item_not_on_file");
}

static void a_price_adjustment_leaves_the_goods_and_never_exceeds_the_price(void **state)
{
    struct counter *c = *state;
    struct decision d =
        ask(c, "'line':1,'quantity':3,'amount':100", "price_adjust", "new_sealed", "");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    assert_int_equal(d.total_minor, 100);
    assert_int_equal(d.lines[0].taxes[0].amount_minor, 16);
    assert_int_equal(d.tracks.goods, GOODS_NONE);
    counter_keep(c, &d);
    int64_t gross = 0;
    for (int i = 0; i < 3; i++)
        gross += counter_return(c, 1, 1).total_minor;
    assert_int_equal(gross, 900);
    d = ask(c, "'line':1,'quantity':1,'amount':1", "price_adjust", "new_sealed", "");
    assert_reason(&d, OUTCOME_DECLINED, "refund_exceeds_paid");
}

static void delivery_is_refunded_when_all_goods_come_back(void **state)
{
    struct counter *c = *state;
    struct decision d = ask(c, "'line':3,'quantity':1", "unwanted", "new_sealed", "");
    assert_reason(&d, OUTCOME_NEEDS_MANAGER, "order_incomplete");
    assert_int_equal(d.lines[0].goods, GOODS_NONE);
    counter_return(c, 1, 3);
    counter_return(c, 4, 2);
    d = ask(c, "'line':2,'quantity':1,'serial':'SN1'", "unwanted", "new_sealed", "");
    counter_keep(c, &d);
    d = ask(c, "'line':3,'quantity':1", "unwanted", "new_sealed", "");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
}

static void a_wish_for_another_tender_is_held_to_the_policy(void **state)
{
    struct counter *c = *state;
    struct decision d =
        ask(c, "'line':1,'quantity':1", "unwanted", "open_box", ",'refund_to':'store_credit'");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    assert_int_equal(d.tenders[0].type, TENDER_STORE_CREDIT);
    assert_int_equal(d.tenders[0].tender, 1);
    assert_null(d.tenders[0].reference);
    d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", ",'refund_to':'cash'");
    assert_reason(&d, OUTCOME_NEEDS_MANAGER, "tender_not_allowed");
    d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", ",'refund_to':'gift_card'");
    assert_reason(&d, OUTCOME_DECLINED, "tender_not_allowed");
}

static void cash_is_rounded_and_never_more_than_was_paid(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "CHF", true, "{'line':1,'sku':'a','quantity':3,'amount':1000}",
                 "{'tender':1,'type':'cash','amount':1000}", "");
    static const int64_t handed[] = {335, 335, 330};
    static const int64_t entitled[] = {333, 334, 333};
    for (int i = 0; i < 3; i++) {
        struct decision d = counter_return(c, 1, 1);
        assert_int_equal(d.total_minor, entitled[i]);
        assert_int_equal(d.tenders[0].amount_minor, entitled[i]);
        assert_int_equal(d.tenders[0].paid_out_minor, handed[i]);
        assert_int_equal(d.tenders[0].cash_rounding_minor, handed[i] - entitled[i]);
    }
}

static void goods_not_ours_reverse_no_cost(void **state)
{
    struct counter *c = *state;
    struct decision d = ask(c, "'line':1,'quantity':1", "wrong_item", "wrong_goods", "");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    assert_false(d.lines[0].has_cost);
    assert_int_equal(d.lines[0].disposition, DISPOSITION_QUARANTINE);
    counter_keep(c, &d);
    assert_int_equal(counter_return(c, 1, 1).lines[0].cost_minor, 200);
}

static void a_cheap_item_may_stay_with_the_customer(void **state)
{
    struct counter *c = *state;
    struct policy_amount limit = {"EUR", 500};
    struct policy_returnless rule = {.rule = "keep-it",
                                     .when = {.value_below = {.list = &limit, .count = 1}}};
    c->policy.returnless = &rule;
    c->policy.returnless_count = 1;
    struct decision d =
        ask(c, "'line':1,'quantity':1", "defective", "defective", ",'in_hand':false");
    assert_int_equal(d.tracks.goods, GOODS_NONE);
    assert_string_equal(d.lines[0].returnless_rule, "keep-it");
    assert_int_equal(d.total_minor, 333);
    assert_false(d.lines[0].has_cost);
    d = ask(c, "'line':2,'quantity':1,'serial':'SN1'", "defective", "defective",
            ",'in_hand':false");
    assert_int_equal(d.tracks.goods, GOODS_EXPECTED);
}

static void a_missing_exchange_rate_needs_the_link(void **state)
{
    struct decision d =
        ask(*state, "'line':1,'quantity':1", "unwanted", "open_box", ",'currency':'USD'");
    assert_reason(&d, OUTCOME_NEEDS_LINK, "no_exchange_rate");
    assert_int_equal(d.total_minor, 0);
}

static void a_marketplace_that_collected_the_tax_is_credited(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "EUR", true, "{'line':1,'sku':'a','quantity':1,'amount':1000}",
                 "{'tender':1,'type':'online_payment','amount':1000}",
                 ",'marketplace':{'name':'Bazaar','tax_collected_by':'marketplace'}");
    struct decision d = ask(c, "'line':1,'quantity':1", "unwanted", "open_box", "");
    assert_true(d.credits_market);
    assert_int_equal(d.tenders[0].executor, EXECUTOR_HUB);
}

static void too_large_an_arena_need_is_an_error_not_a_crash(void **state)
{
    struct counter *c = *state;
    struct return_request request;
    struct cJSON *json = counter_json(c, "{'receipt':'R1','lines':[{'line':1,'quantity':1,"
                                         "'reason':'unwanted','condition':'open_box'}]}");
    assert_int_equal(return_request_read(json, NULL, &c->arena, &request, &c->fault), ERR_OK);
    struct decide_input in = {
        .sale = &c->sale,
        .history = &c->history,
        .request = &request,
        .policy = &c->policy,
        .facts = &c->facts,
    };
    struct decision decision;
    size_t failures = 0;
    for (size_t max = 0; max < 8192; max += 16) {
        struct arena small;
        arena_init(&small, max);
        enum err err = returns_decide(&in, &small, &decision, &c->fault);
        assert_true(err == ERR_OK || err == ERR_NO_MEMORY);
        failures += err == ERR_NO_MEMORY;
        arena_free(&small);
    }
    assert_true(failures > 0 && failures < 512);
}

#define DECIDE(test) cmocka_unit_test_setup_teardown(test, setup, counter_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DECIDE(a_simple_return_is_accepted_with_all_that_follows),
        DECIDE(goods_that_come_later_are_expected),
        DECIDE(more_than_is_left_is_declined_and_shows_no_money),
        DECIDE(one_request_may_name_a_line_twice),
        DECIDE(an_item_is_found_by_gtin_and_spread_over_lines),
        DECIDE(what_means_nothing_is_an_error_with_its_path),
        DECIDE(a_serial_must_match),
        DECIDE(of_two_alike_the_one_with_the_serial_comes_back),
        DECIDE(a_manager_overrides_what_needs_one_and_nothing_else),
        DECIDE(holidays_extend_the_window),
        DECIDE(a_date_that_nobody_vouches_for_turns_no_customer_away),
        DECIDE(a_sale_of_a_day_to_come_is_looked_at_by_a_manager),
        DECIDE(a_sale_of_another_store_waits_for_the_central_check),
        DECIDE(a_salvaged_appliance_asks_for_a_manager),
        DECIDE(an_unknown_receipt_needs_the_link_or_a_manager),
        DECIDE(without_a_receipt_the_lowest_price_as_store_credit),
        DECIDE(a_price_adjustment_leaves_the_goods_and_never_exceeds_the_price),
        DECIDE(delivery_is_refunded_when_all_goods_come_back),
        DECIDE(a_wish_for_another_tender_is_held_to_the_policy),
        DECIDE(cash_is_rounded_and_never_more_than_was_paid),
        DECIDE(goods_not_ours_reverse_no_cost),
        DECIDE(a_cheap_item_may_stay_with_the_customer),
        DECIDE(a_missing_exchange_rate_needs_the_link),
        DECIDE(a_marketplace_that_collected_the_tax_is_credited),
        DECIDE(too_large_an_arena_need_is_an_error_not_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
