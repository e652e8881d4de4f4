/* Exchanges: a return and a new sale, saved together or not at all, linked. */
#include "tests/support/counter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SALE(receipt, amount, rate, class, tax)                                                    \
    "{\"receipt\":\"" receipt "\",\"channel\":\"store\",\"store\":\"0042\",\"lane\":\"01\","       \
    "\"sold_at\":\"2026-11-22T10:11:12+01:00\",\"currency\":\"EUR\",\"prices_include_tax\":true,"  \
    "\"lines\":[{\"line\":1,\"sku\":\"1\",\"category\":\"food\",\"quantity\":1,\"unit\":\"each\"," \
    "\"amount\":" amount                                                                           \
    ",\"tax\":[{\"type\":\"vat\",\"class\":\"" class "\",\"jurisdiction\":\"DE\",\"rate\":\"" rate \
                                                     "\",\"amount\":" tax "}]}],\"tenders\":["     \
                                                     "{\"tender\":1,\"type\":\"card\","            \
                                                     "\"amount\":" amount                          \
                                                     ",\"reference\":\"tok_1\"}]}"
#define RETURN(receipt)                                                                            \
    "{\"receipt\":\"" receipt "\",\"lines\":[{\"line\":1,\"quantity\":1,\"reason\":\"unwanted\","  \
    "\"condition\":\"new_sealed\"}]}"
#define EXCHANGE(old, sale) "{\"return\":" RETURN(old) ",\"sale\":" sale "}"

#define OLD SALE("old", "2140", "7", "reduced", "140")
#define EVEN SALE("new", "2140", "19", "standard", "342")

static int open_counter(void **state)
{
    *state = counter_open();
    struct counter_answer sold = counter_ask(*state, CAPTURE_SALE, NULL, "", OLD);
    assert_int_equal(sold.err, ERR_OK);
    counter_answer_free(&sold);
    return 0;
}

static int64_t head(struct counter *counter, enum stream stream)
{
    struct eventlog_status status;
    eventlog_status(counter_log(counter), &status);
    return status.streams[stream].head;
}

static void an_even_exchange_pays_nothing_out_and_tells_the_tax_difference(void **state)
{
    struct counter_answer answer =
        counter_ask(*state, CAPTURE_EXCHANGE, NULL, "", EXCHANGE("old", EVEN));
    assert_int_equal(answer.err, ERR_OK);
    const struct cJSON *exchange = json_member(answer.body, "exchange");
    assert_int_equal(json_member_int(exchange, "due", -1), 0);
    assert_int_equal(json_member_int(exchange, "applied", -1), 2140);
    assert_int_equal(json_member_int(exchange, "tax_difference", -1), 202);
    const struct cJSON *returned = json_member(answer.body, "return");
    const struct cJSON *refund = json_member(returned, "refund");
    assert_string_equal(json_member_text(returned, "decision"), "accepted");
    assert_string_equal(json_member_text(returned, "money"), "none");
    assert_int_equal(json_member_int(refund, "total", -1), 2140);
    assert_int_equal(json_member_int(refund, "payout", -1), 0);
    assert_null(json_first(json_member(refund, "tenders")));
    assert_non_null(json_member_text(json_member(answer.body, "sale"), "sale_id"));
    counter_answer_free(&answer);
}

static void nothing_new_is_begun_on_a_full_disk(void **state)
{
    static const struct {
        enum capture_kind kind;
        const char *json;
    } begun[] = {
        {CAPTURE_EXCHANGE, EXCHANGE("old", EVEN)},
        {CAPTURE_RETURN, RETURN("old")},
        {CAPTURE_SALE, EVEN},
    };
    counter_fill_disk(*state, true);
    for (size_t i = 0; i < sizeof begun / sizeof *begun; i++) {
        struct counter_answer answer = counter_ask(*state, begun[i].kind, NULL, "", begun[i].json);
        assert_int_equal(answer.err, ERR_DISK_FULL);
        counter_answer_free(&answer);
    }
}

static void what_the_new_goods_leave_is_paid_out(void **state)
{
    struct counter_answer answer =
        counter_ask(*state, CAPTURE_EXCHANGE, NULL, "",
                    EXCHANGE("old", SALE("new", "1000", "19", "standard", "160")));
    assert_int_equal(answer.err, ERR_OK);
    const struct cJSON *exchange = json_member(answer.body, "exchange");
    assert_int_equal(json_member_int(exchange, "due", 0), -1140);
    assert_int_equal(json_member_int(exchange, "applied", 0), 1000);
    const struct cJSON *refund = json_member(json_member(answer.body, "return"), "refund");
    const struct cJSON *tender = json_first(json_member(refund, "tenders"));
    assert_int_equal(json_member_int(tender, "amount", 0), 1140);
    assert_null(json_next(tender));
    counter_answer_free(&answer);
}

static void dearer_goods_use_the_whole_refund(void **state)
{
    struct counter_answer answer =
        counter_ask(*state, CAPTURE_EXCHANGE, NULL, "",
                    EXCHANGE("old", SALE("new", "5950", "19", "standard", "950")));
    assert_int_equal(answer.err, ERR_OK);
    const struct cJSON *exchange = json_member(answer.body, "exchange");
    assert_int_equal(json_member_int(exchange, "due", 0), 3810);
    assert_int_equal(json_member_int(exchange, "applied", 0), 2140);
    counter_answer_free(&answer);
}

static void the_same_key_answers_the_same_words(void **state)
{
    struct counter_answer first =
        counter_ask(*state, CAPTURE_EXCHANGE, NULL, "k-1", EXCHANGE("old", EVEN));
    assert_int_equal(first.err, ERR_OK);
    int64_t returns = head(*state, STREAM_RETURNS);
    int64_t sales = head(*state, STREAM_SALES);
    counter_restart(*state);
    struct counter_answer again =
        counter_ask(*state, CAPTURE_EXCHANGE, NULL, "k-1", EXCHANGE("old", EVEN));
    assert_true(again.replayed);
    assert_string_equal(first.text.data, again.text.data);
    assert_int_equal(head(*state, STREAM_RETURNS), returns);
    assert_int_equal(head(*state, STREAM_SALES), sales);
    counter_answer_free(&first);
    counter_answer_free(&again);
}

static void a_sale_that_is_recorded_already_undoes_the_return(void **state)
{
    struct counter_answer sold = counter_ask(*state, CAPTURE_SALE, NULL, "", EVEN);
    int64_t returns = head(*state, STREAM_RETURNS);
    struct counter_answer answer =
        counter_ask(*state, CAPTURE_EXCHANGE, NULL, "", EXCHANGE("old", EVEN));
    assert_int_equal(answer.err, ERR_CONFLICT);
    assert_string_equal(answer.fault.where, "sale.receipt");
    assert_int_equal(head(*state, STREAM_RETURNS), returns);
    counter_answer_free(&sold);
    counter_answer_free(&answer);
}

static void a_return_that_is_not_accepted_at_once_is_saved_without_the_sale(void **state)
{
    clock_fake_advance(counter_clock(*state), INT64_C(90) * 24 * 60 * 60 * 1000);
    int64_t sales = head(*state, STREAM_SALES);
    struct counter_answer answer =
        counter_ask(*state, CAPTURE_EXCHANGE, NULL, "", EXCHANGE("old", EVEN));
    assert_int_equal(answer.err, ERR_OK);
    const struct cJSON *returned = json_member(answer.body, "return");
    assert_string_equal(json_member_text(returned, "decision"), "needs_manager");
    assert_null(json_member_text(json_member(answer.body, "sale"), "sale_id"));
    assert_int_equal(head(*state, STREAM_SALES), sales);
    struct counter_answer approved = counter_ask_manager(
        *state, CAPTURE_APPROVE, json_member_text(returned, "return_id"), "{\"total\":2140}");
    assert_int_equal(approved.err, ERR_OK);
    assert_string_equal(json_member_text(approved.body, "money"), "pending");
    counter_answer_free(&answer);
    counter_answer_free(&approved);
}

static void a_bad_half_is_named(void **state)
{
    struct counter_answer answer = counter_ask(*state, CAPTURE_EXCHANGE, NULL, "",
                                               "{\"return\":" RETURN("old") ",\"sale\":{}}");
    assert_int_equal(answer.err, ERR_INVALID);
    assert_int_equal(strncmp(answer.fault.where, "sale.", 5), 0);
    counter_answer_free(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_counter, counter_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_even_exchange_pays_nothing_out_and_tells_the_tax_difference),
        TEST(nothing_new_is_begun_on_a_full_disk),
        TEST(what_the_new_goods_leave_is_paid_out),
        TEST(dearer_goods_use_the_whole_refund),
        TEST(the_same_key_answers_the_same_words),
        TEST(a_sale_that_is_recorded_already_undoes_the_return),
        TEST(a_return_that_is_not_accepted_at_once_is_saved_without_the_sale),
        TEST(a_bad_half_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
