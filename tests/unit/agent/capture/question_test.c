/* What a decision is asked with: prices of items without a receipt, exchange rates. */
#include "agent/capture/replay.h"
#include "agent/views/return_view.h"
#include "hal/base/cleanup.h"
#include "tests/support/counter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct counter_answer ask(struct counter *counter, const char *json)
{
    struct counter_answer answer = counter_ask(counter, CAPTURE_RETURN, NULL, "", json);
    if (answer.err)
        fail_msg("%s: %s", answer.fault.where, answer.fault.text);
    return answer;
}

static int64_t total_of(const struct counter_answer *answer)
{
    return json_member_int(json_member(answer->body, "refund"), "total", -1);
}

static void assert_price(struct counter *counter, const char *item, int64_t total)
{
    char json[256];
    (void)snprintf(json, sizeof json,
                   "{\"receipt\":null,\"lines\":[{%s,\"quantity\":1,\"reason\":\"unwanted\","
                   "\"condition\":\"open_box\"}]}",
                   item);
    struct counter_answer answer = ask(counter, json);
    assert_string_equal(json_member_text(answer.body, "decision"), "needs_manager");
    assert_int_equal(total_of(&answer), total);
    counter_answer_free(&answer);
}

static void an_item_without_a_receipt_has_its_lowest_price(void **state)
{
    assert_price(*state, "\"gtin\":\"4006381333931\"", 333);
    assert_price(*state, "\"gtin\":\"04006381333931\"", 333);
    assert_price(*state, "\"sku\":\"4711\"", 333);
    assert_price(*state, "\"sku\":\"4712\"", 0);
}

static void sell_in_pounds(struct counter *counter)
{
    struct counter_answer sold = counter_ask(
        counter, CAPTURE_SALE, NULL, "",
        "{\"receipt\":\"pounds\",\"channel\":\"store\",\"store\":\"0100\",\"sold_at\":"
        "\"2026-11-20T10:00:00Z\",\"currency\":\"GBP\",\"prices_include_tax\":true,\"lines\":[{"
        "\"line\":1,\"sku\":\"4711\",\"quantity\":1,\"amount\":3000,\"tax\":[{\"type\":\"vat\","
        "\"jurisdiction\":\"GB\",\"rate\":\"20\",\"amount\":500}]}],\"tenders\":[{\"tender\":1,"
        "\"type\":\"card\",\"amount\":3000}]}");
    assert_int_equal(sold.err, ERR_OK);
    counter_answer_free(&sold);
}

/* Decides with the hub's word that it knows all of the receipt, or without. */
static void assert_decided(struct counter *counter, bool confirmed, const char *decision)
{
    const char *json = "{\"receipt\":\"pounds\",\"lines\":[{\"line\":1,\"quantity\":1,\"reason\":"
                       "\"unwanted\",\"condition\":\"open_box\"}]}";
    const struct capture_question question = {
        .body = slice_of(json), .actor = {.lane = "01", .person = "", .confirmed = confirmed}};
    struct cJSON *quote CLEANUP(json_cleanup) = NULL;
    struct buf text CLEANUP(buf_free);
    buf_init(&text, EVENT_BODY_MAX);
    assert_int_equal(
        capture_quote(counter_capture(counter), counter_reader(counter), &question, &text, NULL),
        ERR_OK);
    assert_int_equal(json_parse(buf_slice(&text), JSON_LIMITS_DEFAULT, &quote, NULL), ERR_OK);
    assert_string_equal(json_member_text(quote, "decision"), decision);
}

static void another_stores_receipt_waits_for_a_check_unless_the_hub_knows_all_of_it(void **state)
{
    sell_in_pounds(*state);
    assert_decided(*state, false, "accepted_pending_check");
    assert_decided(*state, true, "accepted");
}

static void what_came_back_while_nobody_knew_the_sale_the_hub_may_not_know(void **state)
{
    struct policy *policy = counter_policy(*state);
    size_t rules = policy->rule_count;
    policy->rule_count = 0; /* nothing against it */
    struct counter_answer before =
        ask(*state, "{\"receipt\":\"pounds\",\"lines\":[{\"sku\":\"4711\",\"quantity\":1,"
                    "\"reason\":\"unwanted\",\"condition\":\"open_box\"}]}");
    assert_string_equal(json_member_text(before.body, "decision"), "accepted");
    policy->rule_count = rules;
    sell_in_pounds(*state);
    assert_decided(*state, true, "needs_manager");
    counter_answer_free(&before);
}

/* Cut short it would be another one, and what came back of it would come back once more. */
static void the_longest_receipt_number_is_kept_whole(void **state)
{
    char receipt[81];
    char customer[81];
    char json[512];
    int64_t count = 0;
    int64_t amount_minor = 0;
    struct views views = views_of_reader(counter_reader(*state));
    memset(receipt, 'r', sizeof receipt - 1);
    memset(customer, 'c', sizeof customer - 1);
    receipt[80] = customer[80] = '\0';
    counter_policy(*state)->rule_count = 0; /* nothing against it */
    (void)snprintf(
        json, sizeof json,
        "{\"receipt\":\"%s\",\"customer\":\"%s\",\"lines\":[{\"sku\":\"4711\",\"quantity\":1,"
        "\"reason\":\"unwanted\",\"condition\":\"open_box\"}]}",
        receipt, customer);
    struct counter_answer answer = ask(*state, json);
    assert_string_equal(json_member_text(answer.body, "receipt"), receipt);
    assert_int_equal(return_view_unsold(&views, receipt, &count, NULL), ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(return_view_velocity(&views, true, customer, 0, &count, &amount_minor, NULL),
                     ERR_OK);
    assert_int_equal(count, 1);
    counter_answer_free(&answer);
}

static void a_price_in_another_currency_is_no_price_here(void **state)
{
    sell_in_pounds(*state);
    assert_price(*state, "\"sku\":\"4711\"", 333);
}

static struct policy_rate rates[] = {
    {.from = "GBP", .to = "EUR", .since_day = 20000, .rate = {11523, 4}},
    {.from = "GBP", .to = "EUR", .since_day = 20779, .rate = {11741, 4}}, /* 2026-11-22 */
};

static const char in_euro[] =
    "{\"receipt\":\"pounds\",\"currency\":\"EUR\",\"lines\":[{\"line\":1,\"quantity\":1,"
    "\"reason\":\"unwanted\",\"condition\":\"open_box\"}]}";

static int64_t paid_in_euro(struct counter *counter, int64_t *loss_minor)
{
    struct counter_answer answer = ask(counter, in_euro);
    const struct cJSON *tender =
        json_first(json_member(json_member(answer.body, "refund"), "tenders"));
    int64_t paid = json_member_int(tender, "paid_out", -1);
    *loss_minor = json_member_int(tender, "fx", -1);
    struct counter_answer undone =
        counter_ask(counter, CAPTURE_VOID, json_member_text(answer.body, "return_id"), "", "{}");
    assert_int_equal(undone.err, ERR_OK);
    counter_answer_free(&answer);
    counter_answer_free(&undone);
    return paid;
}

static void pounds_are_paid_back_in_euro_by_the_policys_rates(void **state)
{
    struct counter *counter = *state;
    struct policy *policy = counter_policy(counter);
    int64_t loss = 0;
    sell_in_pounds(counter);
    struct counter_answer without = ask(counter, in_euro);
    assert_string_equal(json_member_text(without.body, "decision"), "needs_link");
    counter_answer_free(&without);
    policy->rates = rates;
    policy->rate_count = 2;
    assert_int_equal(paid_in_euro(counter, &loss), 3457);
    assert_int_equal(loss, 0);
    policy->fx = POLICY_FX_TODAY;
    assert_int_equal(paid_in_euro(counter, &loss), 3522);
    assert_int_equal(loss, 65);
}

static enum err decide_again(void *context, const struct return_state *state, struct fault *fault)
{
    struct counter *counter = context;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, (size_t)32 * 1024 * 1024);
    struct replay replay CLEANUP(replay_cleanup) = {0};
    struct views views = views_of_reader(counter_reader(counter));
    enum err err = replay_decide(&views, state, counter_policy(counter), &arena, &replay, fault);
    if (err)
        return err;
    const struct decision *decision = &replay.question.decision;
    assert_int_equal(decision->total_minor, state->total_minor);
    assert_string_equal(outcome_words[decision->outcome],
                        json_member_text(replay.created, "decision"));
    for (size_t i = 0; i < decision->tender_count; i++)
        assert_int_equal(decision->tenders[i].paid_out_minor, 3522);
    return ERR_OK;
}

static void rates_and_prices_of_that_day_come_out_of_the_log(void **state)
{
    struct counter *counter = *state;
    struct policy *policy = counter_policy(counter);
    policy->rates = rates;
    policy->rate_count = 2;
    policy->fx = POLICY_FX_TODAY;
    sell_in_pounds(counter);
    struct counter_answer answer = ask(counter, in_euro);
    policy->rate_count = 0; /* forgotten since */
    struct views views = views_of_reader(counter_reader(counter));
    struct return_view_query query = {
        .state = RETURN_VIEW_ANY, .receipt = "", .before_ms = INT64_MAX, .max = 10};
    struct fault fault = {0};
    if (return_view_list(&views, &query, decide_again, counter, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
    counter_answer_free(&answer);
}

static void received(void *context, enum err err, const struct fault *fault)
{
    (void)fault;
    *(bool *)context = err == ERR_OK;
}

/* The centre authorises the return of `quantity` pieces, and its word arrives. */
static void authorise(struct counter *counter, const char *number, int quantity, const char *more)
{
    static int64_t messages;
    struct id_source ids;
    char data[256];
    bool came = false;
    id_source_init(&ids, NULL, NULL);
    (void)snprintf(data, sizeof data,
                   "{\"number\":\"%s\",\"receipt\":\"" COUNTER_RECEIPT
                   "\",%s\"lines\":[{\"line\":1,"
                   "\"quantity\":%d}]}",
                   number, more, quantity);
    const struct event event = {.id = id_next(&ids, COUNTER_NOW_MS),
                                .type = EVENT_RETURN_AUTHORISED,
                                .source = SLICE_LITERAL("/centre"),
                                .subject = SLICE_LITERAL("return"),
                                .time_ms = COUNTER_NOW_MS,
                                .time_trusted = true,
                                .correlation = id_next(&ids, COUNTER_NOW_MS),
                                .data = slice_of(data)};
    struct buf body CLEANUP(buf_free);
    buf_init(&body, EVENT_BODY_MAX);
    event_write(&body, &event);
    const struct inbox_place place = {1, messages + 1, messages, messages + 1};
    messages++;
    eventlog_receive(counter_log(counter), &place, buf_slice(&body), received, &came);
    /* What was submitted behind it ends after it. */
    struct counter_answer answer =
        counter_ask(counter, CAPTURE_VOID, "01935a10-7c3d-7300-8300-000000000300", "", "{}");
    assert_int_equal(answer.err, ERR_NOT_FOUND);
    counter_answer_free(&answer);
    assert_true(came);
}

static void assert_under(struct counter *counter, const char *number, int quantity,
                         const char *decision, const char *code)
{
    char json[256];
    (void)snprintf(json, sizeof json,
                   "{\"receipt\":\"" COUNTER_RECEIPT
                   "\",\"authorisation\":\"%s\",\"lines\":[{\"line\":1,"
                   "\"quantity\":%d,\"reason\":\"unwanted\",\"condition\":\"open_box\"}]}",
                   number, quantity);
    struct counter_answer answer = ask(counter, json);
    assert_string_equal(json_member_text(answer.body, "decision"), decision);
    const struct cJSON *reason = json_first(json_member(answer.body, "reasons"));
    const char *found = reason ? json_member_text(reason, "code") : "";
    assert_string_equal(found, code);
    counter_answer_free(&answer);
}

static enum err decide_authorised_again(void *context, const struct return_state *state,
                                        struct fault *fault)
{
    struct counter *counter = context;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, (size_t)32 * 1024 * 1024);
    struct replay replay CLEANUP(replay_cleanup) = {0};
    struct views views = views_of_reader(counter_reader(counter));
    enum err err = replay_decide(&views, state, counter_policy(counter), &arena, &replay, fault);
    if (err)
        return err;
    assert_string_equal(outcome_words[replay.question.decision.outcome],
                        json_member_text(replay.created, "decision"));
    assert_non_null(json_member_text(replay.created, "authorisation"));
    return ERR_OK;
}

static void an_authorisation_is_used_up_and_looked_at_again_from_the_log(void **state)
{
    struct counter *counter = *state;
    assert_under(counter, "RMA-1", 1, "needs_link", "authorisation_unknown");
    authorise(counter, "RMA-1", 1, "\"valid_until\":\"2999-01-01T00:00:00Z\",");
    authorise(counter, "RMA-2", 1, "\"valid_until\":\"2020-01-01T00:00:00Z\",");
    assert_under(counter, "RMA-1", 2, "declined", "authorisation_exceeded");
    assert_under(counter, "RMA-1", 1, "accepted", "");
    assert_under(counter, "RMA-1", 1, "declined", "authorisation_exceeded");
    assert_under(counter, "RMA-2", 1, "needs_manager", "authorisation_expired");
    struct views views = views_of_reader(counter_reader(counter));
    struct return_view_query query = {
        .state = RETURN_VIEW_ANY, .receipt = "", .before_ms = INT64_MAX, .max = 10};
    struct fault fault = {0};
    if (return_view_list(&views, &query, decide_authorised_again, counter, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, counter_setup, counter_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_item_without_a_receipt_has_its_lowest_price),
        TEST(another_stores_receipt_waits_for_a_check_unless_the_hub_knows_all_of_it),
        TEST(what_came_back_while_nobody_knew_the_sale_the_hub_may_not_know),
        TEST(the_longest_receipt_number_is_kept_whole),
        TEST(a_price_in_another_currency_is_no_price_here),
        TEST(pounds_are_paid_back_in_euro_by_the_policys_rates),
        TEST(rates_and_prices_of_that_day_come_out_of_the_log),
        TEST(an_authorisation_is_used_up_and_looked_at_again_from_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
