/* Goods that a warehouse received, and the returns of the centre that they make. */
#include "sync/hub/connect/authorisation.h"
#include "sync/hub/connect/claim.h"
#include "sync/hub/connect/goods_received.h"
#include "sync/hub/connect/revocation.h"
#include "tests/support/order_desk.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Goods under a key of the caller's. */
static enum err bring_named(struct hub_run *run, const char *text, const char *key,
                            struct told *told)
{
    struct order order = {.text = slice_of(text), .key = key, .told = told};
    return bring_order(run, goods_received_take, &order);
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
    hub_run_must(run, bring(run, goods_received_take,
                            "{\"return\":\"R-1\",\"lines\":[{\"line\":1,\"quantity\":1,"
                            "\"condition\":\"used\"}]}",
                            NULL, &told));
    hub_run_work(run);
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -500);
    assert_int_equal(told.count, 1);
    assert_int_equal(bring(run, goods_received_take,
                           "{\"return\":\"R-9\",\"lines\":[{\"line\":1,\"quantity\":1}]}", NULL,
                           &told),
                     ERR_NOT_FOUND);
}

#define SHIRTS                                                                                     \
    "{\"receipt\":\"WEB-3\",\"channel\":\"online\",\"store\":\"0040\",\"sold_at\":"                \
    "\"2026-11-20T10:00:00Z\",\"currency\":\"EUR\",\"prices_include_tax\":true,\"lines\":[{"       \
    "\"line\":1,\"quantity\":3,\"amount\":1000,\"tax\":[{\"jurisdiction\":\"DE\",\"rate\":\"19\"," \
    "\"amount\":160}],\"cost\":600}],\"tenders\":[{\"tender\":1,\"type\":\"%s\",\"amount\":400,"   \
    "\"reference\":\"tok_1\"},{\"tender\":2,\"type\":\"online_payment\",\"amount\":600,"           \
    "\"reference\":\"tok_2\"}]}"

/* A sale of three pieces, paid by two tenders; the id of the authorised return of `quantity`. */
static void sell_shirts(struct hub_run *run, const char *tender)
{
    char text[1024];
    struct told told = {0};
    (void)snprintf(text, sizeof text, SHIRTS, tender);
    hub_run_must(run, bring(run, order_take, text, NULL, &told));
}

static struct id authorise(struct hub_run *run, int quantity)
{
    char text[256];
    struct told told = {0};
    struct id id;
    (void)snprintf(text, sizeof text,
                   "{\"number\":\"RMA-3-%d\",\"receipt\":\"WEB-3\",\"lines\":[{\"line\":1,"
                   "\"quantity\":%d}]}",
                   quantity, quantity);
    hub_run_must(run, bring(run, authorisation_take, text, NULL, &told));
    char *subject = hub_run_text(
        run, "SELECT subject FROM event WHERE type LIKE '%return.authorised%' ORDER BY event_no "
             "DESC LIMIT 1");
    assert_int_equal(id_parse(slice_of(subject + strlen("return/")), &id), ERR_OK);
    free(subject);
    return id;
}

/* A notice of its own each time. */
static enum err bring_goods(struct hub_run *run, const struct id *id, int quantity,
                            const char *condition)
{
    char text[256];
    char name[ID_TEXT + 1];
    struct told told = {0};
    id_format(id, name);
    (void)snprintf(text, sizeof text,
                   "{\"return\":\"%s\",\"notice\":\"N-%" PRId64 "\",\"lines\":[{\"line\":1,"
                   "\"quantity\":%d,\"condition\":\"%s\"}]}",
                   name, ++run->sequences[0], quantity, condition);
    return bring(run, goods_received_take, text, NULL, &told);
}

static enum err goods_came(struct hub_run *run, const struct id *id, int quantity,
                           const char *condition)
{
    enum err err = bring_goods(run, id, quantity, condition);
    hub_run_work(run);
    return err;
}

#define SHIRT_UNTIL(number, until)                                                                 \
    "{\"number\":\"" number "\",\"receipt\":\"WEB-3\",\"valid_until\":\"" until "\",\"lines\":"    \
    "[{\"line\":1,\"quantity\":3}]}"

static void goods_of_an_expired_authorisation_must_be_authorised_anew(void **state)
{
    struct hub_run *run = *state;
    struct told told = {0};
    const char *expired = SHIRT_UNTIL("RMA-1", "2026-11-21T23:59:59Z");
    const char *good = SHIRT_UNTIL("RMA-2", "2026-11-23T23:59:59Z");
    const struct id first = authorisation_id("RMA-1");
    const struct id second = authorisation_id("RMA-2");
    sell_shirts(run, "card");
    hub_run_must(run, bring(run, authorisation_take, expired, NULL, &told));
    assert_int_equal(bring_goods(run, &first, 1, "new_sealed"), ERR_REFUSED);
    assert_non_null(strstr(run->fault.text, "authorisation_expired"));
    assert_int_equal(told_of(run, "return.created"), 0);
    hub_run_must(run, bring(run, authorisation_take, good, NULL, &told));
    assert_int_equal(
        bring(run, authorisation_take, SHIRT_UNTIL("RMA-3", "2026-11-24T00:00:00Z"), NULL, &told),
        ERR_REFUSED);
    hub_run_must(run, bring_goods(run, &second, 1, "new_sealed"));
    assert_int_equal(told_of(run, "return.created"), 1);
    run->now_ms += INT64_C(7) * 86400 * 1000; /* the rest may come late: it is accepted by now */
    hub_run_must(run, bring_goods(run, &second, 2, "new_sealed"));
}

static void authorised_goods_in_a_warehouse_are_a_return_of_the_centre(void **state)
{
    struct hub_run *run = *state;
    sell_shirts(run, "card");
    const struct id first = authorise(run, 2);
    assert_int_equal(goods_came(run, &first, 1, "wrong_goods"), ERR_REFUSED);
    hub_run_must(run, goods_came(run, &first, 1, "new_sealed"));
    assert_int_equal(told_of(run, "return.created"), 1);
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -334);
    assert_int_equal(hub_run_balance(run, "quarantine_stock"), 200);
    assert_int_equal(told_of(run, "refund.requested"), 0); /* a piece is on its way still */
    hub_run_must(run, goods_came(run, &first, 1, "new_sealed"));
    assert_int_equal(told_of(run, "return.created"), 1);
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -667);
    assert_int_equal(hub_run_balance(run, "tax"), 107);
    assert_int_equal(hub_run_balance(run, "quarantine_stock"), 400);
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM payment WHERE state = 'ready'"), 2);
    assert_int_equal(hub_run_number(run, "SELECT sum(amount_minor) FROM payment"), 667);

    const struct id second = authorise(run, 1);
    hub_run_must(run, goods_came(run, &second, 1, "new_sealed"));
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -1000);
    assert_int_equal(hub_run_balance(run, "tax"), 160);
    assert_int_equal(hub_run_number(run, "SELECT sum(amount_minor) FROM payment"), 1000);
    assert_int_equal(hub_run_number(run, "SELECT sum(amount_minor) FROM payment WHERE tender = 1"),
                     400);
    assert_int_equal(told_of(run, "return.conflicted"), 0);
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM parked"), 0);
}

/* Two parcels, told of twice each. */
static void notice_that_comes_again_moves_no_goods(void **state)
{
    static const struct {
        int quantities[2];
        const char *notices[2];
        const char *keys[2];
    } cases[] = {
        {{2, 1}, {"", ""}, {NULL, NULL}},
        {{1, 1}, {"", ""}, {"one", "two"}},
        {{1, 1}, {",\"notice\":\"1\"", ",\"notice\":\"2\""}, {NULL, NULL}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hub_run *run = *state;
        struct told told = {0};
        char text[256];
        char name[ID_TEXT + 1];
        sell_shirts(run, "card");
        const struct id id = authorise(run, 3);
        id_format(&id, name);
        for (int again = 0; again < 4; again++) {
            int which = again % 2;
            (void)snprintf(text, sizeof text,
                           "{\"return\":\"%s\",\"lines\":[{\"line\":1,\"quantity\":%d}]%s}", name,
                           cases[i].quantities[which], cases[i].notices[which]);
            hub_run_must(run, bring_named(run, text, cases[i].keys[which], &told));
            hub_run_work(run);
        }
        assert_int_equal(told_of(run, "return.created"), 1);
        assert_int_equal(told_of(run, "item.received"), 2);
        assert_int_equal(hub_run_balance(run, "quarantine_stock"), i ? 400 : 600);
        assert_int_equal(hub_run_balance(run, "refunds_payable"), i ? -667 : -1000);
        assert_int_equal(hub_run_number(run, "SELECT count(*) FROM parked"), 0);
        (void)hub_run_teardown(state);
        (void)hub_run_setup(state);
    }
}

static void notice_under_the_name_of_another_is_a_conflict(void **state)
{
    struct hub_run *run = *state;
    struct told told = {0};
    char text[256];
    char name[ID_TEXT + 1];
    sell_shirts(run, "card");
    const struct id id = authorise(run, 3);
    id_format(&id, name);
    for (int quantity = 1; quantity <= 2; quantity++) {
        (void)snprintf(text, sizeof text,
                       "{\"return\":\"%s\",\"lines\":[{\"line\":1,\"quantity\":%d}]}", name,
                       quantity);
        assert_int_equal(bring_named(run, text, "k", &told), quantity == 1 ? ERR_OK : ERR_CONFLICT);
    }
    assert_string_equal(run->fault.where, "Idempotency-Key");
    assert_int_equal(told_of(run, "item.received"), 1);
}

static void returns_that_come_at_once_share_what_was_paid(void **state)
{
    struct hub_run *run = *state;
    sell_shirts(run, "card");
    const struct id first = authorise(run, 2);
    const struct id second = authorise(run, 1);
    hub_run_must(run, bring_goods(run, &first, 2, "new_sealed"));
    hub_run_must(run, goods_came(run, &second, 1, "new_sealed")); /* the first isn't booked yet */
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -1000);
    assert_int_equal(hub_run_balance(run, "tax"), 160);
    assert_int_equal(hub_run_number(run, "SELECT sum(amount_minor) FROM payment WHERE tender = 1"),
                     400);
    assert_int_equal(hub_run_number(run, "SELECT sum(amount_minor) FROM payment WHERE tender = 2"),
                     600);
}

/* Finance takes the return of that number, or id, back. */
static enum err revoke(struct hub_run *run, const char *return_id)
{
    struct told told = {0};
    const struct revocation revocation = {
        .return_id = return_id, .by = "Mara", .reason = "a test", .now_ms = run->now_ms};
    hub_run_must(run, database_begin(run->db, &run->fault));
    enum err err = revocation_record(run->db, &revocation, &told, &run->fault);
    if (!err)
        err = database_commit(run->db, &run->fault);
    database_rollback(run->db);
    return err;
}

static void return_of_the_centre_is_taken_back_while_part_of_it_is_on_its_way(void **state)
{
    struct hub_run *run = *state;
    sell_shirts(run, "card");
    const struct id id = authorise(run, 2);
    assert_int_equal(revoke(run, "RMA-3-2"), ERR_NOT_FOUND); /* nothing of it came */
    hub_run_must(run, bring_goods(run, &id, 1, "new_sealed"));
    assert_int_equal(revoke(run, "RMA-3-2"), ERR_BUSY);
    hub_run_work(run);
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -334);
    hub_run_must(run, revoke(run, "RMA-3-2"));
    hub_run_work(run);
    assert_int_equal(hub_run_balance(run, "refunds_payable"), 0);
    assert_int_equal(hub_run_balance(run, "quarantine_stock"), 0);
    assert_int_equal(revoke(run, "RMA-3-2"), ERR_REFUSED);
    assert_int_equal(goods_came(run, &id, 1, "new_sealed"), ERR_REFUSED);
    assert_non_null(strstr(run->fault.text, "it was taken back"));
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM payment"), 0);
    assert_int_equal(hub_run_balance(run, "refunds_payable"), 0);
    /* All of the sale may come back once more. */
    const struct id again = authorise(run, 3);
    hub_run_must(run, goods_came(run, &again, 3, "new_sealed"));
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -1000);
    assert_int_equal(revoke(run, "RMA-3-3"), ERR_REFUSED);
    assert_non_null(strstr(run->fault.text, "all of its goods are here"));
}

static void return_that_a_store_took_is_voided_there(void **state)
{
    struct hub_run *run = *state;
    give_back(run, 0, 1, "A-1", 1, 3, "accepted");
    const struct id id = hub_run_return(1);
    char name[ID_TEXT + 1];
    id_format(&id, name);
    assert_int_equal(revoke(run, name), ERR_REFUSED);
    assert_int_equal(told_of(run, "return.voided"), 0);
}

static void more_goods_than_were_authorised_are_parked_and_not_paid(void **state)
{
    struct hub_run *run = *state;
    sell_shirts(run, "card");
    const struct id id = authorise(run, 1);
    hub_run_must(run, goods_came(run, &id, 1, "new_sealed"));
    hub_run_must(run, goods_came(run, &id, 1, "new_sealed"));
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM parked"), 1);
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -333);
    assert_int_equal(hub_run_number(run, "SELECT sum(amount_minor) FROM payment"), 333);
}

static void goods_that_a_store_took_back_meanwhile_are_refused(void **state)
{
    struct hub_run *run = *state;
    sell_shirts(run, "card");
    const struct id id = authorise(run, 2);
    give_back(run, 0, 1, "WEB-3", 2, 3, "accepted");
    assert_int_equal(goods_came(run, &id, 2, "new_sealed"), ERR_REFUSED);
    assert_non_null(strstr(run->fault.text, "quantity_exceeds_remaining"));
    assert_int_equal(told_of(run, "return.created"), 0);
}

static void authorised_goods_that_a_store_took_are_not_taken_again_in_a_warehouse(void **state)
{
    struct hub_run *run = *state;
    sell_shirts(run, "card");
    const struct id id = authorise(run, 1);
    give_back_under(run, 0, 1, "WEB-3", 1, 3, "accepted", UNDER("RMA-3-1"));
    assert_int_equal(goods_came(run, &id, 1, "new_sealed"), ERR_REFUSED);
    assert_non_null(strstr(run->fault.text, "authorisation_exceeded"));
    assert_int_equal(told_of(run, "return.created"), 0);
}

static void what_was_paid_in_cash_is_left_to_a_store(void **state)
{
    struct hub_run *run = *state;
    sell_shirts(run, "cash");
    const struct id id = authorise(run, 3);
    assert_int_equal(goods_came(run, &id, 3, "new_sealed"), ERR_REFUSED);
    assert_non_null(strstr(run->fault.text, "refund_exceeds_paid: 400"));
    assert_int_equal(told_of(run, "return.created"), 0);
    assert_int_equal(told_of(run, "item.received"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hub_run_setup, hub_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(goods_that_a_warehouse_received_make_the_debt_due),
        TEST(notice_that_comes_again_moves_no_goods),
        TEST(notice_under_the_name_of_another_is_a_conflict),
        TEST(authorised_goods_in_a_warehouse_are_a_return_of_the_centre),
        TEST(returns_that_come_at_once_share_what_was_paid),
        TEST(more_goods_than_were_authorised_are_parked_and_not_paid),
        TEST(goods_that_a_store_took_back_meanwhile_are_refused),
        TEST(authorised_goods_that_a_store_took_are_not_taken_again_in_a_warehouse),
        TEST(goods_of_an_expired_authorisation_must_be_authorised_anew),
        TEST(return_of_the_centre_is_taken_back_while_part_of_it_is_on_its_way),
        TEST(return_that_a_store_took_is_voided_there),
        TEST(what_was_paid_in_cash_is_left_to_a_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
