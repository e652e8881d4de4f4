/* Orders, authorisations and goods that come to the centre; and what two stores took back twice. */
#include "sync/hub/connect/claim.h"
#include "sync/hub/connect/order.h"
#include "tests/support/hub_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ORDER                                                                                      \
    "{\"receipt\":\"WEB-1\",\"order\":\"O-1\",\"channel\":\"online\",\"store\":\"0040\","          \
    "\"sold_at\":\"2026-11-20T10:00:00Z\",\"currency\":\"EUR\",\"prices_include_tax\":true,"       \
    "\"lines\":[{\"line\":1,\"quantity\":2,\"amount\":2000,\"tax\":[]}],"                          \
    "\"tenders\":[{\"tender\":1,\"type\":\"card\",\"amount\":2000}]}"
#define AUTHORISE(quantity)                                                                        \
    "{\"number\":\"RMA-1\",\"receipt\":\"WEB-1\",\"channel\":\"online\",\"lines\":[{\"line\":1,"   \
    "\"quantity\":" quantity ",\"reason\":\"unwanted\"}]}"

static int set_up(void **state)
{
    struct hub_run *run = calloc(1, sizeof *run);
    hub_run_open(run);
    *state = run;
    return 0;
}

static int tear_down(void **state)
{
    hub_run_close(*state);
    free(*state);
    return 0;
}

typedef enum err order_run(struct database *db, struct order *order, struct fault *fault);

/* What the centre answers; the fault is the run's. */
static enum err bring(struct hub_run *run, order_run *take, const char *text, const char *stores,
                      struct told *told)
{
    struct buf answer;
    struct order order = {.text = slice_of(text),
                          .stores = stores,
                          .now_ms = run->now_ms,
                          .told = told,
                          .answer = &answer};
    buf_init(&answer, 4096);
    hub_run_must(run, database_begin(run->db, &run->fault));
    enum err err = take(run->db, &order, &run->fault);
    if (err)
        database_rollback(run->db);
    else
        hub_run_must(run, database_commit(run->db, &run->fault));
    buf_free(&answer);
    return err;
}

/* A return of `quantity` of line 1, of which `sold` were sold. */
static void give_back(struct hub_run *run, int store, int number, const char *receipt, int quantity,
                      int sold, const char *decision)
{
    char data[1024];
    (void)snprintf(data, sizeof data,
                   "{\"number\":\"R-%d\",\"receipt\":\"%s\",\"store\":\"004%d\",\"currency\":"
                   "\"EUR\",\"decision\":\"%s\",\"goods\":\"received\",\"lines\":[{\"line\":1,"
                   "\"quantity\":%d,\"net\":%d,\"tax\":[],\"gross\":%d}],\"sale\":{\"lines\":[{"
                   "\"line\":1,\"quantity\":%d}]}}",
                   number, receipt, store, decision, quantity, quantity * 1000, quantity * 1000,
                   sold);
    hub_run_event(run, store, number, EVENT_RETURN_CREATED, data);
    hub_run_work(run);
}

static int64_t told_of(struct hub_run *run, const char *type)
{
    char sql[256];
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*) FROM event WHERE device = 'centre' AND type LIKE '%%%s%%'",
                   type);
    return hub_run_number(run, sql);
}

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
    assert_int_equal(bring(run, order_authorise, AUTHORISE("1"), NULL, &told), ERR_NOT_FOUND);
    hub_run_must(run, bring(run, order_take, ORDER, NULL, &told));
    assert_int_equal(bring(run, order_authorise, AUTHORISE("3"), NULL, &told), ERR_REFUSED);
    hub_run_must(run, bring(run, order_authorise, AUTHORISE("1"), NULL, &told));
    give_back(run, 0, 1, "WEB-1", 1, 2, "accepted");
    assert_int_equal(bring(run, order_authorise, AUTHORISE("1"), NULL, &told), ERR_REFUSED);
    assert_non_null(strstr(run->fault.text, "quantity_exceeds_remaining"));
    assert_int_equal(told_of(run, "return.authorised"), 1);
}

static void goods_that_a_warehouse_received_make_the_debt_due(void **state)
{
    struct hub_run *run = *state;
    struct told told = {0};
    hub_run_event(run, 0, 1, EVENT_RETURN_CREATED,
                  "{\"number\":\"R-1\",\"store\":\"0040\",\"currency\":\"EUR\",\"decision\":"
                  "\"accepted\",\"goods\":\"expected\",\"lines\":[{\"line\":1,\"quantity\":1,"
                  "\"net\":500,\"tax\":[],\"gross\":500}]}");
    hub_run_work(run);
    assert_int_equal(hub_run_balance(run, "refunds_payable"), 0);
    hub_run_must(run, bring(run, order_receive,
                            "{\"return\":\"R-1\",\"lines\":[{\"line\":1,\"quantity\":1,"
                            "\"condition\":\"used\"}]}",
                            NULL, &told));
    hub_run_work(run);
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -500);
    assert_int_equal(told.count, 1);
    assert_int_equal(bring(run, order_receive,
                           "{\"return\":\"R-9\",\"lines\":[{\"line\":1,\"quantity\":1}]}", NULL,
                           &told),
                     ERR_NOT_FOUND);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(order_is_pushed_to_its_store_and_known_again),
        TEST(order_is_pushed_to_the_stores_that_are_named),
        TEST(order_with_other_content_or_none_that_makes_sense_is_refused),
        TEST(no_more_is_authorised_than_is_left),
        TEST(goods_that_a_warehouse_received_make_the_debt_due),
        TEST(same_piece_taken_back_in_two_stores_is_named_and_rebased),
        TEST(what_was_voided_may_come_back_elsewhere),
        TEST(return_that_waits_for_a_check_is_checked_against_all_stores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
