/* One rule at a time, in a policy that has no other. */
#include "tests/unit/agent/returns/counter.h"

static int setup(void **state)
{
    counter_setup(state);
    counter_sell(*state, "EUR", true,
                 "{'line':1,'sku':'a','category':'apparel/socks','quantity':3,'amount':3000,"
                 "'group':'set'},"
                 "{'line':2,'sku':'b','category':'food','quantity':1,'amount':1000,'group':'set'}",
                 "{'tender':1,'type':'cash','amount':4000}", "");
    return 0;
}

static void set_rules(struct counter *c, const char *rules)
{
    char json[2048];
    snprintf(json, sizeof json,
             "{'version':'test','reasons':[{'code':'unwanted','means':'unwanted'},"
             "{'code':'broken','means':'defective'},"
             "{'code':'cheaper','means':'price_adjust'}],"
             "'conditions':[{'code':'open_box','means':'open_box'},"
             "{'code':'new_sealed','means':'new_sealed'}],'rules':[%s]}",
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

/* One piece of the first line. */
static struct decision ask_with(struct counter *c, const char *reason, const char *condition)
{
    char json[256];
    (void)snprintf(json, sizeof json,
                   "{'receipt':'R1','lines':[{'line':1,'quantity':1,'reason':'%s',"
                   "'condition':'%s'}]}",
                   reason, condition);
    return counter_ask(c, json);
}

static struct decision ask_for_reason(struct counter *c, const char *reason)
{
    return ask_with(c, reason, "open_box");
}

static struct decision ask_in_condition(struct counter *c, const char *condition)
{
    return ask_with(c, "unwanted", condition);
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

static void a_lower_price_for_a_part_leaves_the_group_whole(void **state)
{
    struct counter *c = *state;
    set_rules(c, "{'rule':'r','check':'whole_group','outcome':'needs_manager'}");
    struct decision d =
        counter_ask(c, "{'receipt':'R1','lines':[{'line':1,'quantity':1,'amount':100,"
                       "'reason':'cheaper','condition':'open_box'}]}");
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

static void windows_differ_by_channel_and_reason(void **state)
{
    struct counter *c = *state;
    set_rules(c, "{'rule':'web','check':'window','days':99,'outcome':'declined',"
                 "'when':{'channels':['online','marketplace']}},"
                 "{'rule':'broken','check':'window','days':99,'outcome':'declined',"
                 "'when':{'reasons':['broken']}},"
                 "{'rule':'r','check':'window','days':1,'outcome':'needs_manager'}");
    assert_broken(c, 1, 1, "window_expired");
    assert_int_equal(ask_for_reason(c, "broken").outcome, OUTCOME_ACCEPTED);
    c->sale.channel = CHANNEL_ONLINE; /* ordered online, returned in the store */
    assert_kept(c, 1, 1);
    c->sale.channel = CHANNEL_MARKETPLACE;
    assert_kept(c, 1, 1);
    c->sale.channel = CHANNEL_PHONE;
    assert_broken(c, 1, 1, "window_expired");
}

static void a_rule_may_look_at_the_condition(void **state)
{
    struct counter *c = *state;
    set_rules(c, "{'rule':'r','check':'refuse','code':'opened','outcome':'needs_manager',"
                 "'when':{'conditions':['open_box']}}");
    assert_broken(c, 1, 1, "opened");
    assert_int_equal(ask_in_condition(c, "new_sealed").outcome, OUTCOME_ACCEPTED);
}

static void only_a_channel_may_be_refused(void **state)
{
    struct counter *c = *state;
    set_rules(c, "{'rule':'r','check':'refuse','code':'by_post_only','outcome':'needs_manager',"
                 "'when':{'channels':['marketplace']}}");
    assert_kept(c, 1, 1);
    c->sale.channel = CHANNEL_MARKETPLACE;
    assert_broken(c, 1, 1, "by_post_only");
}

static void velocity_is_held_for_receipt_and_associate_too(void **state)
{
    static const char *const names[VELOCITY_COUNT] = {"receipt", "associate", "customer"};
    struct counter *c = *state;
    for (int per = 0; per < VELOCITY_COUNT; per++) {
        char rule[256];
        (void)snprintf(rule, sizeof rule,
                       "{'rule':'r','check':'velocity','per':'%s','days':7,'returns':2,"
                       "'outcome':'needs_manager'}",
                       names[per]);
        set_rules(c, rule);
        c->facts.velocity[per] = (struct fact_velocity){1, 0};
        assert_kept(c, 1, 1);
        c->facts.velocity[per] = (struct fact_velocity){2, 0};
        assert_broken(c, 1, 1, "too_many_returns");
        c->facts.velocity[per] = (struct fact_velocity){0};
    }
}

static void a_receipt_may_be_required_or_not(void **state)
{
    struct counter *c = *state;
    struct fact_item item = {.cheapest = &c->sale.lines[0]};
    c->facts.items = &item;
    c->facts.item_count = 1;
    c->has_sale = false;
    static const char asked[] = "{'receipt':null,'lines':[{'sku':'a','quantity':1,"
                                "'reason':'unwanted','condition':'open_box'}]}";
    set_rules(c, "{'rule':'r','check':'receipt','outcome':'declined'}");
    struct decision d = counter_ask(c, asked);
    assert_int_equal(d.outcome, OUTCOME_DECLINED);
    assert_true(counter_has_reason(&d, "no_original"));
    set_rules(c, "");
    d = counter_ask(c, asked);
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    assert_int_equal(d.tenders[0].type, TENDER_STORE_CREDIT);
    assert_int_equal(d.total_minor, 1000);
}

static void tax_of_another_country_is_seen_and_local_codes_are_not(void **state)
{
    static const struct {
        const char *jurisdiction;
        const char *country;
        bool abroad;
    } cases[] = {{"DE", "DE", false},   {"DE", "AT", true},   {"US-NY", "US", false},
                 {"US-NY", "CA", true}, {"NYC", "US", false}, {"MTA-11", "US", false},
                 {"DE", "", false}};
    struct counter *c = *state;
    struct sale_tax tax = {.type = TAX_VAT, .rate = "19"};
    c->sale.lines[0].taxes = &tax;
    c->sale.lines[0].tax_count = 1;
    c->history.lines[0].taxes_minor = arena_alloc(&c->arena, 1, sizeof(int64_t));
    c->history.lines[0].adjusted_taxes_minor = arena_alloc(&c->arena, 1, sizeof(int64_t));
    set_rules(c, "{'rule':'r','check':'jurisdiction','outcome':'needs_manager'}");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tax.jurisdiction = cases[i].jurisdiction;
        c->facts.country = cases[i].country;
        if (cases[i].abroad)
            assert_broken(c, 1, 1, "tax_jurisdiction_mismatch");
        else
            assert_kept(c, 1, 1);
    }
}

/* The number stands in every request: what is known of it differs. */
static void assert_shown(struct counter *c, const struct fact_authorisation *shown,
                         int64_t quantity, const char *code)
{
    char json[256];
    c->facts.authorisation = shown;
    (void)snprintf(json, sizeof json,
                   "{'receipt':'R1','authorisation':'RMA-1','lines':[{'line':1,'quantity':%d,"
                   "'reason':'unwanted','condition':'open_box'},{'line':1,'quantity':1,"
                   "'reason':'broken','condition':'open_box'}]}",
                   (int)quantity);
    struct decision d = counter_ask(c, json);
    assert_int_equal(d.outcome, *code ? OUTCOME_NEEDS_MANAGER : OUTCOME_ACCEPTED);
    assert_true(!*code || counter_has_reason(&d, code));
}

static void an_authorisation_allows_its_pieces_until_its_time(void **state)
{
    struct counter *c = *state;
    const struct fact_authorised_line lines[] = {{1, 2}};
    struct fact_authorisation shown = {.known = true,
                                       .valid_until_ms = c->facts.now_ms,
                                       .expires = true,
                                       .lines = lines,
                                       .line_count = 1};
    set_rules(c, "{'rule':'a','check':'authorisation','outcome':'needs_manager'},"
                 "{'rule':'u','check':'authorised_until','outcome':'needs_manager'},"
                 "{'rule':'q','check':'authorised_quantity','outcome':'needs_manager'}");
    assert_kept(c, 1, 3); /* none was shown */
    assert_shown(c, &shown, 1, "");
    assert_shown(c, &shown, 2, "authorisation_exceeded");
    shown.valid_until_ms--;
    assert_shown(c, &shown, 1, "authorisation_expired");
    shown.expires = false;
    assert_shown(c, &shown, 1, "");
    assert_shown(c, &(struct fact_authorisation){.known = false}, 1, "authorisation_unknown");
}

static void an_authorisation_is_looked_at_by_the_rules_that_ship(void **state)
{
    struct counter *c = *state;
    const struct fact_authorised_line lines[] = {{1, 1}};
    const struct fact_authorisation shown = {
        .known = true, .expires = true, .valid_until_ms = 1, .lines = lines, .line_count = 1};
    const struct fact_authorisation unknown = {.known = false};
    static const char one[] = "{'receipt':'R1','authorisation':'RMA-1','lines':[{'line':1,"
                              "'quantity':1,'reason':'unwanted','condition':'open_box'}]}";
    c->facts.authorisation = &unknown;
    assert_int_equal(counter_ask(c, one).outcome, OUTCOME_NEEDS_LINK);
    c->facts.link_up = true;
    assert_int_equal(counter_ask(c, one).outcome, OUTCOME_NEEDS_MANAGER);
    c->facts.authorisation = &shown;
    assert_int_equal(counter_ask(c, one).outcome, OUTCOME_NEEDS_MANAGER);
    c->facts.manager = true;
    assert_int_equal(counter_ask(c, one).outcome, OUTCOME_ACCEPTED);
    static const char two[] = "{'receipt':'R1','authorisation':'RMA-1','lines':[{'line':1,"
                              "'quantity':2,'reason':'unwanted','condition':'open_box'}]}";
    struct decision d = counter_ask(c, two);
    assert_int_equal(d.outcome, OUTCOME_DECLINED);
    assert_true(counter_has_reason(&d, "authorisation_exceeded"));
    c->facts.manager = false;
    c->facts.link_up = false;
    c->facts.authorisation = NULL;
}

#define RULE(test) cmocka_unit_test_setup_teardown(test, setup, counter_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(the_special_rule_stands_before_the_general),
        RULE(days_are_the_stores_civil_days),
        RULE(amounts_and_cash_have_limits),
        RULE(returns_are_counted_for_each_kind_by_itself),
        RULE(a_group_comes_back_whole),
        RULE(a_lower_price_for_a_part_leaves_the_group_whole),
        RULE(a_refusal_has_the_policys_own_code),
        RULE(categories_fit_whole_words_only),
        RULE(a_clock_behind_the_sale_is_not_trusted),
        RULE(values_and_links_narrow_a_rule),
        RULE(the_same_reason_of_the_whole_return_is_told_once),
        RULE(windows_differ_by_channel_and_reason),
        RULE(a_rule_may_look_at_the_condition),
        RULE(only_a_channel_may_be_refused),
        RULE(velocity_is_held_for_receipt_and_associate_too),
        RULE(a_receipt_may_be_required_or_not),
        RULE(tax_of_another_country_is_seen_and_local_codes_are_not),
        RULE(an_authorisation_allows_its_pieces_until_its_time),
        RULE(an_authorisation_is_looked_at_by_the_rules_that_ship),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
