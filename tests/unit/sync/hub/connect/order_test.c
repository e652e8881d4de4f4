/* Orders and authorisations that come to the centre; and what two stores took back twice. */
#include "sync/hub/connect/authorisation.h"
#include "sync/hub/connect/order.h"
#include "tests/support/order_desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

/* A store accepts pieces of a receipt whose sale it doesn't know: its lines are its own. */
static void give_back_unsold(struct hub_run *run, int store, int number, const char *item,
                             int quantity, const char *decision)
{
    char data[1024];
    (void)snprintf(data, sizeof data,
                   "{\"number\":\"R-%d\",\"receipt\":\"A-1\",\"store\":\"004%d\",\"currency\":"
                   "\"EUR\",\"decision\":\"%s\",\"goods\":\"received\",\"lines\":[{\"line\":1,"
                   "\"item\":0,\"quantity\":%d,\"net\":%d,\"tax\":[],\"gross\":%d}],"
                   "\"request\":{\"lines\":[{%s}]}}",
                   number, store, decision, quantity, quantity * 1000, quantity * 1000, item);
    hub_run_event(run, store, number, EVENT_RETURN_CREATED, data);
    hub_run_work(run);
}

/* Where the sale is known: a hat, and three socks in two lines. */
static void give_back_socks(struct hub_run *run, int store, int number, int quantity)
{
    char data[1024];
    (void)snprintf(data, sizeof data,
                   "{\"number\":\"R-%d\",\"receipt\":\"A-1\",\"store\":\"004%d\",\"currency\":"
                   "\"EUR\",\"decision\":\"accepted\",\"goods\":\"received\",\"lines\":[{"
                   "\"line\":2,\"quantity\":%d,\"net\":%d,\"tax\":[],\"gross\":%d}],\"sale\":{"
                   "\"lines\":[{\"line\":1,\"gtin\":\"12345670\",\"quantity\":1},"
                   "{\"line\":2,\"gtin\":\"4006381333931\",\"quantity\":2},"
                   "{\"line\":3,\"gtin\":\"4006381333931\",\"quantity\":1}]}}",
                   number, store, quantity, quantity * 1000, quantity * 1000);
    hub_run_event(run, store, number, EVENT_RETURN_CREATED, data);
    hub_run_work(run);
}

#define SOCKS "\"gtin\":\"04006381333931\""
#define HAT "\"gtin\":\"12345670\""

static int64_t raised(struct hub_run *run, const char *code)
{
    char sql[128];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM hub_exception WHERE code = '%s'", code);
    return hub_run_number(run, sql);
}

static void
pieces_that_came_back_before_their_sale_was_known_are_told_apart_by_the_item(void **state)
{
    struct hub_run *run = *state;
    give_back_unsold(run, 0, 1, SOCKS, 1, "accepted");
    give_back_socks(run, 1, 2, 2); /* all three are back now */
    give_back_unsold(run, 0, 3, HAT, 1, "accepted");
    assert_int_equal(told_of(run, "return.conflicted"), 0);
    give_back_unsold(run, 2, 4, SOCKS, 1, "accepted"); /* a fourth */
    assert_int_equal(told_of(run, "return.conflicted"), 1);
    assert_int_equal(raised(run, "amount_rebased"), 1);
    assert_int_equal(hub_run_balance(run, "suspense"), 1000);
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -5000);
}

static void sale_that_is_known_later_finds_the_piece_that_was_taken_back_before(void **state)
{
    struct hub_run *run = *state;
    give_back_unsold(run, 0, 1, SOCKS, 2, "accepted");
    give_back_socks(run, 1, 2, 2); /* of line 2, which has two; but three were sold in all */
    assert_int_equal(told_of(run, "return.conflicted"), 1);
    assert_int_equal(raised(run, "amount_rebased"), 1);
    assert_int_equal(hub_run_balance(run, "suspense"), 1000);
}

static void unknown_receipt_that_waits_for_a_check_fails_it_when_nothing_is_left(void **state)
{
    struct hub_run *run = *state;
    give_back_socks(run, 1, 1, 2);
    give_back_unsold(run, 0, 2, SOCKS, 1, "accepted_pending_check");
    give_back_unsold(run, 2, 3, SOCKS, 1, "accepted_pending_check");
    assert_int_equal(hub_run_events_with(run, "quantity_exceeds_remaining"), 1);
    assert_int_equal(told_of(run, "return.conflicted"), 0);
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -3000);
}

static void same_item_of_a_receipt_that_nobody_knows_is_asked_about(void **state)
{
    struct hub_run *run = *state;
    give_back_unsold(run, 0, 1, SOCKS, 1, "accepted");
    give_back_unsold(run, 1, 2, HAT, 1, "accepted");
    assert_int_equal(raised(run, "quantity_exceeds_remaining"), 0);
    give_back_unsold(run, 1, 3, SOCKS, 1, "accepted");
    assert_int_equal(raised(run, "quantity_exceeds_remaining"), 1);
    assert_int_equal(told_of(run, "return.conflicted"), 0); /* it may well be another piece */
    assert_int_equal(hub_run_balance(run, "suspense"), 0);
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

#define AUTHORISE_OF_A(number, lines)                                                              \
    "{\"number\":\"" number "\",\"receipt\":\"A-1\",\"channel\":\"online\",\"lines\":[" lines "]}"
#define OF_LINE(line, quantity)                                                                    \
    "{\"line\":" line ",\"quantity\":" quantity ",\"reason\":\"unwanted\"}"

static void what_came_back_before_its_sale_was_known_is_not_authorised_again(void **state)
{
    static const char order[] =
        "{\"receipt\":\"A-1\",\"order\":\"O-2\",\"channel\":\"online\",\"store\":\"0040\","
        "\"sold_at\":\"2026-11-20T10:00:00Z\",\"currency\":\"EUR\",\"prices_include_tax\":true,"
        "\"lines\":[{\"line\":1,\"gtin\":\"4006381333931\",\"quantity\":2,\"amount\":2000,"
        "\"tax\":[]},{\"line\":2,\"quantity\":1,\"amount\":500,\"tax\":[]}],"
        "\"tenders\":[{\"tender\":1,\"type\":\"card\",\"amount\":2500}]}";
    struct hub_run *run = *state;
    struct told told = {0};
    give_back_unsold(run, 0, 1, SOCKS, 1, "accepted");
    hub_run_must(run, bring(run, order_take, order, NULL, &told));
    assert_int_equal(
        bring(run, authorisation_take, AUTHORISE_OF_A("RMA-1", OF_LINE("1", "2")), NULL, &told),
        ERR_REFUSED);
    assert_non_null(strstr(run->fault.text, "of line 1 2 were sold and 1 are returned"));
    hub_run_must(run, bring(run, authorisation_take,
                            AUTHORISE_OF_A("RMA-2", OF_LINE("1", "1") "," OF_LINE("2", "1")), NULL,
                            &told));
    assert_int_equal(
        bring(run, authorisation_take, AUTHORISE_OF_A("RMA-3", OF_LINE("1", "1")), NULL, &told),
        ERR_REFUSED);
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
        TEST(pieces_that_came_back_before_their_sale_was_known_are_told_apart_by_the_item),
        TEST(sale_that_is_known_later_finds_the_piece_that_was_taken_back_before),
        TEST(unknown_receipt_that_waits_for_a_check_fails_it_when_nothing_is_left),
        TEST(same_item_of_a_receipt_that_nobody_knows_is_asked_about),
        TEST(what_was_voided_may_come_back_elsewhere),
        TEST(authorisation_is_used_up_once_by_whoever_shows_it),
        TEST(what_came_back_before_its_sale_was_known_is_not_authorised_again),
        TEST(what_came_back_under_an_authorisation_is_no_longer_promised),
        TEST(return_that_waits_for_a_check_is_checked_against_all_stores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
