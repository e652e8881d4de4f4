#include "tests/unit/agent/returns/counter.h"

/* The example of the API description. */
static const char example[] =
    "{'receipt':'0042-01-20261122-0017','channel':'store','store':'0042','lane':'01',"
    "'sold_at':'2026-11-22T10:11:12+01:00','currency':'EUR','prices_include_tax':true,"
    "'lines':[{'line':1,'sku':'4711','gtin':'04006381333931','description':'Socks',"
    "'category':'apparel','kind':'item','quantity':3,'unit':'each','amount':1000,"
    "'tax':[{'type':'vat','class':'standard','jurisdiction':'DE','rate':'19','amount':160}],"
    "'cost':600}],'order_discount':0,"
    "'tenders':[{'tender':1,'type':'card','amount':1000,'reference':'tok_8f2'}]}";

static void the_example_is_read(void **state)
{
    struct counter *c = *state;
    counter_sale(c, example);
    const struct sale *sale = &c->sale;
    assert_string_equal(sale->receipt, "0042-01-20261122-0017");
    assert_int_equal(sale->channel, CHANNEL_STORE);
    assert_int_equal(sale->line_count, 1);
    assert_int_equal(sale->lines[0].net_minor, 840);
    assert_int_equal(sale->lines[0].gross_minor, 1000);
    assert_int_equal(sale->lines[0].tax_minor, 160);
    assert_true(sale->lines[0].has_cost);
    assert_string_equal(sale->currency->code, "EUR");
    assert_false(sale->has_market);
}

static void net_prices_get_their_tax_added(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "USD", false,
                 "{'line':1,'sku':'a','quantity':2,'amount':1000,'tax':["
                 "{'type':'sales','jurisdiction':'US-NY','rate':'4','amount':40},"
                 "{'type':'sales','jurisdiction':'NYC','rate':'4.5','amount':45}]}",
                 "{'tender':1,'type':'card','amount':1085}", "");
    assert_int_equal(c->sale.lines[0].gross_minor, 1085);
    assert_int_equal(c->sale.lines[0].net_minor, 1000);
}

static void a_group_discount_stays_in_its_group(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "EUR", true,
                 "{'line':1,'sku':'a','quantity':1,'amount':1000,'group':'3for2'},"
                 "{'line':2,'sku':'b','quantity':1,'amount':1000,'group':'3for2'},"
                 "{'line':3,'sku':'c','quantity':1,'amount':1000,'group':'3for2'},"
                 "{'line':4,'sku':'d','quantity':1,'amount':500}",
                 "{'tender':1,'type':'cash','amount':2500}",
                 ",'groups':[{'group':'3for2','discount':1000}]");
    assert_int_equal(c->sale.lines[0].paid_minor, 666);
    assert_int_equal(c->sale.lines[1].paid_minor, 667);
    assert_int_equal(c->sale.lines[2].paid_minor, 667);
    assert_int_equal(c->sale.lines[3].paid_minor, 500);
}

/* Replaces the first `old` of the example. */
static void assert_refused(struct counter *c, const char *old, const char *new, const char *where)
{
    char json[4096];
    const char *at = strstr(example, old);
    assert_non_null(at);
    snprintf(json, sizeof json, "%.*s%s%s", (int)(at - example), example, new, at + strlen(old));
    if (counter_try_sale(c, json) == ERR_OK)
        fail_msg("taken: %s", new);
    assert_string_equal(c->fault.where, where);
    assert_true(*c->fault.text);
}

static void every_refusal_names_the_field(void **state)
{
    struct counter *c = *state;
    assert_refused(c, "'EUR'", "'EUX'", "currency");
    assert_refused(c, "'quantity':3", "'quantity':0", "lines[0].quantity");
    assert_refused(c, "'quantity':3", "'quantity':1.5", "lines[0].quantity");
    assert_refused(c, "'amount':1000", "'amount':-1", "lines[0].amount");
    assert_refused(c, "'amount':1000,'reference'", "'amount':999,'reference'", "tenders");
    assert_refused(c, "'amount':160", "'amount':1001", "lines[0].tax");
    assert_refused(c, "'rate':'19'", "'rate':'19%'", "lines[0].tax[0].rate");
    assert_refused(c, "-0017", "-0017\\n", "receipt");
    assert_refused(c, "-0017", "-0017\x7f", "receipt");
    assert_refused(c, "'type':'vat'", "'type':'vate'", "lines[0].tax[0].type");
    assert_refused(c, "'order_discount':0", "'order_discount':1001", "order_discount");
    assert_refused(c, "'gtin':'04006381333931'", "'gtin':'abc'", "lines[0].gtin");
    assert_refused(c, "'lane':'01'", "'lame':'01'", "lame");
    assert_refused(c, "'store':'0042',", "", "store");
    assert_refused(c, "'cost':600}]", "'cost':600},{'line':1,'sku':'b','quantity':1,'amount':0}]",
                   "lines[1].line");
    assert_refused(c, "'cost':600", "'serial':'S1'", "lines[0].serial");
    assert_refused(c, "'sku':'4711','gtin':'04006381333931',", "", "lines[0].sku");
    assert_refused(c, "'type':'card','amount':1000", "'type':'cash','amount':-1000",
                   "tenders[0].amount");
    assert_refused(c, "'order_discount':0",
                   "'groups':[{'group':'g','discount':1},{'group':'g','discount':1}]",
                   "groups[1].group");
    assert_refused(c, "'order_discount':0",
                   "'marketplace':{'name':'m','lines':[{'line':2,'fee':1}]}",
                   "marketplace.lines[0].line");
    assert_refused(c, "'order_discount':0",
                   "'marketplace':{'name':'m','lines':[{'line':1,'fee':1,'kept_rate':'101'}]}",
                   "marketplace.lines[0].kept_rate");
}

static void card_numbers_are_refused_in_every_text(void **state)
{
    struct counter *c = *state;
    assert_refused(c, "Socks", "Socks 4111 1111 1111 1111", "lines[0].description");
    assert_refused(c, "tok_8f2", "4111111111111111", "tenders[0].reference");
    assert_refused(c, "0042-01-20261122-0017", "4111111111111111", "receipt");
    assert_refused(c, "'sku':'4711'", "'sku':'5555555555554444'", "lines[0].sku");
    assert_refused(c, "'lane':'01'", "'lane':'01','customer':'378282246310005'", "customer");
    assert_refused(c, "'apparel'", "'378282246310005'", "lines[0].category");
    assert_refused(c, "'DE'", "'378282246310005'", "lines[0].tax[0].jurisdiction");
}

static void amounts_that_would_overflow_are_refused(void **state)
{
    struct counter *c = *state;
    char line[256];
    char lines[2048] = "";
    for (int i = 1; i <= 8; i++) {
        snprintf(line, sizeof line,
                 "%s{'line':%d,'sku':'a','quantity':1,'amount':9007199254740991}", i > 1 ? "," : "",
                 i);
        strncat(lines, line, sizeof lines - strlen(lines) - 1);
    }
    char json[4096];
    snprintf(json, sizeof json,
             "{'receipt':'R','store':'1','sold_at':'2026-11-22T10:11:12Z','currency':'EUR',"
             "'prices_include_tax':true,'lines':[%s],'tenders':[]}",
             lines);
    assert_int_equal(counter_try_sale(c, json), ERR_INVALID);
    assert_string_equal(c->fault.where, "lines");
}

#define SALE(test) cmocka_unit_test_setup_teardown(test, counter_setup, counter_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SALE(the_example_is_read),
        SALE(net_prices_get_their_tax_added),
        SALE(a_group_discount_stays_in_its_group),
        SALE(every_refusal_names_the_field),
        SALE(card_numbers_are_refused_in_every_text),
        SALE(amounts_that_would_overflow_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
