/* What finance may correct of a return's tax: within the tax of the sale, and once. */
#include "sync/hub/connect/adjustment.h"
#include "tests/support/hub_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define TAX(amount) "[{\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":" amount "}]"

/* One of three pieces that were sold with a tax of 160; `decision` may be any. */
static void give_back(struct hub_run *run, int number, const char *decision)
{
    char data[1024];
    (void)snprintf(
        data, sizeof data,
        "{\"number\":\"R-%d\",\"receipt\":\"A-1\",\"store\":\"0040\",\"currency\":\"EUR\","
        "\"decision\":\"%s\",\"goods\":\"received\",\"lines\":[{\"line\":1,"
        "\"quantity\":1,\"net\":280,\"tax\":" TAX(
            "53") ",\"gross\":333}],\"sale\":{"
                  "\"lines\":[{\"line\":1,\"quantity\":3,\"amount\":1000,\"tax\":" TAX(
                      "160") "}]}}",
        number, decision);
    hub_run_event(run, 0, number, EVENT_RETURN_CREATED, data);
    hub_run_work(run);
}

static enum err adjust(struct hub_run *run, int number, const char *tax, const char *key)
{
    const struct id correlation = hub_run_return(number);
    char id[ID_TEXT + 1];
    struct told told = {0};
    id_format(&correlation, id);
    const struct adjustment adjustment = {.return_id = id,
                                          .tax = slice_of(tax),
                                          .by = "ada",
                                          .reason = "wrong rate",
                                          .key = key,
                                          .now_ms = run->now_ms};
    hub_run_must(run, database_begin(run->db, &run->fault));
    enum err err = adjustment_record(run->db, &adjustment, &told, &run->fault);
    if (err)
        database_rollback(run->db);
    else
        hub_run_must(run, database_commit(run->db, &run->fault));
    hub_run_work(run);
    return err;
}

static void same_key_adjusts_once_and_another_content_is_a_conflict(void **state)
{
    struct hub_run *run = *state;
    give_back(run, 1, "accepted");
    hub_run_must(run, adjust(run, 1, TAX("7"), "k1"));
    hub_run_must(run, adjust(run, 1, TAX("7"), "k1"));
    assert_int_equal(adjust(run, 1, TAX("8"), "k1"), ERR_CONFLICT);
    assert_int_equal(hub_run_balance(run, "tax"), 60);
    assert_int_equal(hub_run_balance(run, "returns"), 273);
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -333);
}

static void no_more_than_the_tax_of_the_sale_over_all_of_its_returns(void **state)
{
    struct hub_run *run = *state;
    give_back(run, 1, "accepted");
    give_back(run, 2, "accepted");
    assert_int_equal(adjust(run, 1, TAX("55"), "k1"), ERR_REFUSED);
    hub_run_must(run, adjust(run, 1, TAX("54"), "k2"));
    assert_int_equal(adjust(run, 2, TAX("1"), "k3"), ERR_REFUSED);
    assert_int_equal(adjust(run, 2, TAX("-54"), "k4"), ERR_REFUSED);
    hub_run_must(run, adjust(run, 2, TAX("-53"), "k5"));
    assert_int_equal(hub_run_balance(run, "tax"), 107);
}

static void return_that_was_voided_leaves_its_tax_to_the_others(void **state)
{
    struct hub_run *run = *state;
    give_back(run, 1, "accepted");
    give_back(run, 2, "accepted");
    hub_run_event(run, 0, 1, EVENT_RETURN_VOIDED, "{}");
    hub_run_work(run);
    assert_int_equal(adjust(run, 1, TAX("1"), "k1"), ERR_REFUSED);
    hub_run_must(run, adjust(run, 2, TAX("107"), "k2"));
}

static void what_makes_no_sense_is_refused_by_name(void **state)
{
    static const struct {
        const char *tax;
        const char *where;
    } cases[] = {
        {"[]", "tax"},
        {TAX("0"), "tax.amount"},
        {"[{\"amount\":1}]", "tax[0].jurisdiction"},
        {"[{\"jurisdiction\":\"DE\",\"amount\":1,\"type\":\"odd\"}]", "tax.type"},
        {"[{\"jurisdiction\":\"DE\",\"amount\":1,\"class\":\"odd\"}]", "tax.class"},
        {"[{\"jurisdiction\":\"DE\",\"amount\":1,\"rate\":\"odd\"}]", "tax.rate"},
    };
    struct hub_run *run = *state;
    assert_int_equal(adjust(run, 1, TAX("1"), "k"), ERR_NOT_FOUND);
    give_back(run, 1, "declined");
    assert_int_equal(adjust(run, 1, TAX("1"), "k"), ERR_REFUSED);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(adjust(run, 1, cases[i].tax, "k"), ERR_INVALID);
        assert_string_equal(run->fault.where, cases[i].where);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hub_run_setup, hub_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(same_key_adjusts_once_and_another_content_is_a_conflict),
        TEST(no_more_than_the_tax_of_the_sale_over_all_of_its_returns),
        TEST(return_that_was_voided_leaves_its_tax_to_the_others),
        TEST(what_makes_no_sense_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
