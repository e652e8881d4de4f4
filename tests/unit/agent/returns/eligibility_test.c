/* One rule at a time, in a policy that has no other. */
#include "tests/unit/agent/returns/counter.h"

static int setup(void **state)
{
    static struct counter c;
    counter_open(&c);
    counter_sell(&c, "EUR", true,
                 "{'line':1,'sku':'a','category':'apparel/socks','quantity':3,'amount':3000,"
                 "'group':'set'},"
                 "{'line':2,'sku':'b','category':'food','quantity':1,'amount':1000,'group':'set'}",
                 "{'tender':1,'type':'cash','amount':4000}", "");
    *state = &c;
    return 0;
}

static int teardown(void **state)
{
    counter_close(*state);
    return 0;
}

static void set_rules(struct counter *c, const char *rules)
{
    char json[2048];
    snprintf(json, sizeof json,
             "{'version':'test','reasons':[{'code':'unwanted','means':'unwanted'}],"
             "'conditions':[{'code':'open_box','means':'open_box'}],'rules':[%s]}",
             rules);
    if (policy_read(counter_json(c, json), &c->arena, &c->policy, &c->fault) != ERR_OK)
        fail_msg("%s: %s", c->fault.where, c->fault.text);
}

static void assert_broken(struct counter *c, int64_t line, int64_t quantity, const char *code)
{
    struct decision d = counter_quote(c, line, quantity);
    if (d.outcome != OUTCOME_NEEDS_MANAGER || !counter_has_reason(&d, code))
        fail_msg("%s instead of %s", outcome_words[d.outcome], code);
    assert_string_equal(d.rule, "r");
}

static void assert_kept(struct counter *c, int64_t line, int64_t quantity)
{
    struct decision d = counter_quote(c, line, quantity);
    if (d.outcome != OUTCOME_ACCEPTED)
        fail_msg("%s: %s", outcome_words[d.outcome], d.reasons[0].code);
}

static void the_special_rule_stands_before_the_general(void **state)
{
    struct counter *c = *state;
    set_rules(c, "{'rule':'socks','check':'window','days':99,'outcome':'declined',"
                 "'when':{'categories':['apparel']}},"
                 "{'rule':'r','check':'window','days':1,'outcome':'needs_manager'}");
    assert_kept(c, 1, 1);
    assert_broken(c, 2, 1, "window_expired");
}

static void days_are_the_stores_civil_days(void **state)
{
    struct counter *c = *state;
    set_rules(c, "{'rule':'r','check':'age','days':1,'outcome':'needs_manager'}");
    c->facts.now_ms = counter_time("2026-11-23T22:59:59Z");
    assert_kept(c, 1, 1);
    c->facts.now_ms = counter_time("2026-11-23T23:00:00Z");
    assert_broken(c, 1, 1, "too_old");
}

static void amounts_and_cash_have_limits(void **state)
{
    struct counter *c = *state;
    set_rules(c, "{'rule':'r','check':'amount','limits':[{'currency':'EUR','amount':1000}],"
                 "'outcome':'needs_manager'}");
    assert_kept(c, 1, 1);
    assert_broken(c, 1, 2, "amount_limit");
    set_rules(c, "{'rule':'r','check':'cash','limits':[{'currency':'EUR','amount':1999}],"
                 "'outcome':'needs_manager'}");
    assert_kept(c, 1, 1);
    assert_broken(c, 1, 2, "cash_limit");
    set_rules(c, "{'rule':'r','check':'amount','limits':[{'currency':'USD','amount':1}],"
                 "'outcome':'needs_manager'}");
    assert_kept(c, 1, 3);
}

static void returns_are_counted_for_each_kind_by_itself(void **state)
{
    struct counter *c = *state;
    set_rules(c, "{'rule':'x','check':'velocity','per':'associate','days':1,'returns':100,"
                 "'outcome':'declined'},"
                 "{'rule':'r','check':'velocity','per':'customer','days':30,'returns':3,"
                 "'limits':[{'currency':'EUR','amount':5000}],'outcome':'needs_manager'}");
    c->facts.velocity[VELOCITY_CUSTOMER] = (struct fact_velocity){2, 3000};
    assert_kept(c, 1, 2);
    assert_broken(c, 1, 3, "too_many_returns");
    c->facts.velocity[VELOCITY_CUSTOMER] = (struct fact_velocity){3, 0};
    assert_broken(c, 1, 1, "too_many_returns");
    assert_int_equal(policy_velocity_days(&c->policy, VELOCITY_CUSTOMER), 30);
}

static void a_group_comes_back_whole(void **state)
{
    struct counter *c = *state;
    set_rules(c, "{'rule':'r','check':'whole_group','outcome':'needs_manager'}");
    assert_broken(c, 1, 3, "group_incomplete");
    struct decision d =
        counter_ask(c, "{'receipt':'R1','lines':["
                       "{'line':1,'quantity':3,'reason':'unwanted','condition':'open_box'},"
                       "{'line':2,'quantity':1,'reason':'unwanted','condition':'open_box'}]}");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
}

static void a_refusal_has_the_policys_own_code(void **state)
{
    struct counter *c = *state;
    set_rules(c, "{'rule':'r','check':'refuse','code':'no_food','outcome':'needs_manager',"
                 "'when':{'categories':['food']}}");
    assert_kept(c, 1, 1);
    assert_broken(c, 2, 1, "no_food");
}

static void categories_fit_whole_words_only(void **state)
{
    struct counter *c = *state;
    set_rules(c, "{'rule':'r','check':'refuse','code':'no','outcome':'needs_manager',"
                 "'when':{'categories':['app','apparel/sock']}}");
    assert_kept(c, 1, 1);
    set_rules(c, "{'rule':'r','check':'refuse','code':'no','outcome':'needs_manager',"
                 "'when':{'categories':['apparel/socks']}}");
    assert_broken(c, 1, 1, "no");
}

static void a_clock_behind_the_sale_is_not_trusted(void **state)
{
    struct counter *c = *state;
    set_rules(c, "{'rule':'r','check':'clock','outcome':'needs_manager'}");
    assert_kept(c, 1, 1);
    c->facts.now_ms = counter_time("2026-11-20T09:00:00Z");
    assert_broken(c, 1, 1, "clock_untrusted");
}

static void values_and_links_narrow_a_rule(void **state)
{
    struct counter *c = *state;
    set_rules(c, "{'rule':'r','check':'refuse','code':'no','outcome':'needs_manager',"
                 "'when':{'value_from':[{'currency':'EUR','amount':1000}],"
                 "'value_below':[{'currency':'EUR','amount':1001}],'link':'yes',"
                 "'in_hand':'yes','receipt':'yes','other_store':'no'}}");
    assert_kept(c, 1, 1);
    c->facts.link_up = true;
    assert_broken(c, 1, 1, "no");
}

static void the_same_reason_of_the_whole_return_is_told_once(void **state)
{
    struct counter *c = *state;
    c->facts.history_uncertain = true;
    set_rules(c, "{'rule':'r','check':'history','outcome':'needs_manager'}");
    struct decision d =
        counter_ask(c, "{'receipt':'R1','lines':["
                       "{'line':1,'quantity':1,'reason':'unwanted','condition':'open_box'},"
                       "{'line':2,'quantity':1,'reason':'unwanted','condition':'open_box'}]}");
    assert_int_equal(d.reason_count, 1);
    assert_true(d.reasons[0].request_index == DECISION_NO_INDEX);
}

#define RULE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(the_special_rule_stands_before_the_general),
        RULE(days_are_the_stores_civil_days),
        RULE(amounts_and_cash_have_limits),
        RULE(returns_are_counted_for_each_kind_by_itself),
        RULE(a_group_comes_back_whole),
        RULE(a_refusal_has_the_policys_own_code),
        RULE(categories_fit_whole_words_only),
        RULE(a_clock_behind_the_sale_is_not_trusted),
        RULE(values_and_links_narrow_a_rule),
        RULE(the_same_reason_of_the_whole_return_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
