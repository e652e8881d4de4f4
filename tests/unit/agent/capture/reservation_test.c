/* Another store has a receipt of this one in hand. */
#include "tests/support/counter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hal/base/cleanup.h"
#include "tests/support/await.h"

#define STORE "\"store\":\"0042\""

struct test {
    struct counter *counter;
    struct loop *loop;
    bool told;
    enum err err;
    struct reserved reserved;
    bool learned;
};

static int open_counter(void **state)
{
    static struct test test;
    test = (struct test){.counter = counter_open()};
    assert_int_equal(loop_open(&test.loop, NULL), ERR_OK);
    counter_sell(test.counter, COUNTER_RECEIPT);
    *state = &test;
    return 0;
}

static int close_counter(void **state)
{
    struct test *test = *state;
    counter_close(test->counter);
    loop_close(test->loop);
    return 0;
}

static enum err ask_with(struct test *test, enum capture_kind kind, const char *json, char *id)
{
    struct counter_answer answer = counter_ask(test->counter, kind, NULL, "", json);
    if (id && answer.body)
        (void)snprintf(id, ID_TEXT + 1, "%s", json_member_text(answer.body, "return_id"));
    enum err err = answer.err;
    if (err == ERR_BUSY)
        assert_non_null(strstr(answer.fault.text, "another store has this receipt in hand"));
    counter_answer_free(&answer);
    return err;
}

static enum err give_back(struct test *test, char *id)
{
    return ask_with(test, CAPTURE_RETURN, COUNTER_PIECES("1"), id);
}

static void on_reserved(void *context, enum err err, const struct fault *fault,
                        const struct reserved *reserved)
{
    (void)fault;
    struct test *test = context;
    test->told = true;
    test->err = err;
    test->reserved = *reserved;
}

static bool is_told(void *context)
{
    return ((struct test *)context)->told;
}

static enum err reserve_of(struct test *test, const char *receipt, int64_t others,
                           struct return_news of, bool reminder)
{
    struct reservation asked = {.for_ms = 120 * 1000, .others = others, .of = of};
    (void)snprintf(asked.receipt, sizeof asked.receipt, "%s", receipt);
    test->told = false;
    assert_int_equal(capture_reserve(counter_capture(test->counter), &asked, reminder, test->loop,
                                     on_reserved, test, NULL),
                     ERR_OK);
    assert_true(await(test->loop, is_told, test, AWAIT_MS));
    return test->err;
}

static enum err reserve(struct test *test, const char *receipt, int64_t others, bool reminder)
{
    return reserve_of(test, receipt, others, (struct return_news){.events = 0}, reminder);
}

static enum err keep_body(void *context, const struct eventlog_record *record, struct fault *fault)
{
    (void)fault;
    struct buf *data = context;
    if (data->len == 0)
        buf_append(data, record->event.data.data, record->event.data.len);
    return ERR_OK;
}

static void on_learned(void *context, enum err err, const struct fault *fault)
{
    (void)fault;
    *(bool *)context = err == ERR_OK;
}

static void learn(struct test *test, const struct event *event)
{
    struct buf body CLEANUP(buf_free);
    buf_init(&body, EVENT_BODY_MAX);
    event_write(&body, event);
    const struct slice bodies[] = {buf_slice(&body)};
    test->learned = false;
    eventlog_learn(counter_log(test->counter), bodies, 1, on_learned, &test->learned);
    assert_int_equal(reserve(test, "behind-it", 0, false), ERR_OK);
    assert_true(test->learned);
}

/* The like of this store's return, captured in another, comes to be known here. */
static void hear_of_another(struct test *test, const char *like, uint8_t number)
{
    struct buf data CLEANUP(buf_free);
    struct id id;
    buf_init(&data, EVENT_BODY_MAX);
    assert_int_equal(id_parse(slice_of(like), &id), ERR_OK);
    assert_int_equal(eventlog_history(counter_reader(test->counter), &id, keep_body, &data, NULL),
                     ERR_OK);
    char *store = strstr(data.data, STORE);
    assert_non_null(store);
    memcpy(store, "\"store\":\"0107\"", sizeof STORE - 1);
    const struct event event = {
        .id = {{7, number}},
        .correlation = {{8, number}},
        .sequence = 1,
        .type = EVENT_RETURN_CREATED,
        .source = SLICE_LITERAL("/store/0107/device/box-107"),
        .subject = SLICE_LITERAL("return"),
        .time_ms = COUNTER_NOW_MS,
        .boot_id = SLICE_LITERAL("b2c7ad05-6b0f-4b8e-8a52-3f0f6a1d7c11"),
        .data = buf_slice(&data),
    };
    learn(test, &event);
}

/* Its manager, who had to decide it, said no. */
static void hear_it_declined(struct test *test, uint8_t number, int64_t sequence)
{
    const struct event event = {
        .id = {{9, number}},
        .correlation = {{8, number}},
        .sequence = sequence,
        .type = EVENT_RETURN_DECLINED,
        .source = SLICE_LITERAL("/store/0107/device/box-107"),
        .subject = SLICE_LITERAL("return"),
        .time_ms = COUNTER_NOW_MS,
        .boot_id = SLICE_LITERAL("b2c7ad05-6b0f-4b8e-8a52-3f0f6a1d7c11"),
        .data = SLICE_LITERAL("{}"),
    };
    learn(test, &event);
}

static void nothing_is_taken_back_while_another_store_has_the_receipt(void **state)
{
    struct test *test = *state;
    assert_int_equal(reserve(test, COUNTER_RECEIPT, 0, false), ERR_OK);
    assert_string_equal(test->reserved.receipt, COUNTER_RECEIPT);
    assert_int_equal(test->reserved.count, 0);
    assert_int_equal(give_back(test, NULL), ERR_BUSY);
    counter_sell(test->counter, "0042-01-20261122-0018"); /* and nothing else is held up */
    clock_fake_advance(counter_clock(test->counter), 121 * 1000);
    assert_int_equal(give_back(test, NULL), ERR_OK);
}

#define NEW_SALE                                                                                   \
    "{\"receipt\":\"new\",\"channel\":\"store\",\"store\":\"0042\",\"lane\":\"01\","               \
    "\"sold_at\":\"2026-11-22T10:11:12+01:00\",\"currency\":\"EUR\","                              \
    "\"prices_include_tax\":true,\"lines\":[{\"line\":1,\"sku\":\"1\",\"category\":\"apparel\","   \
    "\"quantity\":1,\"unit\":\"each\",\"amount\":1000,\"tax\":[{\"type\":\"vat\","                 \
    "\"class\":\"standard\",\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":160}]}],"           \
    "\"tenders\":[{\"tender\":1,\"type\":\"card\",\"amount\":1000,\"reference\":\"tok_1\"}]}"

static enum err exchange(struct test *test)
{
    struct counter_answer answer =
        counter_ask(test->counter, CAPTURE_EXCHANGE, NULL, "",
                    "{\"return\":" COUNTER_PIECES("1") ",\"sale\":" NEW_SALE "}");
    counter_answer_free(&answer);
    return answer.err;
}

static void nothing_is_exchanged_while_another_store_has_the_receipt(void **state)
{
    struct test *test = *state;
    assert_int_equal(reserve(test, COUNTER_RECEIPT, 0, false), ERR_OK);
    assert_int_equal(exchange(test), ERR_BUSY);
    clock_fake_advance(counter_clock(test->counter), 121 * 1000);
    assert_int_equal(exchange(test), ERR_OK);
}

static void what_was_taken_back_before_is_told(void **state)
{
    struct test *test = *state;
    char id[ID_TEXT + 1];
    char told[ID_TEXT + 1];
    assert_int_equal(give_back(test, id), ERR_OK);
    assert_int_equal(reserve(test, COUNTER_RECEIPT, 0, false), ERR_OK);
    assert_int_equal(test->reserved.count, 1);
    id_format(&test->reserved.returns[0].id, told);
    assert_string_equal(told, id);
    assert_int_equal(test->reserved.returns[0].events, 2); /* created, goods received */
    assert_int_equal(reserve(test, COUNTER_RECEIPT, 0, false), ERR_OK); /* it came twice */
    assert_int_equal(test->reserved.count, 1);
}

static void what_the_other_store_did_ends_it(void **state)
{
    struct test *test = *state;
    char id[ID_TEXT + 1];
    assert_int_equal(give_back(test, id), ERR_OK);
    hear_of_another(test, id, 1);
    assert_int_equal(reserve(test, COUNTER_RECEIPT, 1, false), ERR_OK);
    assert_int_equal(test->reserved.count, 1); /* the other's is no affair of this store */
    assert_int_equal(give_back(test, NULL), ERR_BUSY);
    hear_of_another(test, id, 2);
    assert_int_equal(give_back(test, NULL), ERR_OK);
}

/* The return is known already; that its manager decides is the news. */
static void what_a_manager_of_the_other_store_decided_ends_it(void **state)
{
    struct test *test = *state;
    char id[ID_TEXT + 1];
    clock_fake_advance(counter_clock(test->counter), INT64_C(90) * 24 * 60 * 60 * 1000);
    assert_int_equal(give_back(test, id), ERR_OK); /* needs a manager: the window is over */
    assert_int_equal(reserve_of(test, COUNTER_RECEIPT, 0, (struct return_news){{{8, 1}}, 2}, false),
                     ERR_OK);
    hear_of_another(test, id, 1); /* late: neither it nor the hub had heard of it */
    assert_int_equal(give_back(test, NULL), ERR_BUSY);
    hear_it_declined(test, 1, 3); /* an exception of its store came between */
    assert_int_equal(give_back(test, NULL), ERR_OK);
}

static void reminder_holds_what_was_forgotten_and_changes_nothing_else(void **state)
{
    struct test *test = *state;
    char id[ID_TEXT + 1];
    assert_int_equal(give_back(test, id), ERR_OK);
    assert_int_equal(reserve(test, COUNTER_RECEIPT, 0, false), ERR_OK);
    assert_int_equal(reserve(test, COUNTER_RECEIPT, 9, true), ERR_OK);
    hear_of_another(test, id, 1);
    assert_int_equal(give_back(test, NULL), ERR_OK);
    assert_int_equal(reserve(test, COUNTER_RECEIPT, 1, true), ERR_OK);
    assert_int_equal(give_back(test, NULL), ERR_BUSY);
}

static void waiting_return_is_not_approved_meanwhile(void **state)
{
    struct test *test = *state;
    char id[ID_TEXT + 1];
    clock_fake_advance(counter_clock(test->counter), INT64_C(90) * 24 * 60 * 60 * 1000);
    assert_int_equal(give_back(test, id), ERR_OK); /* needs a manager: the window is over */
    assert_int_equal(reserve(test, COUNTER_RECEIPT, 0, false), ERR_OK);
    struct counter_answer answer = counter_ask_manager(test->counter, CAPTURE_APPROVE, id, "{}");
    assert_int_equal(answer.err, ERR_BUSY);
    counter_answer_free(&answer);
    clock_fake_advance(counter_clock(test->counter), 121 * 1000);
    answer = counter_ask_manager(test->counter, CAPTURE_APPROVE, id, "{}");
    assert_int_equal(answer.err, ERR_OK);
    counter_answer_free(&answer);
}

static void more_receipts_than_can_be_held_are_refused(void **state)
{
    struct test *test = *state;
    char receipt[32];
    for (int i = 0; i < 256; i++) {
        (void)snprintf(receipt, sizeof receipt, "R-%d", i);
        assert_int_equal(reserve(test, receipt, 0, false), ERR_OK);
    }
    assert_int_equal(reserve(test, COUNTER_RECEIPT, 0, false), ERR_BUSY);
    clock_fake_advance(counter_clock(test->counter), 121 * 1000);
    assert_int_equal(reserve(test, COUNTER_RECEIPT, 0, false), ERR_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_counter, close_counter)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_taken_back_while_another_store_has_the_receipt),
        TEST(nothing_is_exchanged_while_another_store_has_the_receipt),
        TEST(what_was_taken_back_before_is_told),
        TEST(what_the_other_store_did_ends_it),
        TEST(what_a_manager_of_the_other_store_decided_ends_it),
        TEST(reminder_holds_what_was_forgotten_and_changes_nothing_else),
        TEST(waiting_return_is_not_approved_meanwhile),
        TEST(more_receipts_than_can_be_held_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
