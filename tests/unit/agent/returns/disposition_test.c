/* Where goods go, by the policy that ships: condition, category and value. */
#include "tests/unit/agent/returns/counter.h"

#include "agent/returns/disposition.h"

static void sell(struct counter *c, const char *category, int64_t amount)
{
    char line[160];
    char tender[80];
    (void)snprintf(line, sizeof line,
                   "{'line':1,'sku':'a','category':'%s','quantity':1,'amount':%lld}", category,
                   (long long)amount);
    (void)snprintf(tender, sizeof tender, "{'tender':1,'type':'card','amount':%lld}",
                   (long long)amount);
    counter_sell(c, "EUR", true, line, tender, "");
}

static const struct {
    const char *category;
    int64_t amount;
    const char *reason;
    const char *condition;
    int disposition;
    const char *rule;
} routes[] = {
    {"toys", 5000, "unwanted", "new_sealed", DISPOSITION_RESTOCK, "sealed"},
    {"toys", 5000, "unwanted", "open_box", DISPOSITION_RESTOCK, "opened"},
    {"toys", 5000, "unwanted", "used", DISPOSITION_LIQUIDATE, "used"},
    {"toys", 5000, "defective", "defective", DISPOSITION_RETURN_TO_SUPPLIER, "broken"},
    {"toys", 999, "defective", "defective", DISPOSITION_DESTROY, "cheap-and-broken"},
    {"toys", 1000, "defective", "damaged", DISPOSITION_QUARANTINE, "damaged"},
    {"toys", 5000, "unwanted", "incomplete", DISPOSITION_QUARANTINE, "damaged"},
    {"toys", 5000, "wrong_item", "wrong_goods", DISPOSITION_QUARANTINE, "wrong-goods"},
    {"toys", 5000, "recall", "new_sealed", DISPOSITION_RETURN_TO_MANUFACTURER, "recalled"},
    {"food/cheese", 5000, "defective", "open_box", DISPOSITION_DESTROY, "perishable"},
    {"food", 5000, "unwanted", "new_sealed", DISPOSITION_RESTOCK, "sealed"},
    {"underwear", 5000, "defective", "used", DISPOSITION_DESTROY, "hygiene"},
};

static void the_decision_routes_by_condition_category_value_and_reason(void **state)
{
    struct counter *c = *state;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        char json[256];
        sell(c, routes[i].category, routes[i].amount);
        (void)snprintf(json, sizeof json,
                       "{'receipt':'R1','lines':[{'line':1,'quantity':1,'reason':'%s',"
                       "'condition':'%s'}]}",
                       routes[i].reason, routes[i].condition);
        struct decision d = counter_ask(c, json);
        assert_string_equal(d.lines[0].disposition_rule, routes[i].rule);
        assert_int_equal(d.lines[0].disposition, routes[i].disposition);
    }
}

static void goods_that_are_inspected_later_go_the_same_way(void **state)
{
    struct counter *c = *state;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        int disposition = -1;
        const char *rule = "";
        sell(c, routes[i].category, routes[i].amount);
        const struct disposition_goods goods = {.sale = &c->sale,
                                                .quantity = 1,
                                                .reason = routes[i].reason,
                                                .condition = routes[i].condition};
        assert_int_equal(disposition_inspected(&c->policy, &goods, &disposition, &rule, &c->fault),
                         ERR_OK);
        assert_string_equal(rule, routes[i].rule);
        assert_int_equal(disposition, routes[i].disposition);
    }
}

static void without_a_sale_the_condition_decides(void **state)
{
    struct counter *c = *state;
    int disposition = -1;
    const char *rule = "";
    struct disposition_goods goods = {.reason = "unwanted", .condition = "used"};
    assert_int_equal(disposition_inspected(&c->policy, &goods, &disposition, &rule, &c->fault),
                     ERR_OK);
    assert_int_equal(disposition, DISPOSITION_LIQUIDATE);
    goods.condition = "shiny";
    assert_int_equal(disposition_inspected(&c->policy, &goods, &disposition, &rule, &c->fault),
                     ERR_INVALID);
    assert_string_equal(c->fault.where, "condition");
}

static void the_value_of_what_is_weighed_is_that_of_all_that_comes_back(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "EUR", true,
                 "{'line':1,'sku':'a','quantity':4,'amount':4000},"
                 "{'line':2,'sku':'b','unit':'g','quantity':2000,'amount':4000}",
                 "{'tender':1,'type':'card','amount':8000}", "");
    assert_int_equal(disposition_value(&c->sale.lines[0], 3), 1000);
    assert_int_equal(disposition_value(&c->sale.lines[1], 500), 1000);
}

#define ROUTE(test) cmocka_unit_test_setup_teardown(test, counter_setup, counter_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROUTE(the_decision_routes_by_condition_category_value_and_reason),
        ROUTE(goods_that_are_inspected_later_go_the_same_way),
        ROUTE(without_a_sale_the_condition_decides),
        ROUTE(the_value_of_what_is_weighed_is_that_of_all_that_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
