#include "sync/contract/sale_query.h"
#include "sync/uplink/uplink.h"
#include "tests/support/await.h"
#include "tests/support/uplink_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void on_answer(void *context, enum err err, struct slice answer)
{
    struct uplink_house *f = context;
    f->answers++;
    f->answer_err = err;
    (void)snprintf(f->answer, sizeof f->answer, "%.*s", (int)answer.len, answer.data);
}

static bool is_answered(void *context)
{
    return ((struct uplink_house *)context)->answers > 0;
}

static bool is_subscribed(void *context)
{
    return ((struct uplink_house *)context)->hub.inbox_acks > 0;
}

enum { TRIES_MAX = 5 };

static const struct sale_query question = {.receipt = "R-1", .reserve = true};

static void a_question_gets_its_answer(void **state)
{
    struct uplink_house *f = *state;
    struct sale_reply reply;
    uplink_house_join(f);
    f->hub.answers = true;
    f->hub.asks_holder = true; /* what is said first is no answer */
    uplink_house_start(f);
    assert_int_equal(uplink_query(f->uplink, &question, on_answer, f, NULL), ERR_CLOSED);
    assert_true(await(f->loop, is_subscribed, f, AWAIT_MS));
    int tries = 0;
    do { /* on a loaded machine a question's time may be over before it was carried */
        f->answers = 0;
        assert_int_equal(uplink_query(f->uplink, &question, on_answer, f, NULL), ERR_OK);
        assert_true(await(f->loop, is_answered, f, AWAIT_MS));
    } while (f->answer_err == ERR_TIMEOUT && ++tries < TRIES_MAX);
    assert_int_equal(f->answer_err, ERR_OK);
    assert_int_equal(sale_reply_read(slice_of(f->answer), &reply, NULL), ERR_OK);
    assert_string_equal(reply.receipt, "R-1");
    assert_true(slice_is(reply.sale, "{\"sale\":1}"));
    assert_int_equal(f->answers, 1);
}

static void a_question_without_an_answer_ends_in_time(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    uplink_house_start(f);
    assert_true(await(f->loop, is_subscribed, f, AWAIT_MS));
    assert_int_equal(uplink_query(f->uplink, &question, on_answer, f, NULL), ERR_OK);
    assert_true(await(f->loop, is_answered, f, AWAIT_MS));
    assert_int_equal(f->answer_err, ERR_TIMEOUT);
}

static void a_question_that_the_holder_does_not_answer_is_to_be_asked_again(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    f->hub.asks_holder = true;
    uplink_house_start(f);
    assert_true(await(f->loop, is_subscribed, f, AWAIT_MS));
    int tries = 0;
    do {
        f->answers = 0;
        assert_int_equal(uplink_query(f->uplink, &question, on_answer, f, NULL), ERR_OK);
        assert_true(await(f->loop, is_answered, f, AWAIT_MS));
    } while (f->answer_err == ERR_TIMEOUT && ++tries < TRIES_MAX);
    assert_int_equal(f->answer_err, ERR_BUSY);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, uplink_house_setup, uplink_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_question_gets_its_answer),
        TEST(a_question_without_an_answer_ends_in_time),
        TEST(a_question_that_the_holder_does_not_answer_is_to_be_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
