/* What lines refund: weights, several taxes, prices without tax, fees, offers, kinds of lines. */
#include "agent/returns/exchange.h"
#include "tests/unit/agent/returns/counter.h"

#define CARD(amount) "{'tender':1,'type':'card','amount':" #amount "}"
#define TAX(jurisdiction, amount)                                                                  \
    "{'type':'sales','jurisdiction':'" jurisdiction "','rate':'8.875','amount':" #amount "}"

/* 1.234 kg of cheese for 17.31 net; state, city and district each charge their own. */
static void a_weight_comes_back_in_grams_with_each_tax_by_itself(void **state)
{
    static const int64_t grams[] = {400, 833, 1};
    static const int64_t net[] = {561, 1169, 1};
    static const int64_t taxes[][3] = {{22, 25, 2}, {47, 53, 4}, {0, 0, 0}};
    struct counter *c = *state;
    counter_sell(c, "USD", false,
                 "{'line':1,'sku':'cheese','unit':'g','quantity':1234,'amount':1731,'tax':[" TAX(
                     "US-NY", 69) "," TAX("NYC", 78) "," TAX("MTA", 6) "]}",
                 CARD(1884), "");
    int64_t gross = 0;
    for (size_t i = 0; i < 3; i++) {
        struct decision d = counter_return(c, 1, grams[i]);
        int64_t tax = 0;
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(d.lines[0].taxes[k].amount_minor, taxes[i][k]);
            tax += taxes[i][k];
        }
        assert_int_equal(d.lines[0].net_minor, net[i]);
        assert_int_equal(d.lines[0].gross_minor, net[i] + tax);
        gross += d.lines[0].gross_minor;
    }
    assert_int_equal(gross, 1884);
}

/* Each tax rounds by itself: together they must still fit into what the last piece refunds. */
static void the_last_piece_has_room_for_the_last_of_the_tax(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "USD", true,
                 "{'line':1,'sku':'a','quantity':3,'amount':2,'tax':[" TAX("US-NY", 1) "," TAX(
                     "NYC", 1) "]}",
                 CARD(2), "");
    int64_t tax = 0;
    for (int i = 0; i < 3; i++) {
        struct decision d = counter_return(c, 1, 1);
        assert_true(d.lines[0].net_minor >= 0);
        tax += d.tax_minor;
    }
    assert_int_equal(tax, 2);
}

static void a_dinar_has_a_thousand_fils(void **state)
{
    static const int64_t gross[] = {3333, 3334, 3333};
    static const int64_t tax[] = {159, 158, 159};
    struct counter *c = *state;
    counter_sell(c, "BHD", true,
                 "{'line':1,'sku':'a','quantity':3,'amount':10000,'tax':[{'type':'vat',"
                 "'jurisdiction':'BH','rate':'5','amount':476}]}",
                 CARD(10000), "");
    for (size_t i = 0; i < 3; i++) {
        struct decision d = counter_return(c, 1, 1);
        assert_int_equal(d.total_minor, gross[i]);
        assert_int_equal(d.lines[0].taxes[0].amount_minor, tax[i]);
    }
}

/* 15 % on 10.00 for three, one by one: together as much as at once. */
static void a_fee_is_cumulative_over_pieces(void **state)
{
    struct counter *c = *state;
    struct policy_fee fee = {.rule = "restocking", .rate = {.digits = 15}, .taxed = true};
    c->policy.fees = &fee;
    c->policy.fee_count = 1;
    static const char line[] =
        "{'line':1,'sku':'a','quantity':3,'amount':1000,'tax':[{'type':'vat',"
        "'jurisdiction':'DE','rate':'19','amount':160}]}";
    counter_sell(c, "EUR", true, line, CARD(1000), "");
    struct decision whole = counter_quote(c, 1, 3);
    assert_int_equal(whole.lines[0].fee.amount_minor, 150);
    assert_int_equal(whole.lines[0].fee.tax_minor, 24);
    int64_t fees = 0;
    int64_t taxes = 0;
    for (int i = 0; i < 3; i++) {
        struct decision d = counter_return(c, 1, 1);
        fees += d.lines[0].fee.amount_minor;
        taxes += d.lines[0].fee.tax_minor;
    }
    assert_int_equal(fees, 150);
    assert_int_equal(taxes, 24);
}

/* All of it kept: rounding must not ask the customer for a cent more than a piece refunds. */
static void a_fee_is_never_more_than_what_a_piece_refunds(void **state)
{
    struct counter *c = *state;
    struct policy_fee fee = {.rule = "all", .rate = {.digits = 100}, .taxed = true};
    c->policy.fees = &fee;
    c->policy.fee_count = 1;
    counter_sell(c, "EUR", true,
                 "{'line':1,'sku':'a','quantity':3,'amount':5,'tax':[{'type':'vat',"
                 "'jurisdiction':'DE','rate':'19','amount':1}]}",
                 CARD(5), "");
    for (int i = 0; i < 3; i++)
        assert_int_equal(counter_return(c, 1, 1).total_minor, 0);
}

/* 15 % of the same line, taxed of the first piece and untaxed of the second. */
static void fees_of_the_same_rate_are_kept_apart_by_their_tax(void **state)
{
    struct counter *c = *state;
    struct policy_fee fees[] = {{.rule = "taxed", .rate = {.digits = 15}, .taxed = true},
                                {.rule = "untaxed", .rate = {.digits = 15}}};
    fees[0].when.reasons = UINT64_C(1) << policy_reason(&c->policy, "unwanted");
    c->policy.fees = fees;
    c->policy.fee_count = 2;
    counter_sell(c, "EUR", true,
                 "{'line':1,'sku':'a','quantity':2,'amount':23800,'tax':[{'type':'vat',"
                 "'jurisdiction':'DE','rate':'19','amount':3800}]}",
                 CARD(23800), "");
    assert_int_equal(counter_return(c, 1, 1).lines[0].fee.amount_minor, 1785);
    struct decision second =
        counter_ask(c, "{'receipt':'R1','lines':[{'line':1,'quantity':1,'reason':'style',"
                       "'condition':'open_box'}]}");
    assert_int_equal(second.lines[0].fee.amount_minor, 1500);
    assert_int_equal(second.lines[0].fee.tax_minor, 0);
}

static void a_fee_may_be_for_a_reason_and_a_condition_only(void **state)
{
    struct counter *c = *state;
    struct policy_fee fee = {.rule = "opened", .rate = {.digits = 10}};
    fee.when.conditions = UINT64_C(1) << policy_condition(&c->policy, "open_box");
    fee.when.reasons = UINT64_C(1) << policy_reason(&c->policy, "unwanted");
    c->policy.fees = &fee;
    c->policy.fee_count = 1;
    counter_sell(c, "EUR", true, "{'line':1,'sku':'a','quantity':2,'amount':2000}", CARD(2000), "");
    assert_int_equal(counter_quote(c, 1, 1).total_minor, 900);
    struct decision d =
        counter_ask(c, "{'receipt':'R1','lines':[{'line':1,'quantity':1,'reason':'defective',"
                       "'condition':'open_box'}]}");
    assert_int_equal(d.total_minor, 1000);
}

/* Buy two, get one free: 3 x 9.99 less 9.99; what stays is paid at the price with the offer. */
static void one_of_buy_two_get_one_refunds_its_share(void **state)
{
    static const int64_t gross[] = {666, 666, 666};
    struct counter *c = *state;
    counter_sell(c, "EUR", true,
                 "{'line':1,'sku':'a','quantity':1,'amount':999,'group':'b2g1'},"
                 "{'line':2,'sku':'a','quantity':1,'amount':999,'group':'b2g1'},"
                 "{'line':3,'sku':'a','quantity':1,'amount':999,'group':'b2g1'}",
                 CARD(1998), ",'groups':[{'group':'b2g1','discount':999}]");
    for (int64_t i = 0; i < 3; i++)
        assert_int_equal(counter_return(c, i + 1, 1).total_minor, gross[i]);
    assert_int_equal(c->history.refunded_minor, 1998);
}

/* A bundle of unequal parts: each bears its part of the discount, before the order's. */
static void a_part_of_a_bundle_refunds_its_share(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "EUR", true,
                 "{'line':1,'sku':'camera','quantity':1,'amount':40000,'group':'kit'},"
                 "{'line':2,'sku':'bag','quantity':1,'amount':10000,'group':'kit'},"
                 "{'line':3,'sku':'film','quantity':1,'amount':2500}",
                 CARD(42500), ",'groups':[{'group':'kit','discount':5000}],'order_discount':5000");
    assert_int_equal(c->sale.lines[0].paid_minor, 32210);
    assert_int_equal(c->sale.lines[1].paid_minor, 8053);
    assert_int_equal(c->sale.lines[2].paid_minor, 2237);
    assert_int_equal(counter_return(c, 2, 1).total_minor, 8053);
    assert_int_equal(counter_return(c, 1, 1).total_minor, 32210);
    assert_int_equal(counter_return(c, 3, 1).total_minor, 2237);
}

static struct decision ask_for(struct counter *c, int64_t line, const char *reason)
{
    char json[256];
    (void)snprintf(json, sizeof json,
                   "{'receipt':'R1','lines':[{'line':%lld,'quantity':1,'reason':'%s',"
                   "'condition':'new_sealed'}]}",
                   (long long)line, reason);
    return counter_ask(c, json);
}

/* Each kind of line by the policy that ships. */
static void deposits_fees_and_delivery_have_their_own_rules(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "EUR", true,
                 "{'line':1,'sku':'crate','quantity':1,'amount':2000},"
                 "{'line':2,'kind':'deposit','quantity':1,'amount':310},"
                 "{'line':3,'kind':'fee','quantity':1,'amount':200},"
                 "{'line':4,'kind':'delivery','quantity':1,'amount':490}",
                 CARD(3000), "");
    struct decision d = ask_for(c, 2, "unwanted");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    assert_int_equal(d.total_minor, 310);
    assert_int_equal(d.lines[0].goods, GOODS_NONE);
    d = ask_for(c, 3, "unwanted");
    assert_int_equal(d.outcome, OUTCOME_NEEDS_MANAGER);
    assert_true(counter_has_reason(&d, "fee_not_refundable"));
    assert_int_equal(ask_for(c, 3, "defective").outcome, OUTCOME_ACCEPTED);
    d = ask_for(c, 4, "unwanted");
    assert_true(counter_has_reason(&d, "order_incomplete"));
    assert_int_equal(ask_for(c, 4, "late").outcome, OUTCOME_NEEDS_MANAGER);
    assert_int_equal(ask_for(c, 4, "wrong_item").outcome, OUTCOME_ACCEPTED);
}

static void an_order_from_the_web_comes_back_in_the_store(void **state)
{
    struct counter *c = *state;
    counter_sale(c, "{'receipt':'W-1','order':'W-1','channel':'online','store':'web',"
                    "'sold_at':'2026-11-01T10:00:00Z','currency':'EUR','prices_include_tax':true,"
                    "'lines':[{'line':1,'sku':'a','quantity':1,'amount':1000}],"
                    "'tenders':[{'tender':1,'type':'online_payment','amount':1000,"
                    "'reference':'psp_1'}]}");
    c->facts.confirmed = true;
    c->facts.now_ms = counter_time("2026-12-14T12:00:00Z"); /* 43 days: the web has 45 */
    c->policy.holiday_count = 0;
    struct decision d = counter_quote(c, 1, 1);
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    assert_int_equal(d.tenders[0].executor, EXECUTOR_HUB);
    assert_string_equal(d.tenders[0].reference, "psp_1");
    assert_int_equal(d.tracks.goods, GOODS_RECEIVED);
    c->facts.confirmed = false; /* without the centre: the goods are taken, the money waits */
    assert_int_equal(counter_quote(c, 1, 1).outcome, OUTCOME_PENDING_CHECK);
    c->facts.now_ms = counter_time("2026-12-17T12:00:00Z");
    d = counter_quote(c, 1, 1);
    assert_true(counter_has_reason(&d, "window_expired"));
}

/* Half now, half later: commission and administration fee are cumulative and capped for the line.
 */
static void commission_of_a_partial_return_is_cumulative(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "EUR", true, "{'line':1,'sku':'a','quantity':2,'amount':34500}", CARD(34500),
                 ",'marketplace':{'name':'Bazaar','lines':["
                 "{'line':1,'fee':5175,'kept_rate':'20','kept_cap':500}]}");
    struct decision first = counter_return(c, 1, 1);
    struct decision second = counter_return(c, 1, 1);
    assert_int_equal(
        first.lines[0].commission.reversed_minor + second.lines[0].commission.reversed_minor, 4675);
    assert_int_equal(first.lines[0].commission.kept_minor + second.lines[0].commission.kept_minor,
                     500);
}

/* 20 % of 51.75; a cap that isn't told is none, not nothing. */
static void an_administration_fee_without_a_cap_is_kept_whole(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "EUR", true, "{'line':1,'sku':'a','quantity':1,'amount':34500}", CARD(34500),
                 ",'marketplace':{'name':'Bazaar','lines':["
                 "{'line':1,'fee':5175,'kept_rate':'20'}]}");
    struct decision d = counter_return(c, 1, 1);
    assert_int_equal(d.lines[0].commission.kept_minor, 1035);
    assert_int_equal(d.lines[0].commission.reversed_minor, 4140);
}

/* The standard rate went down meanwhile: of one class, but not one tax. */
static void taxes_of_an_exchange_are_kept_apart_by_their_rate(void **state)
{
    static const char line[] = "{'line':1,'sku':'a','quantity':1,'amount':1190,'tax':[{'type':"
                               "'vat','jurisdiction':'DE','rate':'19','amount':190}]}";
    static const char cheaper[] = "{'line':1,'sku':'a','quantity':1,'amount':1160,'tax':[{'type':"
                                  "'vat','jurisdiction':'DE','rate':'16','amount':160}]}";
    struct counter *c = *state;
    struct exchange exchange;
    counter_sell(c, "EUR", true, line, CARD(1190), "");
    struct decision d = counter_return(c, 1, 1);
    counter_sell(c, "EUR", true, cheaper, CARD(1160), "");
    assert_int_equal(exchange_settle(&d, &c->sale, &c->arena, &exchange, &c->fault), ERR_OK);
    assert_int_equal(exchange.tax_count, 2);
    assert_string_equal(exchange.taxes[1].at->rate, "16");
    assert_int_equal(exchange.taxes[1].charged_minor, 160);
    assert_int_equal(exchange.due_minor, -30);
    assert_int_equal(exchange.applied_minor, 1160);
}

#define BACK(test) cmocka_unit_test_setup_teardown(test, counter_setup, counter_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BACK(a_weight_comes_back_in_grams_with_each_tax_by_itself),
        BACK(the_last_piece_has_room_for_the_last_of_the_tax),
        BACK(a_dinar_has_a_thousand_fils),
        BACK(a_fee_is_cumulative_over_pieces),
        BACK(a_fee_is_never_more_than_what_a_piece_refunds),
        BACK(fees_of_the_same_rate_are_kept_apart_by_their_tax),
        BACK(a_fee_may_be_for_a_reason_and_a_condition_only),
        BACK(one_of_buy_two_get_one_refunds_its_share),
        BACK(a_part_of_a_bundle_refunds_its_share),
        BACK(deposits_fees_and_delivery_have_their_own_rules),
        BACK(an_order_from_the_web_comes_back_in_the_store),
        BACK(commission_of_a_partial_return_is_cumulative),
        BACK(taxes_of_an_exchange_are_kept_apart_by_their_rate),
        BACK(an_administration_fee_without_a_cap_is_kept_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
