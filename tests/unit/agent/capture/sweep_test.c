/* Returns are told to be complete once, when goods, money and posting have all closed. */
#include "tests/support/counter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/views/return_view.h"
#include "hal/base/cleanup.h"

struct test {
    struct counter *counter;
    char id[ID_TEXT + 1];
    int64_t messages;
};

static int open_counter(void **state)
{
    static struct test test;
    test = (struct test){.counter = counter_open()};
    counter_sell(test.counter, COUNTER_RECEIPT);
    *state = &test;
    return 0;
}

static int close_counter(void **state)
{
    struct test *test = *state;
    counter_close(test->counter);
    return 0;
}

static void give_back(struct test *test)
{
    struct counter_answer answer = counter_take_back(test->counter, "");
    assert_int_equal(answer.err, ERR_OK);
    (void)snprintf(test->id, sizeof test->id, "%s", json_member_text(answer.body, "return_id"));
    counter_answer_free(&answer);
}

static void change(struct test *test, enum capture_kind kind, const char *body)
{
    struct counter_answer answer = counter_ask(test->counter, kind, test->id, "", body);
    if (answer.err)
        fail_msg("%s: %s", answer.fault.where, answer.fault.text);
    counter_answer_free(&answer);
}

static void received(void *context, enum err err, const struct fault *fault)
{
    (void)fault;
    *(bool *)context = err == ERR_OK;
}

/* What was submitted has ended when a command submitted behind it has. */
static void await_writer(struct test *test)
{
    struct counter_answer answer =
        counter_ask(test->counter, CAPTURE_VOID, "01935a10-7c3d-7300-8300-000000000300", "", "{}");
    assert_int_equal(answer.err, ERR_NOT_FOUND);
    counter_answer_free(&answer);
}

/* News of the centre arrives. */
static void hear(struct test *test, enum event_type type, const char *data)
{
    struct id_source ids;
    id_source_init(&ids, NULL, NULL);
    struct event event = {
        .id = id_next(&ids, COUNTER_NOW_MS),
        .type = type,
        .source = SLICE_LITERAL("/hub"),
        .subject = SLICE_LITERAL("return"),
        .time_ms = COUNTER_NOW_MS,
        .boot_id = SLICE_LITERAL("b2c7ad05-6b0f-4b8e-8a52-3f0f6a1d7c11"),
        .time_trusted = true,
        .traceparent = {"", 0},
        .idempotency_key = {"", 0},
        .request_hash = {"", 0},
        .data = slice_of(data),
    };
    assert_int_equal(id_parse(slice_of(test->id), &event.correlation), ERR_OK);
    struct buf body CLEANUP(buf_free);
    buf_init(&body, EVENT_BODY_MAX);
    event_write(&body, &event);
    bool came = false;
    const struct inbox_place place = {1, test->messages + 1, test->messages, test->messages + 1};
    test->messages++;
    eventlog_receive(counter_log(test->counter), &place, buf_slice(&body), received, &came);
    await_writer(test);
    assert_true(came);
}

static void sweep(struct test *test)
{
    capture_sweep(counter_capture(test->counter));
    await_writer(test);
}

static struct return_state look(struct test *test)
{
    struct id id;
    struct return_state row;
    struct views views = views_of_reader(counter_reader(test->counter));
    assert_int_equal(id_parse(slice_of(test->id), &id), ERR_OK);
    assert_int_equal(return_view_find(&views, &id, &row, NULL), ERR_OK);
    return row;
}

static void an_open_return_is_left_alone(void **state)
{
    struct test *test = *state;
    give_back(test);
    int64_t before = counter_head(test->counter);
    sweep(test);
    assert_int_equal(counter_head(test->counter), before);
}

static void the_last_news_from_the_centre_completes_it_once(void **state)
{
    struct test *test = *state;
    give_back(test);
    change(test, CAPTURE_REFUND, "{}");
    change(test, CAPTURE_DISPOSE,
           "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"restock\"}]}");
    hear(test, EVENT_JOURNAL_POSTED, "{\"number\":\"J-2041\"}");
    int64_t before = counter_head(test->counter);
    sweep(test);
    assert_int_equal(counter_head(test->counter),
                     before); /* the card's refund is not settled yet */
    hear(test, EVENT_REFUND_SETTLED, "{\"type\":\"card\",\"amount\":333,\"position\":0}");
    sweep(test);
    assert_int_equal(counter_head(test->counter), before + 1);
    assert_true(look(test).tracks.complete);
    sweep(test);
    assert_int_equal(counter_head(test->counter), before + 1);
}

static void decline(struct test *test)
{
    struct counter_answer answer =
        counter_ask(test->counter, CAPTURE_RETURN, NULL, "",
                    "{\"receipt\":\"" COUNTER_RECEIPT "\",\"lines\":[{\"line\":1,\"quantity\":4,"
                    "\"reason\":\"unwanted\",\"condition\":\"open_box\"}]}");
    (void)snprintf(test->id, sizeof test->id, "%s", json_member_text(answer.body, "return_id"));
    assert_string_equal(json_member_text(answer.body, "decision"), "declined");
    counter_answer_free(&answer);
}

static void a_declined_return_has_nothing_left_to_do(void **state)
{
    struct test *test = *state;
    decline(test);
    sweep(test);
    assert_true(look(test).tracks.complete);
}

/* A hundred at once. */
static void more_than_one_sweep_takes_are_for_the_next(void **state)
{
    struct test *test = *state;
    for (int i = 0; i < 101; i++)
        decline(test);
    int64_t before = counter_head(test->counter);
    sweep(test);
    assert_int_equal(counter_head(test->counter), before + 100);
    sweep(test);
    assert_int_equal(counter_head(test->counter), before + 101);
    sweep(test);
    assert_int_equal(counter_head(test->counter), before + 101);
}

static void what_is_due_is_still_due_after_a_restart(void **state)
{
    struct test *test = *state;
    give_back(test);
    change(test, CAPTURE_VOID, "{}");
    counter_restart(test->counter);
    assert_false(look(test).tracks.complete);
    sweep(test);
    assert_true(look(test).tracks.complete);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_counter, close_counter)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_open_return_is_left_alone),
        TEST(the_last_news_from_the_centre_completes_it_once),
        TEST(a_declined_return_has_nothing_left_to_do),
        TEST(more_than_one_sweep_takes_are_for_the_next),
        TEST(what_is_due_is_still_due_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
