/* Cards that refunds made: spent beyond what is on them, in whatever order the centre hears of it.
 */
#include "tests/support/hub_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { RETURN = 1, SALE = 40 };

/* A return of 50.00 that was paid by `paid` and is refunded to card `card`. */
static void refund_to_card(struct hub_run *run, const char *paid, const char *card)
{
    char data[1024];
    (void)snprintf(
        data, sizeof data,
        "{\"number\":\"R-1\",\"receipt\":\"A-1\",\"store\":\"0040\",\"currency\":\"EUR\","
        "\"decision\":\"accepted\",\"lines\":[{\"line\":1,\"quantity\":1,\"net\":5000,"
        "\"tax\":[],\"gross\":5000}],\"refund\":{\"tenders\":[{\"tender\":1,\"type\":"
        "\"gift_card\",\"amount\":5000,\"reference\":\"%s\"}]}}",
        paid);
    hub_run_event(run, 0, RETURN, EVENT_RETURN_CREATED, data);
    hub_run_event(run, 0, RETURN, EVENT_ITEM_RECEIVED, "{\"lines\":[{\"line\":1,\"quantity\":1}]}");
    (void)snprintf(data, sizeof data,
                   "{\"position\":0,\"tender\":1,\"type\":\"gift_card\",\"amount\":5000,"
                   "\"reference\":\"%s\",\"currency\":\"EUR\"}",
                   card);
    hub_run_event(run, 0, RETURN, EVENT_REFUND_ISSUED, data);
}

static void pay_by_card(struct hub_run *run, int store, int sale, const char *card, int amount)
{
    char data[512];
    (void)snprintf(
        data, sizeof data,
        "{\"receipt\":\"S-%d\",\"currency\":\"EUR\",\"tenders\":[{\"tender\":1,\"type\":"
        "\"gift_card\",\"amount\":%d,\"reference\":\"%s\"},{\"tender\":2,\"type\":\"cash\","
        "\"amount\":100}]}",
        sale, amount, card);
    hub_run_event(run, store, sale, EVENT_SALE_RECORDED, data);
}

static int64_t raised(struct hub_run *run)
{
    hub_run_work(run);
    return hub_run_number(run, "SELECT count(*) FROM hub_exception WHERE code = 'gift_card_spent'"
                               " AND team = 'finance' AND due_ms > raised_ms");
}

static void a_card_that_two_stores_took_is_told_to_finance(void **state)
{
    struct hub_run *run = *state;
    refund_to_card(run, "GC-OLD", "GC-NEW");
    pay_by_card(run, 1, SALE, "GC-NEW", 5000);
    assert_int_equal(raised(run), 0);
    pay_by_card(run, 2, SALE + 1, "GC-NEW", 5000);
    assert_int_equal(raised(run), 1);
    char *detail = hub_run_text(run, "SELECT detail FROM hub_exception");
    assert_string_equal(detail,
                        "sales took 100.00 EUR from card GC-NEW, and refunds put 50.00 EUR on it");
    free(detail);
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM event WHERE type ="
                                         " 'com.tillback.exception.raised.v1'"),
                     1);
}

static void a_card_spent_before_the_refund_is_known_is_told_when_it_is(void **state)
{
    struct hub_run *run = *state;
    pay_by_card(run, 1, SALE, "GC-NEW", 5001);
    assert_int_equal(raised(run), 0);
    refund_to_card(run, "GC-OLD", "GC-NEW");
    assert_int_equal(raised(run), 1);
}

static void a_card_spent_whose_refund_failed_is_told(void **state)
{
    struct hub_run *run = *state;
    refund_to_card(run, "GC-OLD", "GC-NEW");
    pay_by_card(run, 1, SALE, "GC-NEW", 1200);
    assert_int_equal(raised(run), 0);
    hub_run_event(run, 0, RETURN, EVENT_REFUND_FAILED,
                  "{\"position\":0,\"tender\":1,\"type\":\"gift_card\",\"reference\":\"GC-NEW\","
                  "\"failed\":\"the issuer took it back\"}");
    assert_int_equal(raised(run), 1);
}

static void a_card_of_the_issuers_own_is_nobodys_business(void **state)
{
    struct hub_run *run = *state;
    refund_to_card(run, "GC-OLD", "GC-OLD");
    pay_by_card(run, 1, SALE, "GC-OLD", 9000);
    pay_by_card(run, 1, SALE + 1, "GC-OTHER", 9000);
    assert_int_equal(raised(run), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hub_run_setup, hub_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_card_that_two_stores_took_is_told_to_finance),
        TEST(a_card_spent_before_the_refund_is_known_is_told_when_it_is),
        TEST(a_card_spent_whose_refund_failed_is_told),
        TEST(a_card_of_the_issuers_own_is_nobodys_business),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
