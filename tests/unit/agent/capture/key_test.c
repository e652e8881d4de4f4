/* The idempotency key under which a till asks: one act, once, whatever comes after it. */
#include "tests/support/counter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void the_same_key_answers_the_same_words_even_after_a_restart(void **state)
{
    struct counter_answer first = counter_take_back(*state, "k-1");
    assert_int_equal(first.err, ERR_OK);
    assert_false(first.replayed);
    int64_t before = counter_head(*state);
    counter_restart(*state);
    struct counter_answer again = counter_take_back(*state, "k-1");
    assert_true(again.replayed);
    assert_string_equal(first.text.data, again.text.data);
    assert_int_equal(counter_head(*state), before);
    counter_answer_free(&first);
    counter_answer_free(&again);
}

/* What happened to the return since is not the answer of the command that created it. */
static void a_replay_is_not_changed_by_what_came_after(void **state)
{
    struct counter_answer first = counter_take_back(*state, "k-1");
    struct counter_answer paid =
        counter_ask(*state, CAPTURE_REFUND, json_member_text(first.body, "return_id"), "", "{}");
    assert_int_equal(paid.err, ERR_OK);
    assert_string_equal(json_member_text(paid.body, "money"), "issued");
    struct counter_answer again = counter_take_back(*state, "k-1");
    assert_string_equal(first.text.data, again.text.data);
    counter_answer_free(&first);
    counter_answer_free(&paid);
    counter_answer_free(&again);
}

static void the_same_key_with_another_request_is_refused(void **state)
{
    struct counter_answer first = counter_take_back(*state, "k-1");
    struct counter_answer other =
        counter_ask(*state, CAPTURE_RETURN, NULL, "k-1",
                    "{\"receipt\":\"" COUNTER_RECEIPT "\",\"lines\":[{\"line\":1,\"quantity\":2,"
                    "\"reason\":\"unwanted\",\"condition\":\"open_box\"}]}");
    assert_int_equal(other.err, ERR_CONFLICT);
    assert_string_equal(other.fault.where, "Idempotency-Key");
    counter_answer_free(&first);
    counter_answer_free(&other);
}

/* Else what was asked of another return would be answered with yes, and not be done. */
static void a_key_stands_for_one_act_on_one_return(void **state)
{
    struct counter_answer first = counter_take_back(*state, "");
    struct counter_answer second = counter_take_back(*state, "");
    const char *one = json_member_text(first.body, "return_id");
    const char *other = json_member_text(second.body, "return_id");
    struct counter_answer voided = counter_ask(*state, CAPTURE_VOID, one, "k-1", "{}");
    assert_int_equal(voided.err, ERR_OK);
    struct counter_answer of_other = counter_ask(*state, CAPTURE_VOID, other, "k-1", "{}");
    assert_int_equal(of_other.err, ERR_CONFLICT);
    assert_string_equal(of_other.fault.where, "Idempotency-Key");
    struct counter_answer another_act = counter_ask(*state, CAPTURE_REFUND, one, "k-1", "{}");
    assert_int_equal(another_act.err, ERR_CONFLICT);
    assert_string_equal(another_act.fault.where, "Idempotency-Key");
    counter_answer_free(&first);
    counter_answer_free(&second);
    counter_answer_free(&voided);
    counter_answer_free(&of_other);
    counter_answer_free(&another_act);
}

static void each_lane_s_keys_are_its_own(void **state)
{
    struct counter_answer first = counter_take_back(*state, "1");
    struct counter_answer other =
        counter_ask_at(*state, "02", CAPTURE_RETURN, NULL, "1", COUNTER_PIECES("1"));
    assert_int_equal(other.err, ERR_OK);
    assert_false(other.replayed);
    assert_string_not_equal(json_member_text(first.body, "return_id"),
                            json_member_text(other.body, "return_id"));
    counter_answer_free(&first);
    counter_answer_free(&other);
}

static void a_colon_in_a_lane_s_name_does_not_end_it(void **state)
{
    struct counter_answer first = counter_take_back(*state, "2:1");
    struct counter_answer other =
        counter_ask_at(*state, "01:2", CAPTURE_RETURN, NULL, "1", COUNTER_PIECES("1"));
    assert_int_equal(other.err, ERR_OK);
    assert_false(other.replayed);
    counter_answer_free(&first);
    counter_answer_free(&other);
}

static void a_key_that_looks_like_a_card_number_is_refused(void **state)
{
    static const struct {
        const char *key;
        enum err err;
    } keys[] = {
        {"4111111111111111", ERR_INVALID},
        {"sale-4111111111111111-1", ERR_INVALID},
        {"return-0042-01-482629-2-00000-1", ERR_OK},      /* numbers joined, not one number */
        {"50185018-5018-4018-8018-501850185018", ERR_OK}, /* a UUID, whatever its digits */
        {"sale-0042-01-20261122-0017", ERR_OK},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct counter_answer answer =
            counter_ask(*state, CAPTURE_RETURN, NULL, keys[i].key, COUNTER_PIECES("1"));
        assert_int_equal(answer.err, keys[i].err);
        if (answer.err)
            assert_string_equal(answer.fault.where, "Idempotency-Key");
        counter_answer_free(&answer);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, counter_setup, counter_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_key_answers_the_same_words_even_after_a_restart),
        TEST(a_replay_is_not_changed_by_what_came_after),
        TEST(the_same_key_with_another_request_is_refused),
        TEST(a_key_stands_for_one_act_on_one_return),
        TEST(each_lane_s_keys_are_its_own),
        TEST(a_colon_in_a_lane_s_name_does_not_end_it),
        TEST(a_key_that_looks_like_a_card_number_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
