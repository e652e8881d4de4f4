/* Orders and authorisations that come to the centre; and what two stores took back twice. */
#include "sync/hub/connect/authorisation.h"
#include "sync/hub/connect/order.h"
#include "tests/support/order_desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ORDER                                                                                      \
    "{\"receipt\":\"WEB-1\",\"order\":\"O-1\",\"channel\":\"online\",\"store\":\"0040\","          \
    "\"sold_at\":\"2026-11-20T10:00:00Z\",\"currency\":\"EUR\",\"prices_include_tax\":true,"       \
    "\"lines\":[{\"line\":1,\"quantity\":2,\"amount\":2000,\"tax\":[]}],"                          \
    "\"tenders\":[{\"tender\":1,\"type\":\"card\",\"amount\":2000}]}"
#define AUTHORISE(quantity) AUTHORISE_AS("RMA-1", quantity)
#define AUTHORISE_AS(number, quantity)                                                             \
    "{\"number\":\"" number                                                                        \
    "\",\"receipt\":\"WEB-1\",\"channel\":\"online\",\"lines\":[{\"line\":1,"                      \
    "\"quantity\":" quantity ",\"reason\":\"unwanted\"}]}"

static void order_is_pushed_to_its_store_and_known_again(void **state)
{
    struct hub_run *run = *state;
    struct told told = {0};
    hub_run_refund(run, 0, 1, 100); /* the hub hears of the store */
    hub_run_must(run, bring(run, order_take, ORDER, NULL, &told));
    assert_int_equal(told.count, 1);
    assert_string_equal(told.devices[0], "box-a");
    hub_run_must(run, bring(run, order_take, ORDER, NULL, &told));
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM inbox_out"), 1);
    char *subject = hub_run_text(run, "SELECT subject FROM event WHERE type LIKE '%sale.pushed%'");
    assert_string_equal(subject, "receipt/WEB-1");
    free(subject);
}

static void order_is_pushed_to_the_stores_that_are_named(void **state)
{
    struct hub_run *run = *state;
    struct told told = {0};
    for (int i = 0; i < HUB_RUN_STORES; i++)
        hub_run_refund(run, i, i + 1, 100);
    hub_run_must(run, bring(run, order_take, ORDER, "0041,0042,9999", &told));
    assert_int_equal(told.count, 2);
}

static void order_with_other_content_or_none_that_makes_sense_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum err err;
        const char *where;
    } cases[] = {
        {"{\"receipt\":\"WEB-1\",\"store\":\"1\",\"sold_at\":\"2026-11-20T10:00:00Z\",\"currency\":"
         "\"EUR\",\"prices_include_tax\":true,\"lines\":[{\"line\":1,\"quantity\":1,\"amount\":1}],"
         "\"tenders\":[]}",
         ERR_CONFLICT, "receipt"},
        {"{\"receipt\":\"W\"}", ERR_INVALID, "store"},
        {"{\"receipt\":\"W\",\"store\":\"1\",\"sold_at\":\"2026-11-20T10:00:00Z\",\"currency\":"
         "\"EUX\",\"prices_include_tax\":true,\"lines\":[{\"line\":1,\"quantity\":1,\"amount\":1}],"
         "\"tenders\":[]}",
         ERR_INVALID, "currency"},
        {"[]", ERR_INVALID, ""},
    };
    struct hub_run *run = *state;
    struct told told = {0};
    hub_run_must(run, bring(run, order_take, ORDER, NULL, &told));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(bring(run, order_take, cases[i].text, NULL, &told), cases[i].err);
        assert_string_equal(run->fault.where, cases[i].where);
    }
    assert_int_equal(told_of(run, "sale.pushed"), 1);
}

static void no_more_is_authorised_than_is_left(void **state)
{
    struct hub_run *run = *state;
    struct told told = {0};
    assert_int_equal(bring(run, authorisation_take, AUTHORISE("1"), NULL, &told), ERR_NOT_FOUND);
    hub_run_must(run, bring(run, order_take, ORDER, NULL, &told));
    assert_int_equal(bring(run, authorisation_take, AUTHORISE("3"), NULL, &told), ERR_REFUSED);
    hub_run_must(run, bring(run, authorisation_take, AUTHORISE("1"), NULL, &told));
    give_back(run, 0, 1, "WEB-1", 1, 2, "accepted");
    assert_int_equal(bring(run, authorisation_take, AUTHORISE_AS("RMA-2", "1"), NULL, &told),
                     ERR_REFUSED);
    assert_non_null(strstr(run->fault.text, "quantity_exceeds_remaining"));
    assert_int_equal(told_of(run, "return.authorised"), 1);
}

static void order_and_authorisation_are_known_again_however_they_are_spaced(void **state)
{
    struct hub_run *run = *state;
    struct told told = {0};
    hub_run_refund(run, 0, 1, 100);
    hub_run_must(run, bring(run, order_take, ORDER, NULL, &told));
    hub_run_must(run, bring(run, order_take, " " ORDER "\n", NULL, &told));
    for (int i = 0; i < 2; i++)
        hub_run_must(run, bring(run, authorisation_take, i ? AUTHORISE("2") "\n" : AUTHORISE("2"),
                                NULL, &told));
    assert_int_equal(told_of(run, "return.authorised"), 1);
    assert_int_equal(told_of(run, "sale.pushed"), 1);
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM inbox_out"), 2);
    assert_int_equal(hub_run_number(run, "SELECT sum(quantity) FROM claim WHERE receipt = 'WEB-1'"),
                     2);
    assert_int_equal(bring(run, authorisation_take, AUTHORISE("1"), NULL, &told), ERR_CONFLICT);
    assert_string_equal(run->fault.where, "number");
}

static void same_piece_taken_back_in_two_stores_is_named_and_rebased(void **state)
{
    struct hub_run *run = *state;
    give_back(run, 0, 1, "A-1", 2, 3, "accepted");
    give_back(run, 1, 2, "A-1", 2, 3, "accepted");
    assert_int_equal(told_of(run, "return.conflicted"), 1);
    assert_int_equal(
        hub_run_number(run, "SELECT count(*) FROM hub_exception WHERE code = 'amount_rebased'"), 1);
    /* One of the four pieces was never sold; nothing that is owed or was paid is taken back. */
    assert_int_equal(hub_run_balance(run, "suspense"), 1000);
    assert_int_equal(hub_run_balance(run, "returns"), 3000);
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -4000);
}

static void what_was_voided_may_come_back_elsewhere(void **state)
{
    struct hub_run *run = *state;
    give_back(run, 0, 1, "A-1", 3, 3, "accepted");
    hub_run_event(run, 0, 1, EVENT_RETURN_VOIDED, "{}");
    hub_run_work(run);
    give_back(run, 1, 2, "A-1", 3, 3, "accepted");
    assert_int_equal(told_of(run, "return.conflicted"), 0);
}

static void authorisation_is_used_up_once_by_whoever_shows_it(void **state)
{
    struct hub_run *run = *state;
    struct told told = {0};
    hub_run_must(run, bring(run, order_take, ORDER, NULL, &told));
    hub_run_must(run, bring(run, authorisation_take, AUTHORISE("1"), NULL, &told));
    give_back_under(run, 0, 1, "WEB-1", 1, 2, "accepted", UNDER("RMA-1"));
    assert_int_equal(told_of(run, "return.conflicted"), 0);
    /* Another store, which heard of neither, shows it again: a piece is left of the sale. */
    give_back_under(run, 1, 2, "WEB-1", 1, 2, "accepted", UNDER("RMA-1"));
    assert_int_equal(told_of(run, "return.conflicted"), 1);
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM hub_exception WHERE code = "
                                         "'amount_rebased' AND detail LIKE '%authorisation%'"),
                     1);
    assert_int_equal(hub_run_balance(run, "suspense"), 1000);
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -2000);
}

static void what_came_back_under_an_authorisation_is_no_longer_promised(void **state)
{
    struct hub_run *run = *state;
    struct told told = {0};
    hub_run_must(run, bring(run, order_take, ORDER, NULL, &told));
    hub_run_must(run, bring(run, authorisation_take, AUTHORISE("1"), NULL, &told));
    assert_int_equal(bring(run, authorisation_take, AUTHORISE_AS("RMA-2", "2"), NULL, &told),
                     ERR_REFUSED);
    give_back_under(run, 0, 1, "WEB-1", 1, 2, "accepted", UNDER("RMA-1"));
    hub_run_must(run, bring(run, authorisation_take, AUTHORISE_AS("RMA-2", "1"), NULL, &told));
    hub_run_event(run, 0, 1, EVENT_RETURN_VOIDED, "{}");
    hub_run_work(run);
    assert_int_equal(bring(run, authorisation_take, AUTHORISE_AS("RMA-3", "1"), NULL, &told),
                     ERR_REFUSED);
    give_back_under(run, 1, 2, "WEB-1", 1, 2, "accepted", UNDER("RMA-1"));
    assert_int_equal(told_of(run, "return.conflicted"), 0);
}

static void return_that_waits_for_a_check_is_checked_against_all_stores(void **state)
{
    struct hub_run *run = *state;
    give_back(run, 0, 1, "A-1", 2, 3, "accepted_pending_check");
    give_back(run, 1, 2, "A-1", 2, 3, "accepted_pending_check");
    assert_int_equal(told_of(run, "return.checked"), 2);
    assert_int_equal(hub_run_events_with(run, "quantity_exceeds_remaining"), 1);
    assert_int_equal(told_of(run, "return.conflicted"), 0);
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -2000);
    give_back(run, 2, 3, "A-1", 1, 3, "accepted_pending_check");
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -3000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hub_run_setup, hub_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(order_is_pushed_to_its_store_and_known_again),
        TEST(order_is_pushed_to_the_stores_that_are_named),
        TEST(order_with_other_content_or_none_that_makes_sense_is_refused),
        TEST(no_more_is_authorised_than_is_left),
        TEST(order_and_authorisation_are_known_again_however_they_are_spaced),
        TEST(same_piece_taken_back_in_two_stores_is_named_and_rebased),
        TEST(what_was_voided_may_come_back_elsewhere),
        TEST(authorisation_is_used_up_once_by_whoever_shows_it),
        TEST(what_came_back_under_an_authorisation_is_no_longer_promised),
        TEST(return_that_waits_for_a_check_is_checked_against_all_stores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
