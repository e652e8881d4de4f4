/* To whom the money goes: types that are allowed, who pays them out, cash as it is handed over. */
#include "tests/unit/agent/returns/counter.h"

static void sell_for(struct counter *c, const char *currency, const char *type, int64_t amount)
{
    char line[128];
    char tender[128];
    (void)snprintf(line, sizeof line, "{'line':1,'sku':'a','quantity':1,'amount':%lld}",
                   (long long)amount);
    (void)snprintf(tender, sizeof tender,
                   "{'tender':1,'type':'%s','amount':%lld,'reference':'tok_1'}", type,
                   (long long)amount);
    counter_sell(c, currency, true, line, tender, "");
}

/* What each type is refunded to by the policy that ships, and who pays it out. */
static void every_type_has_its_way_back_and_its_executor(void **state)
{
    static const struct {
        const char *paid;
        int back;
        int executor;
        bool reissued;
    } cases[] = {
        {"cash", TENDER_CASH, EXECUTOR_TILL, false},
        {"card", TENDER_CARD, EXECUTOR_TERMINAL, false},
        {"wallet", TENDER_WALLET, EXECUTOR_TERMINAL, false},
        {"gift_card", TENDER_GIFT_CARD, EXECUTOR_TILL, true}, /* a new one */
        {"voucher", TENDER_VOUCHER, EXECUTOR_TILL, true},
        {"store_credit", TENDER_STORE_CREDIT, EXECUTOR_TILL, true},
        {"online_payment", TENDER_ONLINE_PAYMENT, EXECUTOR_HUB, false},
        {"store_account", TENDER_STORE_ACCOUNT, EXECUTOR_HUB, false},
        {"loyalty", TENDER_LOYALTY, EXECUTOR_HUB, false},
        {"cheque", TENDER_STORE_CREDIT, EXECUTOR_TILL, true}, /* it may bounce */
    };
    struct counter *c = *state;
    assert_int_equal(sizeof cases / sizeof *cases, TENDER_COUNT - 1); /* rounding is none */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sell_for(c, "EUR", cases[i].paid, 1000);
        struct decision d = counter_quote(c, 1, 1);
        assert_int_equal(d.tender_count, 1);
        assert_int_equal(d.tenders[0].type, cases[i].back);
        assert_int_equal(d.tenders[0].executor, cases[i].executor);
        assert_int_equal(d.tenders[0].reissued, cases[i].reissued);
        assert_int_equal(d.tenders[0].tender, 1);
        assert_int_equal(d.tracks.settles,
                         cases[i].back != TENDER_CASH); /* no file tells of cash */
        if (strcmp(cases[i].paid, "cheque") == 0)
            assert_null(d.tenders[0].reference); /* a cheque's is none of a credit */
        else
            assert_string_equal(d.tenders[0].reference, "tok_1");
    }
}

static void cash_is_never_refunded_to_a_card(void **state)
{
    struct counter *c = *state;
    sell_for(c, "EUR", "cash", 1000);
    struct decision d =
        counter_ask(c, "{'receipt':'R1','refund_to':'card','lines':[{'line':1,'quantity':1,"
                       "'reason':'unwanted','condition':'open_box'}]}");
    assert_int_equal(d.outcome, OUTCOME_DECLINED);
    assert_true(counter_has_reason(&d, "tender_not_allowed"));
    c->facts.manager = true; /* nor by a manager: the policy doesn't name it */
    d = counter_ask(c, "{'receipt':'R1','refund_to':'card','lines':[{'line':1,'quantity':1,"
                       "'reason':'unwanted','condition':'open_box'}]}");
    assert_int_equal(d.outcome, OUTCOME_DECLINED);
}

static void the_policy_may_name_another_executor(void **state)
{
    struct counter *c = *state;
    c->policy.tenders.executor[TENDER_CARD] = EXECUTOR_HUB;
    sell_for(c, "EUR", "card", 1000);
    assert_int_equal(counter_quote(c, 1, 1).tenders[0].executor, EXECUTOR_HUB);
}

static void sell_on_two_cards(struct counter *c)
{
    counter_sell(
        c, "EUR", true, "{'line':1,'sku':'a','quantity':2,'amount':2000}",
        "{'tender':1,'type':'card','amount':1000},{'tender':2,'type':'card','amount':1000}", "");
}

static void of_two_cards_the_first_is_paid_back_first(void **state)
{
    struct counter *c = *state;
    sell_on_two_cards(c);
    assert_int_equal(counter_return(c, 1, 1).tenders[0].tender, 1);
    assert_int_equal(counter_return(c, 1, 1).tenders[0].tender, 2);
}

/* Two stores that could not talk to each other paid more on one than was paid on it. */
static void what_one_card_got_too_much_is_not_taken_from_the_other(void **state)
{
    struct counter *c = *state;
    sell_on_two_cards(c);
    c->history.tenders[0].refunded_minor = 2000;
    struct decision d = counter_quote(c, 1, 1);
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    assert_int_equal(d.tender_count, 1);
    assert_int_equal(d.tenders[0].tender, 2);
    assert_int_equal(d.tenders[0].amount_minor, 1000);
}

/* What goes into new goods must have been paid as well. */
static void an_exchange_takes_no_more_than_is_left(void **state)
{
    struct counter *c = *state;
    sell_on_two_cards(c);
    c->history.tenders[0].refunded_minor = 1000;
    c->history.tenders[1].refunded_minor = 400;
    struct request_line line = {
        .line = 1, .quantity = 1, .reason = "unwanted", .condition = "open_box"};
    const struct return_request request = {.receipt = "R1", .lines = &line, .line_count = 1};
    const struct decide_input in = {.sale = &c->sale,
                                    .history = &c->history,
                                    .request = &request,
                                    .policy = &c->policy,
                                    .facts = &c->facts,
                                    .exchange_minor = 500};
    struct decision d;
    assert_int_equal(returns_decide(&in, &c->arena, &d, &c->fault), ERR_OK);
    assert_int_equal(d.outcome, OUTCOME_DECLINED);
    assert_true(counter_has_reason(&d, "refund_exceeds_paid"));
}

/* Half of each piece was rounded away; those that bore the rounding were voided since. */
static void rounding_that_is_due_later_is_no_more_than_what_comes_back(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "EUR", true, "{'line':1,'sku':'a','quantity':8,'amount':8}",
                 "{'tender':1,'type':'cash','amount':4},{'tender':2,'type':'rounding','amount':4}",
                 "");
    c->history.lines[0].units = c->history.lines[0].amount_minor = 3;
    c->history.refunded_minor = c->history.tenders[0].refunded_minor = 3;
    struct decision d = counter_quote(c, 1, 1);
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    assert_int_equal(d.tender_count, 1);
    assert_int_equal(d.tenders[0].type, TENDER_ROUNDING);
    assert_int_equal(d.tenders[0].amount_minor, 1);
}

static int64_t handed_over(struct counter *c, const char *currency, int64_t amount)
{
    sell_for(c, currency, "cash", amount + 100); /* the till took more than this comes to */
    c->sale.lines[0].paid_minor = c->sale.lines[0].gross_minor = amount;
    c->sale.lines[0].net_minor = amount;
    struct decision d = counter_quote(c, 1, 1);
    assert_int_equal(d.total_minor, amount);
    assert_int_equal(d.tenders[0].amount_minor, amount);
    assert_int_equal(d.tenders[0].cash_rounding_minor, d.tenders[0].paid_out_minor - amount);
    return d.tenders[0].paid_out_minor;
}

static void cash_is_rounded_by_currency_and_country(void **state)
{
    struct counter *c = *state;
    assert_int_equal(handed_over(c, "EUR", 1013), 1013); /* Germany rounds nothing */
    c->facts.country = "FI";
    assert_int_equal(handed_over(c, "EUR", 1013), 1015);
    assert_int_equal(handed_over(c, "EUR", 1012), 1010);
    assert_int_equal(handed_over(c, "CHF", 1012), 1010);
    assert_int_equal(handed_over(c, "SEK", 1050), 1100); /* half away from zero */
    assert_int_equal(handed_over(c, "JPY", 1013), 1013);
}

static void cash_may_be_rounded_up_or_down(void **state)
{
    struct counter *c = *state;
    struct policy_rounding rounding = {
        .currency = "EUR", .country = "", .step_minor = 5, .method = POLICY_ROUND_UP};
    c->policy.tenders.roundings = &rounding;
    c->policy.tenders.rounding_count = 1;
    assert_int_equal(handed_over(c, "EUR", 1011), 1015);
    assert_int_equal(handed_over(c, "EUR", 1010), 1010);
    rounding.method = POLICY_ROUND_DOWN;
    assert_int_equal(handed_over(c, "EUR", 1014), 1010);
}

/* Four pieces that are rounded up leave less in cash than the fifth comes to. */
static void rounding_up_again_and_again_hands_over_no_more_than_was_paid(void **state)
{
    struct counter *c = *state;
    c->facts.country = "FI";
    counter_sell(c, "EUR", true,
                 "{'line':1,'sku':'a','quantity':1,'amount':203},"
                 "{'line':2,'sku':'a','quantity':1,'amount':203},"
                 "{'line':3,'sku':'a','quantity':1,'amount':203},"
                 "{'line':4,'sku':'a','quantity':1,'amount':203},"
                 "{'line':5,'sku':'a','quantity':1,'amount':188}",
                 "{'tender':1,'type':'cash','amount':1000}", "");
    int64_t handed = 0;
    for (int64_t line = 1; line <= 5; line++)
        handed += counter_return(c, line, 1).tenders[0].paid_out_minor;
    assert_int_equal(handed, 1000);
}

static int64_t paid_in(struct counter *c, const char *from, const char *to, const char *rate,
                       int64_t amount)
{
    char json[256];
    sell_for(c, from, "card", amount);
    c->facts.fx.to = to;
    assert_int_equal(decimal_parse(slice_of(rate), &c->facts.fx.at_sale), ERR_OK);
    c->facts.fx.today = c->facts.fx.at_sale;
    (void)snprintf(json, sizeof json,
                   "{'receipt':'R1','currency':'%s','lines':[{'line':1,'quantity':1,"
                   "'reason':'unwanted','condition':'open_box'}]}",
                   to);
    struct decision d = counter_ask(c, json);
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    assert_int_equal(d.total_minor, amount); /* caps are compared in the sale's currency */
    return d.tenders[0].paid_out_minor;
}

static void exponents_of_both_currencies_count(void **state)
{
    struct counter *c = *state;
    assert_int_equal(paid_in(c, "JPY", "EUR", "0.0061", 10000), 6100);
    assert_int_equal(paid_in(c, "EUR", "JPY", "164.2", 6100), 10016);
    assert_int_equal(paid_in(c, "KWD", "EUR", "3.0123", 1234), 372);
    assert_int_equal(paid_in(c, "EUR", "KWD", "0.33197", 372), 1235);
    assert_int_equal(paid_in(c, "KWD", "JPY", "494.5", 1234), 610);
    assert_int_equal(paid_in(c, "JPY", "KWD", "0.002", 610), 1220);
}

/* 34.58 at today's rate: a cap in pounds is none for euros. */
static void cash_in_another_currency_is_rounded_by_its_own(void **state)
{
    struct counter *c = *state;
    c->facts.country = "FI";
    c->facts.fx.to = "EUR";
    c->facts.fx.at_sale = c->facts.fx.today = (struct decimal){11527, 4};
    sell_for(c, "GBP", "cash", 3000);
    struct decision d =
        counter_ask(c, "{'receipt':'R1','currency':'EUR','lines':[{'line':1,'quantity':1,"
                       "'reason':'unwanted','condition':'open_box'}]}");
    assert_int_equal(d.tenders[0].amount_minor, 3000);
    assert_int_equal(d.tenders[0].paid_out_minor, 3460);
    assert_int_equal(d.tenders[0].cash_rounding_minor, 2);
}

/* 10.00 in euros for the first piece is no cash in francs. */
static void cash_of_another_currency_does_not_count_against_the_drawers(void **state)
{
    struct counter *c = *state;
    c->facts.fx.to = "EUR";
    c->facts.fx.at_sale = c->facts.fx.today = (struct decimal){.digits = 2};
    counter_sell(c, "CHF", true, "{'line':1,'sku':'a','quantity':2,'amount':1000}",
                 "{'tender':1,'type':'cash','amount':1000}", "");
    struct decision first =
        counter_ask(c, "{'receipt':'R1','currency':'EUR','lines':[{'line':1,'quantity':1,"
                       "'reason':'unwanted','condition':'open_box'}]}");
    assert_int_equal(first.tenders[0].paid_out_minor, 1000);
    counter_keep(c, &first);
    assert_int_equal(counter_return(c, 1, 1).tenders[0].paid_out_minor, 500);
}

/* 10.01 in parts of 4.01 and 6.00, at 1.1111: 11.12 together; each rounded by itself, 11.13. */
static void parts_in_another_currency_sum_to_the_whole_converted(void **state)
{
    struct counter *c = *state;
    c->facts.fx.to = "EUR";
    c->facts.fx.at_sale = c->facts.fx.today = (struct decimal){11111, 4};
    counter_sell(c, "GBP", true, "{'line':1,'sku':'a','quantity':1,'amount':1001}",
                 "{'tender':1,'type':'card','amount':401},{'tender':2,'type':'card','amount':600}",
                 "");
    struct decision d =
        counter_ask(c, "{'receipt':'R1','currency':'EUR','lines':[{'line':1,'quantity':1,"
                       "'reason':'unwanted','condition':'open_box'}]}");
    assert_int_equal(d.tender_count, 2);
    assert_int_equal(d.tenders[0].paid_out_minor, 446);
    assert_int_equal(d.tenders[0].paid_out_minor + d.tenders[1].paid_out_minor, 1112);
}

static void a_rate_that_makes_no_amount_is_refused_by_name(void **state)
{
    struct counter *c = *state;
    struct decision d;
    sell_for(c, "EUR", "card", MONEY_MAX_MINOR);
    c->facts.fx.to = "JPY";
    c->facts.fx.at_sale = c->facts.fx.today = (struct decimal){.digits = 999999999999};
    assert_int_equal(counter_try(c,
                                 "{'receipt':'R1','currency':'JPY','lines':[{'line':1,"
                                 "'quantity':1,'reason':'unwanted','condition':'open_box'}]}",
                                 &d),
                     ERR_INVALID);
    assert_string_equal(c->fault.where, "currency");
}

static void todays_rate_alone_is_not_enough(void **state)
{
    struct counter *c = *state;
    c->policy.fx = POLICY_FX_TODAY;
    sell_for(c, "GBP", "card", 3000);
    c->facts.fx.to = "EUR";
    c->facts.fx.today = (struct decimal){11741, 4};
    struct decision d =
        counter_ask(c, "{'receipt':'R1','currency':'EUR','lines':[{'line':1,'quantity':1,"
                       "'reason':'unwanted','condition':'open_box'}]}");
    assert_int_equal(d.outcome, OUTCOME_NEEDS_LINK); /* gain or loss could not be told */
}

#define PLAN(test) cmocka_unit_test_setup_teardown(test, counter_setup, counter_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAN(every_type_has_its_way_back_and_its_executor),
        PLAN(cash_is_never_refunded_to_a_card),
        PLAN(the_policy_may_name_another_executor),
        PLAN(of_two_cards_the_first_is_paid_back_first),
        PLAN(what_one_card_got_too_much_is_not_taken_from_the_other),
        PLAN(an_exchange_takes_no_more_than_is_left),
        PLAN(rounding_that_is_due_later_is_no_more_than_what_comes_back),
        PLAN(cash_is_rounded_by_currency_and_country),
        PLAN(cash_may_be_rounded_up_or_down),
        PLAN(rounding_up_again_and_again_hands_over_no_more_than_was_paid),
        PLAN(exponents_of_both_currencies_count),
        PLAN(cash_in_another_currency_is_rounded_by_its_own),
        PLAN(cash_of_another_currency_does_not_count_against_the_drawers),
        PLAN(parts_in_another_currency_sum_to_the_whole_converted),
        PLAN(a_rate_that_makes_no_amount_is_refused_by_name),
        PLAN(todays_rate_alone_is_not_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
