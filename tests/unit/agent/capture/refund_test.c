/* Who pays a refund out, and how much of it: each tender once, whole, and by whom it was planned.
 */
#include "hal/base/cleanup.h"
#include "tests/support/counter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MIXED                                                                                      \
    "{\"receipt\":\"mixed\",\"channel\":\"store\",\"store\":\"0042\",\"lane\":\"01\","             \
    "\"sold_at\":\"2026-11-22T10:11:12+01:00\",\"currency\":\"EUR\","                              \
    "\"prices_include_tax\":true,\"lines\":[{\"line\":1,\"sku\":\"1\",\"category\":\"apparel\","   \
    "\"quantity\":1,\"unit\":\"each\",\"amount\":1000,\"tax\":[{\"type\":\"vat\","                 \
    "\"class\":\"standard\",\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":160}]}],"           \
    "\"tenders\":[{\"tender\":1,\"type\":\"cash\",\"amount\":400},{\"tender\":2,"                  \
    "\"type\":\"card\",\"amount\":600,\"reference\":\"tok_1\"}]}"
#define MIXED_BACK                                                                                 \
    "{\"receipt\":\"mixed\",\"lines\":[{\"line\":1,\"quantity\":1,\"reason\":\"unwanted\","        \
    "\"condition\":\"open_box\"}]}"

static void refuses(struct counter *counter, enum capture_kind kind,
                    const struct counter_answer *back, const char *json, enum err err,
                    const char *where)
{
    struct counter_answer answer =
        counter_ask(counter, kind, json_member_text(back->body, "return_id"), "", json);
    assert_int_equal(answer.err, err);
    assert_string_equal(answer.fault.where, where);
    counter_answer_free(&answer);
}

static void a_tender_is_paid_out_whole(void **state)
{
    struct counter_answer back = counter_take_back(*state, "");
    refuses(*state, CAPTURE_REFUND, &back, "{\"tenders\":[{\"tender\":1,\"amount\":332}]}",
            ERR_INVALID, "tenders.amount");
    refuses(*state, CAPTURE_REFUND, &back, "{\"tenders\":[{\"tender\":1,\"amount\":334}]}",
            ERR_INVALID, "tenders.amount");
    struct counter_answer paid =
        counter_ask(*state, CAPTURE_REFUND, json_member_text(back.body, "return_id"), "",
                    "{\"tenders\":[{\"tender\":1,\"amount\":333}]}");
    assert_int_equal(paid.err, ERR_OK);
    counter_answer_free(&back);
    counter_answer_free(&paid);
}

static void what_the_hub_pays_out_no_till_does(void **state)
{
    counter_policy(*state)->tenders.executor[TENDER_CARD] = EXECUTOR_HUB;
    struct counter_answer back = counter_take_back(*state, "");
    assert_int_equal(back.err, ERR_OK);
    refuses(*state, CAPTURE_REFUND, &back, "{\"tenders\":[{\"tender\":1}]}", ERR_REFUSED,
            "tenders.executor");
    refuses(*state, CAPTURE_REFUND, &back, "{}", ERR_REFUSED, "nothing_to_pay_out");
    refuses(*state, CAPTURE_VOID, &back, "{}", ERR_REFUSED, "refund_requested");
    counter_answer_free(&back);
}

/* --- What the hub is asked ------------------------------------------------------------------- */

struct requested {
    int count;
    int64_t position;
    int64_t amount;
};

static enum err note(void *context, const struct eventlog_record *record, struct fault *fault)
{
    struct requested *requested = context;
    struct cJSON *data CLEANUP(json_cleanup) = NULL;
    if (record->event.type != EVENT_REFUND_REQUESTED)
        return ERR_OK;
    enum err err = json_parse(record->event.data, JSON_LIMITS_DEFAULT, &data, fault);
    requested->count++;
    requested->position = json_member_int(data, "position", -1);
    requested->amount = json_member_int(data, "amount", -1);
    return err;
}

/* The place in the plan is what the payment and its settlement are told apart by. */
static void the_hub_is_asked_for_its_own_tender_by_its_place(void **state)
{
    struct requested requested = {.count = 0};
    struct id id;
    counter_policy(*state)->tenders.executor[TENDER_CARD] = EXECUTOR_HUB;
    struct counter_answer sold = counter_ask(*state, CAPTURE_SALE, NULL, "", MIXED);
    assert_int_equal(sold.err, ERR_OK);
    struct counter_answer back = counter_ask(*state, CAPTURE_RETURN, NULL, "", MIXED_BACK);
    assert_int_equal(back.err, ERR_OK);
    assert_string_equal(json_member_text(back.body, "decision"), "accepted");
    assert_int_equal(id_parse(slice_of(json_member_text(back.body, "return_id")), &id), ERR_OK);
    assert_int_equal(eventlog_history(counter_reader(*state), &id, note, &requested, NULL), ERR_OK);
    assert_int_equal(requested.count, 1);
    int64_t position = 0;
    const struct cJSON *tender =
        json_first(json_member(json_member(back.body, "refund"), "tenders"));
    for (; tender && json_member_int(tender, "tender", 0) != 2; tender = json_next(tender))
        position++;
    assert_int_equal(requested.position, position);
    assert_int_equal(requested.amount, json_member_int(tender, "amount", 0));
    counter_answer_free(&sold);
    counter_answer_free(&back);
}

static void accept_to_be_checked(struct policy *policy)
{
    for (size_t i = 0; i < policy->rule_count; i++)
        if (policy->rules[i].outcome == OUTCOME_NEEDS_MANAGER)
            policy->rules[i].outcome = OUTCOME_PENDING_CHECK;
}

/* The centre has yet to say whether the goods came back elsewhere. */
static void the_hub_is_asked_for_nothing_before_the_check_is_made(void **state)
{
    struct requested requested = {.count = 0};
    struct id id;
    accept_to_be_checked(counter_policy(*state));
    counter_policy(*state)->tenders.executor[TENDER_CARD] = EXECUTOR_HUB;
    clock_fake_advance(counter_clock(*state), INT64_C(90) * 24 * 60 * 60 * 1000);
    struct counter_answer back = counter_take_back(*state, "");
    assert_int_equal(back.err, ERR_OK);
    assert_string_equal(json_member_text(back.body, "decision"), "accepted_pending_check");
    assert_int_equal(id_parse(slice_of(json_member_text(back.body, "return_id")), &id), ERR_OK);
    assert_int_equal(eventlog_history(counter_reader(*state), &id, note, &requested, NULL), ERR_OK);
    assert_int_equal(requested.count, 0);
    counter_answer_free(&back);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, counter_setup, counter_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_tender_is_paid_out_whole),
        TEST(what_the_hub_pays_out_no_till_does),
        TEST(the_hub_is_asked_for_its_own_tender_by_its_place),
        TEST(the_hub_is_asked_for_nothing_before_the_check_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
