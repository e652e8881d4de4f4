/* Returns through capture: decided, saved, answered again the same. */
#include "tests/support/counter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct cJSON *first_line(const struct counter_answer *answer)
{
    return json_first(json_member(answer->body, "lines"));
}

static void pieces_one_by_one_sum_to_the_whole(void **state)
{
    static const int64_t gross[] = {333, 334, 333};
    static const int64_t tax[] = {53, 54, 53};
    for (size_t i = 0; i < 3; i++) {
        struct counter_answer answer = counter_take_back(*state, "");
        assert_int_equal(answer.err, ERR_OK);
        assert_string_equal(json_member_text(answer.body, "decision"), "accepted");
        const struct cJSON *line = first_line(&answer);
        assert_int_equal(json_member_int(line, "gross", -1), gross[i]);
        assert_int_equal(json_member_int(line, "net", -1), 280);
        assert_int_equal(json_member_int(json_first(json_member(line, "tax")), "amount", -1),
                         tax[i]);
        counter_answer_free(&answer);
    }
}

static void a_fourth_piece_of_three_is_not_accepted(void **state)
{
    for (int i = 0; i < 3; i++) {
        struct counter_answer answer = counter_take_back(*state, "");
        counter_answer_free(&answer);
    }
    struct counter_answer answer = counter_take_back(*state, "");
    assert_int_equal(answer.err, ERR_OK);
    assert_string_not_equal(json_member_text(answer.body, "decision"), "accepted");
    const struct cJSON *reason = json_first(json_member(answer.body, "reasons"));
    assert_string_equal(json_member_text(reason, "code"), "quantity_exceeds_remaining");
    counter_answer_free(&answer);
}

static void goods_in_hand_are_received_in_the_same_transaction(void **state)
{
    int64_t before = counter_head(*state);
    struct counter_answer answer = counter_take_back(*state, "");
    assert_string_equal(json_member_text(answer.body, "goods"), "received");
    assert_int_equal(counter_head(*state), before + 2);
    counter_answer_free(&answer);
}

static void goods_not_in_hand_are_received_later(void **state)
{
    struct counter_answer answer =
        counter_ask(*state, CAPTURE_RETURN, NULL, "",
                    "{\"receipt\":\"" COUNTER_RECEIPT "\",\"in_hand\":false,\"lines\":[{\"line\":1,"
                    "\"quantity\":1,\"reason\":\"unwanted\",\"condition\":\"open_box\"}]}");
    assert_string_equal(json_member_text(answer.body, "goods"), "expected");
    struct counter_answer received =
        counter_ask(*state, CAPTURE_RECEIVE, json_member_text(answer.body, "return_id"), "",
                    "{\"lines\":[{\"line\":1,\"quantity\":1,\"condition\":\"open_box\","
                    "\"disposition\":\"restock\"}]}");
    assert_int_equal(received.err, ERR_OK);
    assert_string_equal(json_member_text(received.body, "goods"), "dispositioned");
    counter_answer_free(&answer);
    counter_answer_free(&received);
}

static void a_voided_return_gives_its_pieces_back(void **state)
{
    struct counter_answer first = counter_take_back(*state, "");
    struct counter_answer second = counter_take_back(*state, "");
    struct counter_answer voided =
        counter_ask(*state, CAPTURE_VOID, json_member_text(first.body, "return_id"), "", "{}");
    assert_int_equal(voided.err, ERR_OK);
    assert_string_equal(json_member_text(voided.body, "decision"), "voided");
    static const int64_t gross[] = {333, 333};
    for (size_t i = 0; i < 2; i++) {
        struct counter_answer more = counter_take_back(*state, "");
        assert_int_equal(json_member_int(first_line(&more), "gross", -1), gross[i]);
        counter_answer_free(&more);
    }
    counter_answer_free(&first);
    counter_answer_free(&second);
    counter_answer_free(&voided);
}

static void a_refund_is_paid_out_once(void **state)
{
    struct counter_answer first = counter_take_back(*state, "");
    const char *id = json_member_text(first.body, "return_id");
    struct counter_answer paid = counter_ask(*state, CAPTURE_REFUND, id, "", "{}");
    assert_int_equal(paid.err, ERR_OK);
    struct counter_answer twice = counter_ask(*state, CAPTURE_REFUND, id, "", "{}");
    assert_int_equal(twice.err, ERR_REFUSED);
    struct counter_answer late = counter_ask(*state, CAPTURE_VOID, id, "", "{}");
    assert_int_equal(late.err, ERR_REFUSED);
    assert_non_null(strstr(late.fault.text, "possible now"));
    counter_answer_free(&first);
    counter_answer_free(&paid);
    counter_answer_free(&twice);
    counter_answer_free(&late);
}

static void a_tender_that_failed_is_paid_out_again(void **state)
{
    struct counter_answer first = counter_take_back(*state, "");
    const char *id = json_member_text(first.body, "return_id");
    struct counter_answer failed =
        counter_ask(*state, CAPTURE_REFUND, id, "",
                    "{\"tenders\":[{\"tender\":1,\"failed\":\"terminal has no paper\"}]}");
    assert_int_equal(failed.err, ERR_OK);
    assert_string_equal(json_member_text(failed.body, "money"), "failed");
    struct counter_answer paid =
        counter_ask(*state, CAPTURE_REFUND, id, "", "{\"tenders\":[{\"tender\":1}]}");
    assert_int_equal(paid.err, ERR_OK);
    assert_string_equal(json_member_text(paid.body, "money"), "issued");
    counter_answer_free(&first);
    counter_answer_free(&failed);
    counter_answer_free(&paid);
}

/* A till can't say "failed" of what it has paid out, and so pay it out again. */
static void what_was_paid_out_cannot_be_called_failed_at_the_till(void **state)
{
    struct counter_answer first = counter_take_back(*state, "");
    const char *id = json_member_text(first.body, "return_id");
    struct counter_answer paid = counter_ask(*state, CAPTURE_REFUND, id, "", "{}");
    struct counter_answer failed = counter_ask(*state, CAPTURE_REFUND, id, "",
                                               "{\"tenders\":[{\"tender\":1,\"failed\":\"x\"}]}");
    assert_int_equal(failed.err, ERR_REFUSED);
    assert_string_equal(failed.fault.where, "tenders.failed");
    counter_answer_free(&first);
    counter_answer_free(&paid);
    counter_answer_free(&failed);
}

static void a_line_named_twice_is_counted_twice(void **state)
{
    struct counter_answer first = counter_take_back(*state, "");
    struct counter_answer disposed =
        counter_ask(*state, CAPTURE_DISPOSE, json_member_text(first.body, "return_id"), "",
                    "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"restock\"},"
                    "{\"line\":1,\"quantity\":1,\"disposition\":\"destroy\"}]}");
    assert_int_equal(disposed.err, ERR_INVALID);
    counter_answer_free(&first);
    counter_answer_free(&disposed);
}

/* Declined tries are many; none of them may hide what was really returned. */
static void many_declined_tries_hide_no_return(void **state)
{
    for (int i = 0; i < 3; i++) {
        struct counter_answer answer = counter_take_back(*state, "");
        counter_answer_free(&answer);
    }
    for (int i = 0; i < 600; i++) {
        struct counter_answer answer = counter_take_back(*state, "");
        assert_int_equal(answer.err, ERR_OK);
        assert_string_not_equal(json_member_text(answer.body, "decision"), "accepted");
        counter_answer_free(&answer);
    }
}

static void an_unknown_receipt_needs_more_than_a_till(void **state)
{
    struct counter_answer answer =
        counter_ask(*state, CAPTURE_RETURN, NULL, "",
                    "{\"receipt\":\"nobody-knows\",\"lines\":[{\"line\":1,\"quantity\":1,"
                    "\"reason\":\"unwanted\",\"condition\":\"open_box\"}]}");
    if (!answer.err)
        assert_string_not_equal(json_member_text(answer.body, "decision"), "accepted");
    counter_answer_free(&answer);
}

/* Ninety days later the window is over, and a manager may still say yes. */
static void a_manager_approves_the_very_return_that_was_shown(void **state)
{
    clock_fake_advance(counter_clock(*state), INT64_C(90) * 24 * 60 * 60 * 1000);
    struct counter_answer asked = counter_take_back(*state, "");
    assert_int_equal(asked.err, ERR_OK);
    assert_string_equal(json_member_text(asked.body, "decision"), "needs_manager");
    const char *id = json_member_text(asked.body, "return_id");
    struct counter_answer till = counter_ask(*state, CAPTURE_APPROVE, id, "", "{}");
    assert_int_equal(till.err, ERR_FORBIDDEN);
    struct counter_answer wrong = counter_ask_manager(*state, CAPTURE_APPROVE, id, "{\"total\":1}");
    assert_int_equal(wrong.err, ERR_CONFLICT);
    struct counter_answer right =
        counter_ask_manager(*state, CAPTURE_APPROVE, id, "{\"total\":333}");
    assert_int_equal(right.err, ERR_OK);
    assert_string_equal(json_member_text(right.body, "decision"), "accepted");
    assert_string_equal(json_member_text(right.body, "goods"), "received");
    counter_answer_free(&asked);
    counter_answer_free(&till);
    counter_answer_free(&wrong);
    counter_answer_free(&right);
}

static void an_approval_is_not_good_for_amounts_that_changed_since(void **state)
{
    clock_fake_advance(counter_clock(*state), INT64_C(90) * 24 * 60 * 60 * 1000);
    struct counter_answer shown = counter_take_back(*state, "");
    struct counter_answer between =
        counter_ask_manager(*state, CAPTURE_RETURN, NULL, COUNTER_PIECES("1"));
    assert_string_equal(json_member_text(between.body, "decision"), "accepted");
    struct counter_answer late = counter_ask_manager(
        *state, CAPTURE_APPROVE, json_member_text(shown.body, "return_id"), "{}");
    assert_int_equal(late.err, ERR_CONFLICT); /* the second of three pieces is 334 */
    assert_string_equal(late.fault.where, "refund");
    struct counter_answer own = counter_ask_manager(
        *state, CAPTURE_APPROVE, json_member_text(between.body, "return_id"), "{}");
    assert_int_equal(own.err, ERR_FORBIDDEN); /* nobody decides about a return of their own */
    counter_answer_free(&shown);
    counter_answer_free(&between);
    counter_answer_free(&late);
    counter_answer_free(&own);
}

/* All three pieces are gone by then. */
static void what_nobody_may_allow_any_more_is_not_approved(void **state)
{
    clock_fake_advance(counter_clock(*state), INT64_C(90) * 24 * 60 * 60 * 1000);
    struct counter_answer shown = counter_take_back(*state, "");
    struct counter_answer between =
        counter_ask_manager(*state, CAPTURE_RETURN, NULL, COUNTER_PIECES("3"));
    assert_string_equal(json_member_text(between.body, "decision"), "accepted");
    struct counter_answer late = counter_ask_manager(
        *state, CAPTURE_APPROVE, json_member_text(shown.body, "return_id"), "{}");
    assert_int_equal(late.err, ERR_REFUSED);
    assert_non_null(strstr(late.fault.text, "not even a manager"));
    counter_answer_free(&shown);
    counter_answer_free(&between);
    counter_answer_free(&late);
}

/* Of a receipt that nobody knows the amounts tell nothing. */
static void what_came_back_of_an_unknown_receipt_meanwhile_is_not_approved_unseen(void **state)
{
    static const char unknown[] =
        "{\"receipt\":\"nobody-knows\",\"lines\":[{\"sku\":\"4711\",\"quantity\":1,"
        "\"reason\":\"unwanted\",\"condition\":\"open_box\"}]}";
    struct policy *policy = counter_policy(*state);
    for (size_t i = 0; i < policy->rule_count; i++)
        if (policy->rules[i].outcome == OUTCOME_NEEDS_LINK)
            policy->rules[i].outcome = OUTCOME_NEEDS_MANAGER;
    struct counter_answer shown = counter_ask(*state, CAPTURE_RETURN, NULL, "", unknown);
    assert_string_equal(json_member_text(shown.body, "decision"), "needs_manager");
    struct counter_answer between = counter_ask_manager(*state, CAPTURE_RETURN, NULL, unknown);
    assert_string_equal(json_member_text(between.body, "decision"), "accepted");
    struct counter_answer late = counter_ask_manager(
        *state, CAPTURE_APPROVE, json_member_text(shown.body, "return_id"), "{}");
    assert_int_equal(late.err, ERR_CONFLICT);
    assert_string_equal(late.fault.where, "receipt");
    counter_answer_free(&shown);
    counter_answer_free(&between);
    counter_answer_free(&late);
}

static void card_numbers_are_refused(void **state)
{
    struct counter_answer answer =
        counter_ask(*state, CAPTURE_RETURN, NULL, "",
                    "{\"receipt\":\"" COUNTER_RECEIPT "\",\"note\":\"card 4111 1111 1111 1111\","
                    "\"lines\":[{\"line\":1,\"quantity\":1,\"reason\":\"unwanted\","
                    "\"condition\":\"open_box\"}]}");
    assert_int_equal(answer.err, ERR_REFUSED);
    counter_answer_free(&answer);
}

static void a_quote_saves_nothing_and_says_the_same(void **state)
{
    int64_t before = counter_head(*state);
    struct buf quote;
    buf_init(&quote, EVENT_BODY_MAX);
    const struct capture_question question = {.body = SLICE_LITERAL(COUNTER_PIECES("1")),
                                              .actor = {.lane = "01", .person = ""}};
    assert_int_equal(
        capture_quote(counter_capture(*state), counter_reader(*state), &question, &quote, NULL),
        ERR_OK);
    assert_int_equal(counter_head(*state), before);
    assert_non_null(strstr(quote.data, "\"decision\":\"accepted\""));
    assert_non_null(strstr(quote.data, "\"total\":333"));
    assert_non_null(strstr(quote.data, "\"saved\":false"));
    buf_free(&quote);
}

static void count_finding(void *context, const struct eventlog_finding *finding)
{
    print_message("%s: %s\n", finding->what, finding->text);
    ++*(int *)context;
}

static void views_follow_from_the_log(void **state)
{
    struct counter_answer first = counter_take_back(*state, "");
    int64_t events = 0;
    int findings = 0;
    assert_int_equal(
        eventlog_verify(counter_config(*state), count_finding, &findings, &events, NULL), ERR_OK);
    assert_int_equal(events, 3);
    assert_int_equal(findings, 0);
    counter_answer_free(&first);
}

static const char with_contact[] =
    "{\"receipt\":\"" COUNTER_RECEIPT
    "\",\"customer\":\"c-77\",\"contact\":{\"name\":\"Ada Example\","
    "\"phone\":\"+49 30 901820\",\"email\":\"ada@example.org\"},\"lines\":[{\"line\":1,"
    "\"quantity\":1,\"reason\":\"unwanted\",\"condition\":\"open_box\"}]}";

static enum err look_for_person(void *context, const struct eventlog_record *record,
                                struct fault *fault)
{
    (void)fault;
    assert_null(memmem(record->body.data, record->body.len, "Ada", 3));
    assert_null(memmem(record->body.data, record->body.len, "901820", 6));
    assert_null(memmem(record->body.data, record->body.len, "ada@", 4));
    bool *sealed = context;
    if (memmem(record->body.data, record->body.len, "\"contact_sealed\":{\"key_id\":", 27))
        *sealed = true;
    return ERR_OK;
}

static void a_contact_is_sealed_and_asked_again_answers_the_same(void **state)
{
    char body[sizeof with_contact];
    bool sealed = false;
    struct id id;
    memcpy(body, with_contact, sizeof with_contact);
    struct counter_answer first = counter_ask(*state, CAPTURE_RETURN, NULL, "k-1", body);
    assert_int_equal(first.err, ERR_OK);
    counter_restart(*state);
    struct counter_answer again = counter_ask(*state, CAPTURE_RETURN, NULL, "k-1", body);
    assert_true(again.replayed);
    assert_string_equal(again.text.data, first.text.data);
    assert_null(strstr(first.text.data, "Ada"));
    assert_int_equal(id_parse(slice_of(json_member_text(first.body, "return_id")), &id), ERR_OK);
    assert_int_equal(eventlog_history(counter_reader(*state), &id, look_for_person, &sealed, NULL),
                     ERR_OK);
    assert_true(sealed);
    char *other = strstr(body, "Ada");
    other[2] = 'e';
    struct counter_answer conflict = counter_ask(*state, CAPTURE_RETURN, NULL, "k-1", body);
    assert_int_equal(conflict.err, ERR_CONFLICT);
    counter_answer_free(&first);
    counter_answer_free(&again);
    counter_answer_free(&conflict);
}

static void a_contact_needs_a_customer_and_holds_no_card(void **state)
{
    static const struct {
        const char *request;
        enum err err;
        const char *where;
    } cases[] = {
        {"{\"receipt\":\"" COUNTER_RECEIPT
         "\",\"contact\":{\"name\":\"Ada\"},\"lines\":[{\"line\":1,\"quantity\":1,"
         "\"reason\":\"unwanted\",\"condition\":\"open_box\"}]}",
         ERR_INVALID, "contact"},
        {"{\"receipt\":\"" COUNTER_RECEIPT
         "\",\"customer\":\"c-1\",\"contact\":{\"phone\":\"4111 1111 1111 1111\"},"
         "\"lines\":[{\"line\":1,\"quantity\":1,\"reason\":\"unwanted\",\"condition\":"
         "\"open_box\"}]}",
         ERR_REFUSED, "contact.phone"},
        {"{\"receipt\":\"" COUNTER_RECEIPT "\",\"customer\":\"c-1\",\"contact\":{\"street\":\"x\"},"
         "\"lines\":[{\"line\":1,\"quantity\":1,\"reason\":\"unwanted\",\"condition\":\"open_box\"}"
         "]}",
         ERR_INVALID, "contact.street"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct counter_answer answer =
            counter_ask(*state, CAPTURE_RETURN, NULL, "", cases[i].request);
        assert_int_equal(answer.err, cases[i].err);
        assert_string_equal(answer.fault.where, cases[i].where);
        assert_null(strstr(answer.fault.text, "4111"));
        counter_answer_free(&answer);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, counter_setup, counter_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pieces_one_by_one_sum_to_the_whole),
        TEST(a_fourth_piece_of_three_is_not_accepted),
        TEST(goods_in_hand_are_received_in_the_same_transaction),
        TEST(goods_not_in_hand_are_received_later),
        TEST(a_voided_return_gives_its_pieces_back),
        TEST(a_refund_is_paid_out_once),
        TEST(a_tender_that_failed_is_paid_out_again),
        TEST(what_was_paid_out_cannot_be_called_failed_at_the_till),
        TEST(a_line_named_twice_is_counted_twice),
        TEST(many_declined_tries_hide_no_return),
        TEST(an_unknown_receipt_needs_more_than_a_till),
        TEST(a_manager_approves_the_very_return_that_was_shown),
        TEST(an_approval_is_not_good_for_amounts_that_changed_since),
        TEST(what_nobody_may_allow_any_more_is_not_approved),
        TEST(what_came_back_of_an_unknown_receipt_meanwhile_is_not_approved_unseen),
        TEST(card_numbers_are_refused),
        TEST(a_quote_saves_nothing_and_says_the_same),
        TEST(views_follow_from_the_log),
        TEST(a_contact_is_sealed_and_asked_again_answers_the_same),
        TEST(a_contact_needs_a_customer_and_holds_no_card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
