/* What a return of the centre gives back: fees, discounts and tenders, by the numbers that stores
 * go by. */
#include "sync/hub/connect/authorisation.h"
#include "sync/hub/connect/goods_received.h"
#include "tests/support/order_desk.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A sale "WEB-9" with these lines, tenders and whatever else. */
static void sell_lines(struct hub_run *run, const char *lines, const char *tenders,
                       const char *more)
{
    char text[2048];
    struct told told = {0};
    (void)snprintf(text, sizeof text,
                   "{\"receipt\":\"WEB-9\",\"channel\":\"online\",\"store\":\"0040\",\"sold_at\":"
                   "\"2026-11-20T10:00:00Z\",\"currency\":\"EUR\",\"prices_include_tax\":true%s,"
                   "\"lines\":[%s],\"tenders\":[%s]}",
                   more, lines, tenders);
    hub_run_must(run, bring(run, order_take, text, NULL, &told));
}

#define LINE(number, quantity, amount, tax)                                                        \
    "{\"line\":" number ",\"quantity\":" quantity ",\"amount\":" amount                            \
    ",\"tax\":[{\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":" tax "}]}"
#define TENDER(number, type, amount)                                                               \
    "{\"tender\":" number ",\"type\":\"" type "\",\"amount\":" amount                              \
    ",\"reference\":\"tok_" number "\"}"

/* So many pieces of a line are authorised, with whatever else, and come. */
static enum err give_back_pieces(struct hub_run *run, int line, int quantity, const char *more)
{
    char text[512];
    char number[32];
    char id[ID_TEXT + 1];
    struct told told = {0};
    (void)snprintf(number, sizeof number, "RMA-9-%" PRId64, ++run->sequences[0]);
    (void)snprintf(
        text, sizeof text,
        "{\"number\":\"%s\",\"receipt\":\"WEB-9\",\"lines\":[{\"line\":%d,\"quantity\":%d}]"
        "%s}",
        number, line, quantity, more);
    enum err err = bring(run, authorisation_take, text, NULL, &told);
    if (err)
        return err;
    const struct id is = authorisation_id(number);
    id_format(&is, id);
    (void)snprintf(text, sizeof text,
                   "{\"return\":\"%s\",\"notice\":\"%s\",\"lines\":[{\"line\":%d,\"quantity\":%d,"
                   "\"condition\":\"new_sealed\"}]}",
                   id, number, line, quantity);
    err = bring(run, goods_received_take, text, NULL, &told);
    hub_run_work(run);
    return err;
}

static void fee_that_was_agreed_is_kept_back(void **state)
{
    struct hub_run *run = *state;
    sell_lines(run, LINE("1", "2", "23800", "3800"), TENDER("1", "card", "23800"), "");
    hub_run_must(run, give_back_pieces(run, 1, 1, ",\"fee\":{\"rate\":\"15\"}"));
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -10400);
    assert_int_equal(hub_run_balance(run, "fee_income"), -1500);
    hub_run_must(run, give_back_pieces(run, 1, 1, ",\"fee\":{\"rate\":\"15\",\"taxed\":true}"));
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -10400 - 10115);
    assert_int_equal(hub_run_balance(run, "fee_income"), -3000);
    assert_int_equal(hub_run_balance(run, "fee_tax"), -285);
    assert_int_equal(hub_run_number(run, "SELECT sum(amount_minor) FROM payment"), 10400 + 10115);
}

static void fee_of_pieces_sums_to_the_fee_of_all(void **state)
{
    static const int64_t fees[] = {15, 31, 46}; /* 5.5 % of 280, 560 and 840 */
    struct hub_run *run = *state;
    sell_lines(run, LINE("1", "3", "1000", "160"), TENDER("1", "card", "1000"), "");
    for (int i = 0; i < 3; i++) {
        hub_run_must(run, give_back_pieces(run, 1, 1, ",\"fee\":{\"rate\":\"5.5\"}"));
        assert_int_equal(hub_run_balance(run, "fee_income"), -fees[i]);
    }
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -(1000 - 46));
}

static void fee_that_is_no_percentage_is_refused(void **state)
{
    static const char *const wrong[] = {",\"fee\":{\"rate\":\"100.1\"}",
                                        ",\"fee\":{\"rate\":\"-1\"}", ",\"fee\":{\"rate\":\"x\"}",
                                        ",\"fee\":{}", ",\"fee\":5"};
    struct hub_run *run = *state;
    sell_lines(run, LINE("1", "3", "1000", "160"), TENDER("1", "card", "1000"), "");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(give_back_pieces(run, 1, 1, wrong[i]), ERR_INVALID);
        assert_non_null(strstr(run->fault.where, "fee"));
    }
}

static void discount_of_the_order_is_spread_over_its_lines(void **state)
{
    struct hub_run *run = *state;
    sell_lines(
        run,
        LINE("1", "1", "1999", "0") "," LINE("2", "1", "501", "0") "," LINE("3", "2", "750", "0"),
        TENDER("1", "card", "2250"), ",\"order_discount\":1000");
    static const struct {
        int line;
        int64_t gross;
    } pieces[] = {{1, 1384}, {2, 347}, {3, 260}, {3, 259}};
    int64_t sum = 0;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        hub_run_must(run, give_back_pieces(run, pieces[i].line, 1, ""));
        sum += pieces[i].gross;
        assert_int_equal(hub_run_balance(run, "refunds_payable"), -sum);
    }
}

static void discount_of_a_group_stays_within_it(void **state)
{
    struct hub_run *run = *state;
    sell_lines(run,
               "{\"line\":1,\"quantity\":1,\"amount\":1000,\"group\":\"pair\",\"tax\":[]},"
               "{\"line\":2,\"quantity\":1,\"amount\":500,\"group\":\"pair\",\"tax\":[]},"
               "{\"line\":3,\"quantity\":1,\"amount\":700,\"tax\":[]}",
               TENDER("1", "card", "1900"), ",\"groups\":[{\"group\":\"pair\",\"discount\":300}]");
    hub_run_must(run, give_back_pieces(run, 1, 1, ""));
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -800);
    hub_run_must(run, give_back_pieces(run, 3, 1, ""));
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -1500);
}

static int64_t paid_on(struct hub_run *run, const char *type)
{
    char sql[128];
    (void)snprintf(sql, sizeof sql, "SELECT sum(amount_minor) FROM payment WHERE type = '%s'",
                   type);
    return hub_run_number(run, sql);
}

static void tenders_go_by_priority_and_a_gift_card_is_a_new_one(void **state)
{
    struct hub_run *run = *state;
    sell_lines(run, LINE("1", "119", "11900", "1900"),
               TENDER("1", "gift_card", "3000") "," TENDER("2", "card",
                                                           "6000") "," TENDER("3", "cash", "2900"),
               "");
    hub_run_must(run, give_back_pieces(run, 1, 50, ""));
    assert_int_equal(paid_on(run, "card"), 5000);
    assert_int_equal(paid_on(run, "gift_card"), 0);
    hub_run_must(run, give_back_pieces(run, 1, 40, ""));
    assert_int_equal(paid_on(run, "card"), 6000);
    assert_int_equal(paid_on(run, "gift_card"), 3000);
    assert_int_equal(
        hub_run_number(run, "SELECT count(*) FROM payment WHERE type = 'gift_card' AND token = ''"),
        1);
    assert_int_equal(give_back_pieces(run, 1, 29, ""), ERR_REFUSED);
    assert_non_null(strstr(run->fault.text, "refund_exceeds_paid: 2900"));
    assert_int_equal(hub_run_balance(run, "refunds_payable"), -9000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hub_run_setup, hub_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fee_that_was_agreed_is_kept_back),
        TEST(fee_of_pieces_sums_to_the_fee_of_all),
        TEST(fee_that_is_no_percentage_is_refused),
        TEST(discount_of_the_order_is_spread_over_its_lines),
        TEST(discount_of_a_group_stays_within_it),
        TEST(tenders_go_by_priority_and_a_gift_card_is_a_new_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
