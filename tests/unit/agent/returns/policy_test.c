#include "tests/unit/agent/returns/counter.h"

static void the_default_names_its_version_and_reads(void **state)
{
    struct counter *c = *state;
    assert_string_equal(c->policy.version, "default-2");
    assert_int_equal(c->policy.reason_count, REASON_COUNT);
    assert_int_equal(c->policy.condition_count, CONDITION_COUNT);
    assert_int_equal(c->policy.no_receipt.refund, TENDER_STORE_CREDIT);
    assert_true(c->policy.tenders.rank[TENDER_CARD] < c->policy.tenders.rank[TENDER_WALLET]);
    assert_true(c->policy.tenders.rank[TENDER_WALLET] < c->policy.tenders.rank[TENDER_GIFT_CARD]);
    assert_true(c->policy.tenders.rank[TENDER_GIFT_CARD] < c->policy.tenders.rank[TENDER_CASH]);
    assert_int_equal(c->policy.tenders.executor[TENDER_CASH], EXECUTOR_TILL);
    assert_int_equal(policy_velocity_days(&c->policy, VELOCITY_CUSTOMER), 90);
    assert_int_equal(policy_velocity_days(&c->policy, VELOCITY_RECEIPT), 0);
}

static void assert_in_all_languages(const struct policy *policy, const char *code)
{
    for (int language = 0; language < POLICY_LANGUAGE_COUNT; language++)
        if (strcmp(policy_text(policy, (enum policy_language)language, code), code) == 0)
            fail_msg("%s has no text in %s", code, policy_languages[language]);
}

static void every_code_has_a_text_in_every_language(void **state)
{
    const struct policy *policy = &((struct counter *)*state)->policy;
    static const char *const fixed[] = {"quantity_exceeds_remaining",
                                        "not_on_receipt",
                                        "item_mismatch",
                                        "refund_exceeds_paid",
                                        "tender_not_allowed",
                                        "no_exchange_rate",
                                        "no_original",
                                        "receipt_unknown",
                                        "not_confirmed",
                                        "history_uncertain",
                                        "clock_untrusted",
                                        "window_expired",
                                        "too_old",
                                        "refused",
                                        "serial_mismatch",
                                        "amount_limit",
                                        "too_many_returns",
                                        "order_incomplete",
                                        "group_incomplete",
                                        "item_not_on_file",
                                        "price_above_lowest",
                                        "cash_limit",
                                        "tax_jurisdiction_mismatch"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        assert_in_all_languages(policy, fixed[i]);
    for (size_t i = 0; i < policy->reason_count; i++)
        assert_in_all_languages(policy, policy->reasons[i].code);
    for (size_t i = 0; i < policy->condition_count; i++)
        assert_in_all_languages(policy, policy->conditions[i].code);
    for (size_t i = 0; i < policy->rule_count; i++)
        if (policy->rules[i].code)
            assert_in_all_languages(policy, policy->rules[i].code);
}

static void a_missing_text_falls_back_to_english_then_to_the_code(void **state)
{
    (void)state;
    struct policy_text text = {.code = "late", .words = {[POLICY_EN] = "Late"}};
    struct policy policy = {.texts = &text, .text_count = 1};
    assert_string_equal(policy_text(&policy, POLICY_DE, "late"), "Late");
    assert_string_equal(policy_text(&policy, POLICY_DE, "other"), "other");
}

/* A small policy with one member more. */
static void assert_refused(struct counter *c, const char *more, const char *where)
{
    char json[2048];
    struct policy policy;
    snprintf(json, sizeof json,
             "{'version':'1','reasons':[{'code':'late','means':'late'}],"
             "'conditions':[{'code':'used','means':'used'}],%s}",
             more);
    c->fault = (struct fault){0};
    if (policy_read(counter_json(c, json), &c->arena, &policy, &c->fault) == ERR_OK)
        fail_msg("taken: %s", more);
    assert_string_equal(c->fault.where, where);
    assert_true(*c->fault.text);
}

#define RATES(rate) "'rules':[],'rates':[{" rate "}]"

static void every_refusal_names_the_path(void **state)
{
    struct counter *c = *state;
    assert_refused(c, "'rulez':[]", "rules");
    assert_refused(c, "'rules':[],'extra':1", "extra");
    assert_refused(c, "'rules':[{'rule':'a','check':'window','outcome':'declined'}]",
                   "rules[0].days");
    assert_refused(c, "'rules':[{'rule':'a','check':'amount','outcome':'declined'}]",
                   "rules[0].limits");
    assert_refused(c, "'rules':[{'rule':'a','check':'refuse','outcome':'declined'}]",
                   "rules[0].code");
    assert_refused(c, "'rules':[{'rule':'a','check':'velocity','days':1,'outcome':'declined'}]",
                   "rules[0].returns");
    assert_refused(c, "'rules':[{'rule':'a','check':'serial','outcome':'perhaps'}]",
                   "rules[0].outcome");
    assert_refused(c,
                   "'rules':[{'rule':'a','check':'serial','outcome':'declined'},"
                   "{'rule':'a','check':'clock','outcome':'declined'}]",
                   "rules[1].rule");
    assert_refused(c,
                   "'rules':[{'rule':'a','check':'serial','outcome':'declined',"
                   "'when':{'channels':['store','shop']}}]",
                   "rules[0].when.channels[1]");
    assert_refused(c,
                   "'rules':[{'rule':'a','check':'serial','outcome':'declined',"
                   "'when':{'reasons':['bored']}}]",
                   "rules[0].when.reasons[0]");
    assert_refused(c,
                   "'rules':[{'rule':'a','check':'amount','outcome':'declined',"
                   "'limits':[{'currency':'EUX','amount':1}]}]",
                   "rules[0].limits[0].currency");
    assert_refused(c, "'rules':[],'fees':[{'rule':'f','rate':'101'}]", "fees[0].rate");
    assert_refused(c, "'rules':[],'fees':[{'rule':'f','rate':'-1'}]", "fees[0].rate");
    assert_refused(c,
                   "'rules':[],'holidays':[{'rule':'h','sold_from':'2026-11-01',"
                   "'sold_to':'2026-13-24','until':'2027-01-31'}]",
                   "holidays[0].sold_to");
    assert_refused(c,
                   "'rules':[],'holidays':[{'rule':'h','sold_from':'2026-11-01',"
                   "'sold_to':'2026-12-24','until':'2026-01-31'}]",
                   "holidays[0].until");
    assert_refused(c, RATES("'from':'GBX','to':'EUR','since':'2026-11-01','rate':'1'"),
                   "rates[0].from");
    assert_refused(c, RATES("'from':'GBP','to':'EUX','since':'2026-11-01','rate':'1'"),
                   "rates[0].to");
    assert_refused(c, RATES("'from':'GBP','to':'EUR','since':'2026-11-31','rate':'1'"),
                   "rates[0].since");
    assert_refused(c, RATES("'from':'GBP','to':'EUR','since':'2026-11-01','rate':'0'"),
                   "rates[0].rate");
    assert_refused(c, RATES("'from':'GBP','to':'EUR','since':'2026-11-01','rate':'1,2'"),
                   "rates[0].rate");
    assert_refused(c, "'rules':[],'tenders':{'allowed':[{'paid':'cash','refund':['gold']}]}",
                   "tenders.allowed[0].refund[0]");
    assert_refused(c, "'rules':[],'tenders':{'allowed':[{'paid':'cash','refund':[]}]}",
                   "tenders.allowed[0].refund");
    assert_refused(c, "'rules':[],'tenders':{'allowed':[{'paid':'cash','refund':['rounding']}]}",
                   "tenders.allowed[0].refund");
    assert_refused(c, "'rules':[],'tenders':{'priority':['gold']}", "tenders.priority[0]");
    assert_refused(c, "'rules':[],'tenders':{'cash_rounding':[{'currency':'XXX','step':5}]}",
                   "tenders.cash_rounding[0].currency");
    assert_refused(c, "'rules':[],'dispositions':[{'rule':'d','disposition':'burn'}]",
                   "dispositions[0].disposition");
    assert_refused(c,
                   "'rules':[],'dispositions':[{'rule':'d','disposition':'destroy',"
                   "'when':{'conditions':['new']}}]",
                   "dispositions[0].when.conditions[0]");
}

static void a_retailers_own_reason_follows_the_rules_of_what_it_means(void **state)
{
    struct counter *c = *state;
    struct policy *policy = &c->policy;
    struct cJSON *json =
        counter_json(c, "{'version':'own','reasons':[{'code':'moths','means':'defective'},"
                        "{'code':'cheaper','means':'price_adjust'}],"
                        "'conditions':[{'code':'used','means':'used'}],'rules':[]}");
    assert_int_equal(policy_read(json, &c->arena, policy, &c->fault), ERR_OK);
    assert_int_equal(policy_reason(policy, "cheaper"), 1);
    assert_int_equal(policy_reason(policy, "defective"), policy->reason_count);
    counter_sell(c, "EUR", true, "{'line':1,'sku':'a','quantity':1,'amount':1000}",
                 "{'tender':1,'type':'card','amount':1000}", "");
    struct decision d =
        counter_ask(c, "{'receipt':'R1','lines':[{'line':1,'quantity':1,'amount':10,"
                       "'reason':'cheaper','condition':'used'}]}");
    assert_int_equal(d.outcome, OUTCOME_ACCEPTED);
    assert_int_equal(d.total_minor, 10);
    assert_true(d.lines[0].adjustment);
}

static void a_rate_holds_from_its_day_until_a_later_one(void **state)
{
    struct counter *c = *state;
    struct cJSON *json =
        counter_json(c, "{'version':'1','reasons':[{'code':'late','means':'late'}],"
                        "'conditions':[{'code':'used','means':'used'}],'rules':[],'rates':["
                        "{'from':'GBP','to':'EUR','since':'1970-01-11','rate':'1.1741'},"
                        "{'from':'GBP','to':'EUR','since':'1970-01-03','rate':'1.1523'},"
                        "{'from':'EUR','to':'GBP','since':'1970-01-03','rate':'0.86'}]}");
    assert_int_equal(policy_read(json, &c->arena, &c->policy, &c->fault), ERR_OK);
    assert_int_equal(policy_rate_on(&c->policy, "GBP", "EUR", 1).digits, 0);
    assert_int_equal(policy_rate_on(&c->policy, "GBP", "EUR", 2).digits, 11523);
    assert_int_equal(policy_rate_on(&c->policy, "GBP", "EUR", 9).digits, 11523);
    assert_int_equal(policy_rate_on(&c->policy, "GBP", "EUR", 10).digits, 11741);
    assert_int_equal(policy_rate_on(&c->policy, "EUR", "GBP", 10).digits, 86);
    assert_int_equal(policy_rate_on(&c->policy, "EUR", "USD", 10).digits, 0);
}

#define POLICY(test) cmocka_unit_test_setup_teardown(test, counter_setup, counter_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POLICY(the_default_names_its_version_and_reads),
        POLICY(every_code_has_a_text_in_every_language),
        POLICY(a_missing_text_falls_back_to_english_then_to_the_code),
        POLICY(every_refusal_names_the_path),
        POLICY(a_rate_holds_from_its_day_until_a_later_one),
        POLICY(a_retailers_own_reason_follows_the_rules_of_what_it_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
