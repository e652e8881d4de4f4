#include "hal/base/cleanup.h"
#include "sync/contract/sale_query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

static void question_comes_back_as_it_was_written(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 1000);
    struct sale_query query = {.receipt = "0042-\"01\""};
    sale_query_write(&out, &query);
    assert_string_equal(out.data, "{\"receipt\":\"0042-\\\"01\\\"\"}");
    struct sale_query read;
    assert_int_equal(sale_query_read(buf_slice(&out), &read, NULL), ERR_OK);
    assert_string_equal(read.receipt, query.receipt);
    assert_string_equal(read.store, "");
    assert_false(read.reserve);
    query.reserve = true;
    (void)snprintf(query.store, sizeof query.store, "0042");
    buf_reset(&out);
    sale_query_write(&out, &query);
    assert_int_equal(sale_query_read(buf_slice(&out), &read, NULL), ERR_OK);
    assert_true(read.reserve);
    assert_int_equal(read.of.events, 0);
    query.of = (struct return_news){{{7}}, 3};
    buf_reset(&out);
    sale_query_write(&out, &query);
    assert_int_equal(sale_query_read(buf_slice(&out), &read, NULL), ERR_OK);
    assert_true(id_equal(&read.of.id, &query.of.id));
    assert_int_equal(read.of.events, 3);
    assert_string_equal(read.store, "0042");
    struct fault fault = {0};
    assert_int_equal(
        sale_query_read(SLICE_LITERAL("{\"receipt\":\"1\",\"store\":\"12345678901234567\"}"), &read,
                        &fault),
        ERR_INVALID);
    assert_string_equal(fault.where, "store");
    assert_int_equal(
        sale_query_read(SLICE_LITERAL("{\"receipt\":\"1\",\"reserve\":1}"), &read, &fault),
        ERR_INVALID);
    assert_string_equal(fault.where, "reserve");
    assert_int_equal(
        sale_query_read(SLICE_LITERAL("{\"receipt\":\"1\",\"return\":\"x\",\"events\":1}"), &read,
                        &fault),
        ERR_INVALID);
    assert_string_equal(fault.where, "return");
    assert_int_equal(
        sale_query_read(SLICE_LITERAL("{\"receipt\":\"1\",\"events\":1}"), &read, &fault),
        ERR_INVALID);
}

static void question_without_a_receipt_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"{}", "{\"receipt\":\"\"}", "{\"receipt\":7}",
                                        "{\"receipt\":\"1\",\"receipt\":\"2\"}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct sale_query query = {.receipt = "untouched"};
        struct fault fault = {0};
        assert_int_equal(sale_query_read(slice_of(wrong[i]), &query, &fault), ERR_INVALID);
        assert_string_equal(fault.where, "receipt");
        assert_string_equal(query.receipt, "untouched");
    }
    struct sale_query query;
    assert_int_equal(sale_query_read(SLICE_LITERAL("[]"), &query, NULL), ERR_INVALID);
}

static void receipt_that_is_too_long_is_refused(void **state)
{
    (void)state;
    struct buf text CLEANUP(buf_free);
    buf_init(&text, 1000);
    buf_append_text(&text, "{\"receipt\":\"");
    for (int i = 0; i <= SALE_QUERY_RECEIPT_MAX; i++)
        buf_append_char(&text, '1');
    buf_append_text(&text, "\"}");
    struct sale_query query;
    assert_int_equal(sale_query_read(buf_slice(&text), &query, NULL), ERR_INVALID);
}

static void answer_holds_the_events_byte_for_byte(void **state)
{
    (void)state;
    struct sale_reply reply = {.receipt = "0042",
                               .sale = SLICE_LITERAL("{ \"a\":1.0 }"),
                               .events = {SLICE_LITERAL("{\"b\" :2}"), SLICE_LITERAL("{}")},
                               .event_count = 2};
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 1000);
    sale_reply_write(&out, &reply);
    assert_string_equal(out.data,
                        "{\"receipt\":\"0042\",\"sale\":{ \"a\":1.0 },\"events\":[{\"b\" :2},{}]}");
    struct sale_reply read;
    assert_int_equal(sale_reply_read(buf_slice(&out), &read, NULL), ERR_OK);
    assert_string_equal(read.receipt, "0042");
    assert_true(slice_is(read.sale, "{ \"a\":1.0 }"));
    assert_int_equal(read.event_count, 2);
    assert_true(slice_is(read.events[0], "{\"b\" :2}"));
    assert_true(slice_is(read.events[1], "{}"));
}

static void answer_says_whether_the_store_that_wrote_it_has_told_all(void **state)
{
    (void)state;
    struct sale_reply read;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 1000);
    for (int i = 0; i < 2; i++) {
        const struct sale_reply reply = {.receipt = "0042", .confirmed = i != 0};
        buf_reset(&out);
        sale_reply_write(&out, &reply);
        assert_int_equal(sale_reply_read(buf_slice(&out), &read, NULL), ERR_OK);
        assert_int_equal(read.confirmed, i);
    }
    assert_int_equal(sale_reply_read(SLICE_LITERAL("{\"receipt\":\"1\",\"sale\":null,\"events\":[],"
                                                   "\"confirmed\":1}"),
                                     &read, NULL),
                     ERR_INVALID);
}

static void sale_unknown_to_the_hub_is_empty(void **state)
{
    (void)state;
    struct sale_reply reply = {.receipt = "0042"};
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 1000);
    sale_reply_write(&out, &reply);
    assert_string_equal(out.data, "{\"receipt\":\"0042\",\"sale\":null,\"events\":[]}");
    struct sale_reply read;
    assert_int_equal(sale_reply_read(buf_slice(&out), &read, NULL), ERR_OK);
    assert_int_equal(read.sale.len, 0);
    assert_int_equal(read.event_count, 0);
    assert_false(read.awaits_holder);
    reply.awaits_holder = true;
    buf_reset(&out);
    sale_reply_write(&out, &reply);
    assert_int_equal(sale_reply_read(buf_slice(&out), &read, NULL), ERR_OK);
    assert_true(read.awaits_holder);
}

static void answer_is_refused_by_field(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *where;
    } wrong[] = {
        {"{\"sale\":null,\"events\":[]}", "receipt"},
        {"{\"receipt\":\"1\",\"events\":[]}", "sale"},
        {"{\"receipt\":\"1\",\"sale\":[],\"events\":[]}", "sale"},
        {"{\"receipt\":\"1\",\"sale\":null}", "events"},
        {"{\"receipt\":\"1\",\"sale\":null,\"events\":{}}", "events"},
        {"{\"receipt\":\"1\",\"sale\":null,\"events\":[1]}", "events"},
        {"{\"receipt\":\"1\",\"sale\":null,\"events\":[],\"events\":[]}", "events"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct sale_reply reply = {.event_count = 3};
        struct fault fault = {0};
        assert_int_equal(sale_reply_read(slice_of(wrong[i].text), &reply, &fault), ERR_INVALID);
        assert_string_equal(fault.where, wrong[i].where);
        assert_int_equal(reply.event_count, 3);
    }
}

static void answer_with_too_many_events_is_refused(void **state)
{
    (void)state;
    struct buf text CLEANUP(buf_free);
    buf_init(&text, 4000);
    buf_append_text(&text, "{\"receipt\":\"1\",\"sale\":null,\"events\":[{}");
    for (int i = 0; i < SALE_REPLY_EVENTS_MAX; i++)
        buf_append_text(&text, ",{}");
    buf_append_text(&text, "]}");
    struct sale_reply reply;
    assert_int_equal(sale_reply_read(buf_slice(&text), &reply, NULL), ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(question_comes_back_as_it_was_written),
        cmocka_unit_test(question_without_a_receipt_is_refused),
        cmocka_unit_test(receipt_that_is_too_long_is_refused),
        cmocka_unit_test(answer_holds_the_events_byte_for_byte),
        cmocka_unit_test(answer_says_whether_the_store_that_wrote_it_has_told_all),
        cmocka_unit_test(sale_unknown_to_the_hub_is_empty),
        cmocka_unit_test(answer_is_refused_by_field),
        cmocka_unit_test(answer_with_too_many_events_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
