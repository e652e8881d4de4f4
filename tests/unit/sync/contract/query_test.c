#include "hal/base/cleanup.h"
#include "sync/contract/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void question_comes_back_as_it_was_written(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"query_id\":\"01000000-0000-0000-0000-000000000000\",\"kind\":\"sale\","
        "\"receipt\":\"0042-01\"}",
        "{\"query_id\":\"01000000-0000-0000-0000-000000000000\",\"kind\":\"sale\","
        "\"order\":\"0042-01\"}",
        "{\"query_id\":\"01000000-0000-0000-0000-000000000000\",\"kind\":\"sale\","
        "\"gtin\":\"0042-01\"}",
    };
    for (int by = QUERY_RECEIPT; by <= QUERY_GTIN; by++) {
        struct buf out CLEANUP(buf_free);
        buf_init(&out, 1000);
        struct query query = {.id = {{1}}, .by = (enum query_by)by, .value = "0042-01"};
        query_write(&out, &query);
        assert_string_equal(out.data, texts[by]);
        struct query read = {0};
        assert_int_equal(query_read(buf_slice(&out), &read, NULL), ERR_OK);
        assert_true(id_equal(&read.id, &query.id));
        assert_int_equal(read.by, by);
        assert_string_equal(read.value, "0042-01");
    }
}

#define ID "\"query_id\":\"01000000-0000-0000-0000-000000000000\""

static void question_that_is_unclear_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{" ID ",\"kind\":\"sale\"}",
        "{" ID ",\"kind\":\"sale\",\"receipt\":\"1\",\"order\":\"2\"}",
        "{" ID ",\"kind\":\"stock\",\"receipt\":\"1\"}",
        "{" ID ",\"kind\":\"sale\",\"receipt\":\"\"}",
        "{" ID ",\"kind\":\"sale\",\"receipt\":7}",
        "{" ID ",\"kind\":\"sale\",\"receipt\":\"1\",\"x\":1}",
        "{\"kind\":\"sale\",\"receipt\":\"1\"}",
        "{\"query_id\":\"7\",\"kind\":\"sale\",\"receipt\":\"1\"}",
        "[]",
        "",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct query query = {.value = "untouched"};
        if (query_read(slice_of(wrong[i]), &query, NULL) != ERR_INVALID)
            fail_msg("taken: %s", wrong[i]);
        assert_string_equal(query.value, "untouched");
    }
}

static void answer_holds_the_events_byte_for_byte(void **state)
{
    (void)state;
    struct query_reply reply = {.id = {{1}},
                                .result = QUERY_FOUND,
                                .more = true,
                                .events = {SLICE_LITERAL("{ \"a\":1.0 }"), SLICE_LITERAL("{}")},
                                .event_count = 2};
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 1000);
    query_reply_write(&out, &reply);
    assert_string_equal(out.data, "{" ID ",\"result\":\"found\",\"more\":true,"
                                  "\"events\":[{ \"a\":1.0 },{}]}");
    struct query_reply read;
    assert_int_equal(query_reply_read(buf_slice(&out), &read, NULL), ERR_OK);
    assert_true(id_equal(&read.id, &reply.id));
    assert_int_equal(read.result, QUERY_FOUND);
    assert_true(read.more);
    assert_int_equal(read.event_count, 2);
    assert_true(slice_is(read.events[0], "{ \"a\":1.0 }"));
    assert_true(slice_is(read.events[1], "{}"));
}

static void answer_without_a_sale_has_no_events(void **state)
{
    (void)state;
    struct query_reply reply = {.id = {{1}}, .result = QUERY_UNAVAILABLE};
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 1000);
    query_reply_write(&out, &reply);
    struct query_reply read;
    assert_int_equal(query_reply_read(buf_slice(&out), &read, NULL), ERR_OK);
    assert_int_equal(read.result, QUERY_UNAVAILABLE);
    assert_int_equal(read.event_count, 0);
}

static void answer_that_contradicts_itself_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *where;
    } wrong[] = {
        {"{" ID ",\"result\":\"found\",\"more\":false,\"events\":[]}", "events"},
        {"{" ID ",\"result\":\"not_found\",\"more\":false,\"events\":[{}]}", "events"},
        {"{" ID ",\"result\":\"maybe\",\"more\":false,\"events\":[]}", "result"},
        {"{" ID ",\"result\":\"not_found\",\"more\":0,\"events\":[]}", "more"},
        {"{" ID ",\"result\":\"not_found\",\"more\":false,\"events\":{}}", "events"},
        {"{" ID ",\"result\":\"found\",\"more\":false,\"events\":[1]}", "events"},
        {"{" ID ",\"result\":\"not_found\",\"events\":[]}", "more"},
        {"{\"query_id\":\"x\",\"result\":\"not_found\",\"more\":false,\"events\":[]}", "query_id"},
        {"{" ID ",\"result\":\"not_found\",\"more\":false,\"events\":[],\"events\":[]}", "events"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct query_reply reply = {.event_count = 3};
        struct fault fault = {0};
        assert_int_equal(query_reply_read(slice_of(wrong[i].text), &reply, &fault), ERR_INVALID);
        assert_string_equal(fault.where, wrong[i].where);
        assert_int_equal(reply.event_count, 3);
    }
}

static void answer_with_too_many_events_is_refused(void **state)
{
    (void)state;
    struct buf text CLEANUP(buf_free);
    buf_init(&text, 4000);
    buf_append_text(&text, "{" ID ",\"result\":\"found\",\"more\":false,\"events\":[{}");
    for (int i = 0; i < QUERY_EVENTS_MAX; i++)
        buf_append_text(&text, ",{}");
    buf_append_text(&text, "]}");
    struct query_reply reply;
    assert_int_equal(query_reply_read(buf_slice(&text), &reply, NULL), ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(question_comes_back_as_it_was_written),
        cmocka_unit_test(question_that_is_unclear_is_refused),
        cmocka_unit_test(answer_holds_the_events_byte_for_byte),
        cmocka_unit_test(answer_without_a_sale_has_no_events),
        cmocka_unit_test(answer_that_contradicts_itself_is_refused),
        cmocka_unit_test(answer_with_too_many_events_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
