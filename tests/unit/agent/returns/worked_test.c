/* The numbers that were worked out by hand. */
#include "tests/unit/agent/returns/counter.h"

#include "agent/returns/exchange.h"
#include "agent/returns/fx.h"
#include "agent/returns/tenderplan.h"

static const char three_for_ten[] =
    "{'line':1,'sku':'4711','category':'apparel','quantity':3,'amount':1000,'cost':600,"
    "'tax':[{'type':'vat','class':'standard','jurisdiction':'DE','rate':'19','amount':160}]}";
static const char card_1000[] = "{'tender':1,'type':'card','amount':1000,'reference':'tok_8f2'}";

static void assert_line(const struct decision *d, int64_t gross, int64_t tax)
{
    assert_int_equal(d->lines[0].gross_minor, gross);
    assert_int_equal(d->lines[0].taxes[0].amount_minor, tax);
    assert_int_equal(d->lines[0].net_minor, gross - tax);
    assert_int_equal(d->total_minor, gross);
}

static void three_for_ten_one_by_one(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "EUR", true, three_for_ten, card_1000, "");
    struct decision d = counter_return(c, 1, 1);
    assert_line(&d, 333, 53);
    d = counter_return(c, 1, 1);
    assert_line(&d, 334, 54);
    d = counter_return(c, 1, 1);
    assert_line(&d, 333, 53);
    assert_int_equal(d.lines[0].net_minor, 280);
    assert_int_equal(d.lines[0].cost_minor, 200);
    d = counter_quote(c, 1, 1);
    assert_int_equal(d.outcome, OUTCOME_DECLINED);
    assert_true(counter_has_reason(&d, "quantity_exceeds_remaining"));
}

static void ten_off_an_order_of_three_lines(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "EUR", true,
                 "{'line':1,'sku':'a','quantity':1,'amount':1999},"
                 "{'line':2,'sku':'b','quantity':1,'amount':501},"
                 "{'line':3,'sku':'c','quantity':2,'amount':750}",
                 "{'tender':1,'type':'card','amount':2250}", ",'order_discount':1000");
    assert_int_equal(c->sale.lines[0].paid_minor, 1384);
    assert_int_equal(c->sale.lines[1].paid_minor, 347);
    assert_int_equal(c->sale.lines[2].paid_minor, 519);
    assert_int_equal(counter_return(c, 3, 1).total_minor, 260);
    assert_int_equal(counter_return(c, 3, 1).total_minor, 259);
}

/* Amounts by position in the sale: gift card, card, cash. */
static void assert_tenders(const struct decision *d, int64_t gift, int64_t card, int64_t cash)
{
    int64_t amounts[3] = {0};
    int64_t sum = 0;
    for (size_t i = 0; i < d->tender_count; i++) {
        amounts[d->tenders[i].sale_index] = d->tenders[i].amount_minor;
        sum += d->tenders[i].amount_minor;
    }
    assert_int_equal(amounts[0], gift);
    assert_int_equal(amounts[1], card);
    assert_int_equal(amounts[2], cash);
    assert_int_equal(sum, d->total_minor);
}

static void sell_for_three_tenders(struct counter *c)
{
    counter_sell(c, "EUR", true,
                 "{'line':1,'sku':'cheese','unit':'g','quantity':11900,'amount':11900}",
                 "{'tender':1,'type':'gift_card','amount':3000},"
                 "{'tender':2,'type':'card','amount':6000},"
                 "{'tender':3,'type':'cash','amount':2900}",
                 "");
}

static void assert_one_more_is_refused(struct counter *c)
{
    struct tenderplan plan = {
        .policy = &c->policy,
        .facts = &c->facts,
        .sale = &c->sale,
        .history = &c->history,
        .total_minor = 1,
        .currency = c->sale.currency,
        .paid_currency = c->sale.currency,
    };
    struct decided_tender tenders[4];
    size_t count;
    struct tenderplan_doubts doubts;
    tenderplan_make(&plan, tenders, &count, &doubts);
    assert_string_equal(doubts.refusal, "refund_exceeds_paid");
    assert_int_equal(count, 0);
}

static void tenders_by_priority(void **state)
{
    struct counter *c = *state;
    sell_for_three_tenders(c);
    struct decision d = counter_return(c, 1, 5000);
    assert_tenders(&d, 0, 5000, 0);
    d = counter_return(c, 1, 5000);
    assert_tenders(&d, 3000, 1000, 1000);
    d = counter_return(c, 1, 1900);
    assert_tenders(&d, 0, 0, 1900);
    assert_one_more_is_refused(c);
}

static void tenders_in_proportion_to_what_is_left(void **state)
{
    struct counter *c = *state;
    c->policy.tenders.split = POLICY_SPLIT_PROPORTIONAL;
    sell_for_three_tenders(c);
    struct decision d = counter_return(c, 1, 5000);
    assert_tenders(&d, 1261, 2521, 1218);
    d = counter_return(c, 1, 5000);
    assert_tenders(&d, 1260, 2521, 1219);
    d = counter_return(c, 1, 1900);
    assert_tenders(&d, 479, 958, 463);
    assert_one_more_is_refused(c);
}

static struct decision return_with_fee(struct counter *c, bool taxed)
{
    struct policy_fee *fee = arena_alloc(&c->arena, 1, sizeof *fee);
    *fee = (struct policy_fee){.rule = "restocking", .rate = {.digits = 15}, .taxed = taxed};
    c->policy.fees = fee;
    c->policy.fee_count = 1;
    counter_sell(c, "EUR", true,
                 "{'line':1,'sku':'a','quantity':1,'amount':11900,'tax':[{'type':'vat',"
                 "'jurisdiction':'DE','rate':'19','amount':1900}]}",
                 "{'tender':1,'type':'card','amount':11900}", "");
    return counter_return(c, 1, 1);
}

static void restocking_fee_untaxed(void **state)
{
    struct decision d = return_with_fee(*state, false);
    assert_int_equal(d.total_minor, 10400);
    assert_int_equal(d.lines[0].fee.amount_minor, 1500);
    assert_int_equal(d.lines[0].fee.tax_minor, 0);
}

static void restocking_fee_taxed(void **state)
{
    struct decision d = return_with_fee(*state, true);
    assert_int_equal(d.total_minor, 10115);
    assert_int_equal(d.lines[0].fee.amount_minor, 1785);
    assert_int_equal(d.lines[0].fee.tax_minor, 285);
}

static void even_exchange_across_rates(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "EUR", true,
                 "{'line':1,'sku':'book','quantity':1,'amount':2140,'tax':[{'type':'vat',"
                 "'class':'reduced','jurisdiction':'DE','rate':'7','amount':140}]}",
                 "{'tender':1,'type':'card','amount':2140}", "");
    struct decision d = counter_return(c, 1, 1);
    counter_sell(c, "EUR", true,
                 "{'line':1,'sku':'lamp','quantity':1,'amount':2140,'tax':[{'type':'vat',"
                 "'class':'standard','jurisdiction':'DE','rate':'19','amount':342}]}",
                 "{'tender':1,'type':'store_credit','amount':2140}", "");
    struct exchange exchange;
    assert_int_equal(exchange_settle(&d, &c->sale, &c->arena, &exchange, &c->fault), ERR_OK);
    assert_int_equal(exchange.due_minor, 0);
    assert_int_equal(exchange.applied_minor, 2140);
    assert_int_equal(exchange.tax_difference_minor, 202);
    assert_int_equal(exchange.tax_count, 2);
    assert_int_equal(exchange.taxes[0].reversed_minor, 140);
    assert_int_equal(exchange.taxes[1].charged_minor, 342);
}

static void return_yen(struct counter *c, int64_t tax, const int64_t *taxes)
{
    static const int64_t gross[] = {333, 334, 333};
    char line[512];
    snprintf(line, sizeof line,
             "{'line':1,'sku':'a','quantity':3,'amount':1000,'tax':[{'type':'vat',"
             "'jurisdiction':'JP','rate':'10','amount':%lld}]}",
             (long long)tax);
    counter_sell(c, "JPY", true, line, "{'tender':1,'type':'cash','amount':1000}", "");
    for (size_t i = 0; i < 3; i++) {
        struct decision d = counter_return(c, 1, 1);
        assert_line(&d, gross[i], taxes[i]);
    }
}

static void yen_without_decimals(void **state)
{
    return_yen(*state, 91, (const int64_t[]){30, 31, 30});
    return_yen(*state, 90, (const int64_t[]){30, 30, 30});
}

static void void_and_return_again_never_above_the_total(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "EUR", true, three_for_ten, card_1000, "");
    struct decision first = counter_return(c, 1, 1);
    struct decision second = counter_return(c, 1, 1);
    assert_int_equal(first.total_minor, 333);
    assert_int_equal(second.total_minor, 334);
    counter_rebuild(c, &second, 1);
    struct decision third = counter_return(c, 1, 1);
    struct decision fourth = counter_return(c, 1, 1);
    assert_int_equal(third.total_minor, 333);
    assert_int_equal(fourth.total_minor, 333);
    assert_int_equal(c->history.lines[0].amount_minor, 1000);
    assert_int_equal(c->history.lines[0].taxes_minor[0], 160);
}

static struct decision return_pounds_in_euro(struct counter *c, int fx)
{
    c->policy.fx = fx;
    c->facts.fx.to = "EUR";
    assert_int_equal(decimal_parse(slice_of("1.1523"), &c->facts.fx.at_sale), ERR_OK);
    assert_int_equal(decimal_parse(slice_of("1.1741"), &c->facts.fx.today), ERR_OK);
    counter_sell(c, "GBP", true,
                 "{'line':1,'sku':'a','quantity':1,'amount':3000,'tax':[{'type':'vat',"
                 "'jurisdiction':'GB','rate':'20','amount':500}]}",
                 "{'tender':1,'type':'card','amount':3000}", "");
    return counter_ask(c, "{'receipt':'R1','currency':'EUR','lines':[{'line':1,'quantity':1,"
                          "'reason':'unwanted','condition':'new_sealed'}]}");
}

static void pounds_paid_back_in_euro(void **state)
{
    struct counter *c = *state;
    struct decision d = return_pounds_in_euro(c, POLICY_FX_SALE);
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    assert_int_equal(d.total_minor, 3000);
    assert_int_equal(d.tenders[0].paid_out_minor, 3457);
    assert_int_equal(d.tenders[0].fx_minor, 0);
    const struct currency *pound = currency_find(slice_of("GBP"));
    const struct currency *euro = currency_find(slice_of("EUR"));
    int64_t vat = fx_convert(d.tax_minor, pound, euro, c->facts.fx.at_sale);
    assert_int_equal(vat, 576);
    assert_int_equal(d.tenders[0].paid_out_minor - vat, 2881);

    d = return_pounds_in_euro(c, POLICY_FX_TODAY);
    assert_int_equal(d.tenders[0].paid_out_minor, 3522);
    assert_int_equal(d.tenders[0].fx_minor, 65);
}

static void marketplace_commission_less_what_is_kept(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "EUR", true,
                 "{'line':1,'sku':'a','quantity':1,'amount':34500},"
                 "{'line':2,'sku':'b','quantity':1,'amount':5700}",
                 "{'tender':1,'type':'online_payment','amount':40200}",
                 ",'marketplace':{'name':'Bazaar','lines':["
                 "{'line':1,'fee':5175,'kept_rate':'20','kept_cap':500},"
                 "{'line':2,'fee':855,'kept_rate':'20','kept_cap':500}]}");
    struct decision d =
        counter_ask(c, "{'receipt':'R1','lines':["
                       "{'line':1,'quantity':1,'reason':'unwanted','condition':'new_sealed'},"
                       "{'line':2,'quantity':1,'reason':'unwanted','condition':'new_sealed'}]}");
    const struct decided_commission *first = &d.lines[0].commission;
    const struct decided_commission *second = &d.lines[1].commission;
    assert_int_equal(first->fee_minor, 5175);
    assert_int_equal(first->kept_minor, 500);
    assert_int_equal(first->reversed_minor, 4675);
    assert_int_equal(second->fee_minor, 855);
    assert_int_equal(second->kept_minor, 171);
    assert_int_equal(second->reversed_minor, 684);
    assert_int_equal(first->reversed_minor + second->reversed_minor, 5359);
}

static void cost_of_three_pieces(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "EUR", true, "{'line':1,'sku':'a','quantity':3,'amount':30000,'cost':12000}",
                 "{'tender':1,'type':'card','amount':30000}", "");
    for (int i = 0; i < 3; i++)
        assert_int_equal(counter_return(c, 1, 1).lines[0].cost_minor, 4000);
}

static void rounding_at_the_sale_is_reversed_and_not_paid_out(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "EUR", true, "{'line':1,'sku':'a','quantity':1,'amount':750}",
                 "{'tender':1,'type':'cash','amount':700},"
                 "{'tender':2,'type':'rounding','amount':50}",
                 "");
    struct decision d = counter_return(c, 1, 1);
    assert_int_equal(d.tender_count, 2);
    assert_int_equal(d.tenders[0].type, TENDER_CASH);
    assert_int_equal(d.tenders[0].paid_out_minor, 700);
    assert_int_equal(d.tenders[1].type, TENDER_ROUNDING);
    assert_int_equal(d.tenders[1].amount_minor, 50);
    assert_int_equal(d.tenders[1].paid_out_minor, 0);
    assert_int_equal(d.tenders[1].executor, EXECUTOR_NONE);
    assert_int_equal(d.payout_minor, 700);
}

#define WORKED(test) cmocka_unit_test_setup_teardown(test, counter_setup, counter_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKED(three_for_ten_one_by_one),
        WORKED(ten_off_an_order_of_three_lines),
        WORKED(tenders_by_priority),
        WORKED(tenders_in_proportion_to_what_is_left),
        WORKED(restocking_fee_untaxed),
        WORKED(restocking_fee_taxed),
        WORKED(even_exchange_across_rates),
        WORKED(yen_without_decimals),
        WORKED(void_and_return_again_never_above_the_total),
        WORKED(pounds_paid_back_in_euro),
        WORKED(marketplace_commission_less_what_is_kept),
        WORKED(cost_of_three_pieces),
        WORKED(rounding_at_the_sale_is_reversed_and_not_paid_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
