/* Exceptions: raised with what met them, assigned, resolved, told again the same. */
#include "agent/views/exception_view.h"
#include "tests/support/counter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct seen {
    size_t count;
    struct exception_state last;
    char id[ID_TEXT + 1];
};

static enum err take(void *context, const struct exception_state *state, struct fault *fault)
{
    (void)fault;
    struct seen *seen = context;
    seen->count++;
    seen->last = *state;
    id_format(&state->id, seen->id);
    return ERR_OK;
}

static struct seen list(struct counter *counter, int step)
{
    struct seen seen = {0};
    struct views views = views_of_reader(counter_reader(counter));
    struct exception_view_query query = {.step = step, .after_ms = -1, .max = 10};
    assert_int_equal(exception_view_list(&views, &query, take, &seen, NULL), ERR_OK);
    return seen;
}

static void too_many(struct counter *counter)
{
    struct counter_answer answer =
        counter_ask(counter, CAPTURE_RETURN, NULL, "", COUNTER_PIECES("4"));
    assert_int_equal(answer.err, ERR_OK);
    assert_string_equal(json_member_text(answer.body, "decision"), "declined");
    counter_answer_free(&answer);
}

static void an_accepted_return_raises_nothing(void **state)
{
    struct counter_answer answer = counter_take_back(*state, "");
    assert_int_equal(list(*state, -1).count, 0);
    counter_answer_free(&answer);
}

static void more_than_is_left_raises_an_exception_with_an_owner(void **state)
{
    too_many(*state);
    struct seen seen = list(*state, -1);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.last.code, "quantity_exceeds_remaining");
    assert_string_equal(seen.last.detail, "lines[0]");
    assert_string_equal(seen.last.owner, "manager");
    assert_int_equal(seen.last.step, EXCEPTION_OPEN);
    assert_int_equal(seen.last.raised_ms, COUNTER_NOW_MS);
}

static void an_unknown_receipt_raises_no_original(void **state)
{
    struct counter_answer answer =
        counter_ask(*state, CAPTURE_RETURN, NULL, "",
                    "{\"receipt\":\"nobody-knows\",\"lines\":[{\"line\":1,\"quantity\":1,"
                    "\"reason\":\"unwanted\",\"condition\":\"open_box\"}]}");
    assert_int_equal(answer.err, ERR_OK);
    assert_string_equal(list(*state, -1).last.code, "no_original");
    counter_answer_free(&answer);
}

static void sell_at(struct counter *counter, const char *receipt, const char *day,
                    const char *jurisdiction)
{
    char json[768];
    (void)snprintf(json, sizeof json,
                   "{\"receipt\":\"%s\",\"channel\":\"store\",\"store\":\"0042\",\"sold_at\":"
                   "\"%sT10:00:00Z\",\"currency\":\"EUR\",\"prices_include_tax\":true,\"lines\":[{"
                   "\"line\":1,\"sku\":\"4711\",\"quantity\":1,\"amount\":1000,\"tax\":[{\"type\":"
                   "\"vat\",\"jurisdiction\":\"%s\",\"rate\":\"20\",\"amount\":167}]}],"
                   "\"tenders\":[{\"tender\":1,\"type\":\"card\",\"amount\":1000}]}",
                   receipt, day, jurisdiction);
    struct counter_answer sold = counter_ask(counter, CAPTURE_SALE, NULL, "", json);
    assert_int_equal(sold.err, ERR_OK);
    counter_answer_free(&sold);
}

struct wanted {
    const char *code;
    const char *owner;
    size_t count;
};

static enum err take_wanted(void *context, const struct exception_state *state, struct fault *fault)
{
    (void)fault;
    struct wanted *wanted = context;
    if (strcmp(state->code, wanted->code) == 0) {
        assert_string_equal(state->owner, wanted->owner);
        wanted->count++;
        if (strcmp(state->code, "tax_jurisdiction_mismatch") == 0)
            assert_string_equal(state->detail, "taxed in AT, taken back in DE");
    }
    return ERR_OK;
}

#define LINE(more)                                                                                 \
    "\"lines\":[{\"quantity\":1,\"reason\":\"unwanted\",\"condition\":\"open_box\"," more "}]}"

/* Each code that a decision can raise; the other codes have tests of their own. */
static void every_reason_that_needs_a_person_raises_its_exception(void **state)
{
    static const struct {
        const char *request;
        const char *code;
        const char *owner;
    } cases[] = {
        {"{\"receipt\":\"" COUNTER_RECEIPT
         "\",\"lines\":[{\"line\":1,\"quantity\":1,\"amount\":2000,"
         "\"reason\":\"price_adjust\",\"condition\":\"open_box\"}]}",
         "refund_exceeds_paid", "manager"},
        {"{\"receipt\":\"" COUNTER_RECEIPT "\",\"refund_to\":\"cash\"," LINE("\"line\":1"),
         "tender_not_allowed", "manager"},
        {"{\"receipt\":\"" COUNTER_RECEIPT "\",\"currency\":\"USD\"," LINE("\"line\":1"),
         "currency_mismatch", "finance"},
        {"{\"receipt\":\"vienna\"," LINE("\"line\":1"), "tax_jurisdiction_mismatch", "finance"},
        {"{\"receipt\":\"tomorrow\"," LINE("\"line\":1"), "clock_untrusted", "manager"},
        {"{\"receipt\":null," LINE("\"sku\":\"nobody-knows\""), "item_not_on_file", "manager"},
    };
    struct counter *counter = *state;
    struct policy *policy = counter_policy(counter);
    static struct policy_rule rules[POLICY_RULES_MAX];
    assert_true(policy->rule_count < POLICY_RULES_MAX);
    memcpy(rules, policy->rules, policy->rule_count * sizeof *rules);
    rules[policy->rule_count++] = (struct policy_rule){
        .rule = "clock", .check = POLICY_CLOCK, .outcome = OUTCOME_NEEDS_MANAGER};
    policy->rules = rules;
    sell_at(counter, "vienna", "2026-11-20", "AT");
    sell_at(counter, "tomorrow", "2026-11-24", "DE");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct counter_answer answer =
            counter_ask(counter, CAPTURE_RETURN, NULL, "", cases[i].request);
        if (answer.err)
            fail_msg("%s: %s", answer.fault.where, answer.fault.text);
        struct wanted wanted = {.code = cases[i].code, .owner = cases[i].owner};
        struct views views = views_of_reader(counter_reader(counter));
        struct exception_view_query query = {.step = -1, .after_ms = -1, .max = 50};
        assert_int_equal(exception_view_list(&views, &query, take_wanted, &wanted, NULL), ERR_OK);
        assert_int_equal(wanted.count, 1);
        counter_answer_free(&answer);
    }
}

static void goods_that_come_damaged_raise_an_exception(void **state)
{
    struct counter_answer asked =
        counter_ask(*state, CAPTURE_RETURN, NULL, "",
                    "{\"receipt\":\"" COUNTER_RECEIPT "\",\"in_hand\":false,\"lines\":[{\"line\":1,"
                    "\"quantity\":1,\"reason\":\"unwanted\",\"condition\":\"open_box\"}]}");
    struct counter_answer received =
        counter_ask(*state, CAPTURE_RECEIVE, json_member_text(asked.body, "return_id"), "",
                    "{\"lines\":[{\"line\":1,\"quantity\":1,\"condition\":\"damaged\"}]}");
    assert_int_equal(received.err, ERR_OK);
    assert_string_equal(list(*state, -1).last.code, "damaged_goods");
    counter_answer_free(&asked);
    counter_answer_free(&received);
}

static void a_dispute_is_the_business_of_finance(void **state)
{
    struct counter_answer asked = counter_take_back(*state, "");
    const char *id = json_member_text(asked.body, "return_id");
    struct counter_answer paid = counter_ask(*state, CAPTURE_REFUND, id, "", "{}");
    struct counter_answer disputed =
        counter_ask(*state, CAPTURE_DISPUTE, id, "", "{\"stage\":\"opened\"}");
    assert_int_equal(disputed.err, ERR_OK);
    struct seen seen = list(*state, -1);
    assert_string_equal(seen.last.code, "disputed");
    assert_string_equal(seen.last.owner, "finance");
    counter_answer_free(&asked);
    counter_answer_free(&paid);
    counter_answer_free(&disputed);
}

static void it_is_assigned_and_then_resolved_once(void **state)
{
    too_many(*state);
    struct seen seen = list(*state, -1);
    struct counter_answer assigned =
        counter_ask(*state, CAPTURE_ASSIGN, seen.id, "a-1", "{\"owner\":\"petra\"}");
    assert_int_equal(assigned.err, ERR_OK);
    assert_string_equal(json_member_text(assigned.body, "state"), "assigned");
    assert_string_equal(json_member_text(assigned.body, "owner"), "petra");
    struct counter_answer resolved = counter_ask(*state, CAPTURE_RESOLVE, seen.id, "r-1",
                                                 "{\"how\":\"the till counted twice\"}");
    assert_int_equal(resolved.err, ERR_OK);
    assert_string_equal(json_member_text(resolved.body, "state"), "resolved");
    assert_string_equal(json_member_text(resolved.body, "owner"), "petra");
    struct counter_answer more =
        counter_ask(*state, CAPTURE_RESOLVE, seen.id, "r-2", "{\"how\":\"again\"}");
    assert_int_equal(more.err, ERR_REFUSED);
    assert_int_equal(list(*state, -1).count, 0);
    assert_int_equal(list(*state, EXCEPTION_RESOLVED).count, 1);
    struct counter_answer again =
        counter_ask(*state, CAPTURE_ASSIGN, seen.id, "a-1", "{\"owner\":\"petra\"}");
    assert_true(again.replayed);
    assert_string_equal(again.text.data, assigned.text.data);
    counter_answer_free(&assigned);
    counter_answer_free(&resolved);
    counter_answer_free(&more);
    counter_answer_free(&again);
}

static void a_card_number_in_its_texts_is_refused(void **state)
{
    too_many(*state);
    struct seen seen = list(*state, -1);
    struct counter_answer owner =
        counter_ask(*state, CAPTURE_ASSIGN, seen.id, "", "{\"owner\":\"4111111111111111\"}");
    struct counter_answer how =
        counter_ask(*state, CAPTURE_RESOLVE, seen.id, "", "{\"how\":\"4111 1111 1111 1111\"}");
    assert_int_equal(owner.err, ERR_REFUSED);
    assert_int_equal(how.err, ERR_REFUSED);
    counter_answer_free(&owner);
    counter_answer_free(&how);
}

static void count_finding(void *context, const struct eventlog_finding *finding)
{
    print_message("%s: %s\n", finding->what, finding->text);
    ++*(int *)context;
}

static void the_view_follows_from_the_log(void **state)
{
    too_many(*state);
    struct seen seen = list(*state, -1);
    struct counter_answer assigned =
        counter_ask(*state, CAPTURE_ASSIGN, seen.id, "", "{\"owner\":\"petra\"}");
    int64_t events = 0;
    int findings = 0;
    assert_int_equal(
        eventlog_verify(counter_config(*state), count_finding, &findings, &events, NULL), ERR_OK);
    assert_int_equal(findings, 0);
    counter_answer_free(&assigned);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, counter_setup, counter_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_accepted_return_raises_nothing),
        TEST(more_than_is_left_raises_an_exception_with_an_owner),
        TEST(an_unknown_receipt_raises_no_original),
        TEST(every_reason_that_needs_a_person_raises_its_exception),
        TEST(goods_that_come_damaged_raise_an_exception),
        TEST(a_dispute_is_the_business_of_finance),
        TEST(it_is_assigned_and_then_resolved_once),
        TEST(a_card_number_in_its_texts_is_refused),
        TEST(the_view_follows_from_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
