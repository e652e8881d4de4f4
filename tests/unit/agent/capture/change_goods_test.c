/* Goods come and go in parts, never more than there are, and go where the policy says. */
#include "agent/views/exception_view.h"
#include "agent/views/return_view.h"
#include "tests/support/counter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct bench {
    struct counter *counter;
    char id[ID_TEXT + 1]; /* of a return of three pieces */
};

static int open_counter(void **state)
{
    static struct bench bench;
    bench.counter = counter_open();
    counter_sell(bench.counter, COUNTER_RECEIPT);
    *state = &bench;
    return 0;
}

static int close_counter(void **state)
{
    counter_close(((struct bench *)*state)->counter);
    return 0;
}

static void give_back(struct bench *bench, const char *in_hand)
{
    char json[256];
    (void)snprintf(json, sizeof json,
                   "{\"receipt\":\"" COUNTER_RECEIPT "\",\"in_hand\":%s,\"lines\":[{\"line\":1,"
                   "\"quantity\":3,\"reason\":\"unwanted\",\"condition\":\"open_box\"}]}",
                   in_hand);
    struct counter_answer answer = counter_ask(bench->counter, CAPTURE_RETURN, NULL, "", json);
    assert_int_equal(answer.err, ERR_OK);
    (void)snprintf(bench->id, sizeof bench->id, "%s", json_member_text(answer.body, "return_id"));
    counter_answer_free(&answer);
}

static struct counter_answer ask(struct bench *bench, enum capture_kind kind, int quantity,
                                 const char *more)
{
    char json[256];
    (void)snprintf(json, sizeof json, "{\"lines\":[{\"line\":1,\"quantity\":%d%s}]}", quantity,
                   more);
    return counter_ask(bench->counter, kind, bench->id, "", json);
}

static void assert_goods(struct bench *bench, enum capture_kind kind, int quantity,
                         const char *more, const char *goods)
{
    struct counter_answer answer = ask(bench, kind, quantity, more);
    if (answer.err)
        fail_msg("%s: %s", answer.fault.where, answer.fault.text);
    assert_string_equal(json_member_text(answer.body, "goods"), goods);
    counter_answer_free(&answer);
}

static void assert_refused(struct bench *bench, enum capture_kind kind, int quantity,
                           const char *more, enum err err, const char *where)
{
    struct counter_answer answer = ask(bench, kind, quantity, more);
    assert_int_equal(answer.err, err);
    assert_string_equal(answer.fault.where, where);
    counter_answer_free(&answer);
}

#define OPEN ",\"condition\":\"open_box\""
#define RESTOCK ",\"disposition\":\"restock\""

static void goods_come_one_by_one_until_all_are_here(void **state)
{
    struct bench *bench = *state;
    give_back(bench, "false");
    assert_refused(bench, CAPTURE_RECEIVE, 4, OPEN, ERR_INVALID, "lines[0].quantity");
    assert_goods(bench, CAPTURE_RECEIVE, 1, OPEN, "expected");
    assert_refused(bench, CAPTURE_RECEIVE, 3, OPEN, ERR_INVALID, "lines[0].quantity");
    assert_goods(bench, CAPTURE_RECEIVE, 1, OPEN, "expected");
    counter_restart(bench->counter);
    assert_goods(bench, CAPTURE_RECEIVE, 1, OPEN, "received");
    assert_refused(bench, CAPTURE_RECEIVE, 1, OPEN, ERR_REFUSED, "goods_received");
}

static void what_is_here_may_go_while_the_rest_is_expected(void **state)
{
    struct bench *bench = *state;
    give_back(bench, "false");
    assert_refused(bench, CAPTURE_DISPOSE, 1, RESTOCK, ERR_REFUSED, "goods_not_received");
    assert_goods(bench, CAPTURE_RECEIVE, 1, OPEN, "expected");
    assert_goods(bench, CAPTURE_DISPOSE, 1, RESTOCK, "expected");
    assert_refused(bench, CAPTURE_DISPOSE, 1, RESTOCK, ERR_REFUSED, "goods_not_received");
    assert_goods(bench, CAPTURE_RECEIVE, 2, OPEN RESTOCK, "dispositioned");
}

static void no_more_goes_than_is_here(void **state)
{
    struct bench *bench = *state;
    give_back(bench, "true");
    assert_goods(bench, CAPTURE_DISPOSE, 2, RESTOCK, "received");
    assert_refused(bench, CAPTURE_DISPOSE, 2, RESTOCK, ERR_INVALID, "lines[0].quantity");
    assert_goods(bench, CAPTURE_DISPOSE, 1, ",\"disposition\":\"repair\"", "dispositioned");
    assert_refused(bench, CAPTURE_DISPOSE, 1, RESTOCK, ERR_INVALID, "lines[0].quantity");
    assert_refused(bench, CAPTURE_DISPOSE, 1, RESTOCK ",\"from\":\"shelf\"", ERR_INVALID,
                   "lines[0].from");
    assert_goods(bench, CAPTURE_DISPOSE, 1, RESTOCK ",\"from\":\"repair\"", "dispositioned");
    assert_refused(bench, CAPTURE_DISPOSE, 1, RESTOCK ",\"from\":\"repair\"", ERR_INVALID,
                   "lines[0].quantity");
}

static void a_line_named_twice_is_counted_twice(void **state)
{
    struct bench *bench = *state;
    give_back(bench, "true");
    struct counter_answer answer =
        counter_ask(bench->counter, CAPTURE_DISPOSE, bench->id, "",
                    "{\"lines\":[{\"line\":1,\"quantity\":2,\"disposition\":\"restock\"},"
                    "{\"line\":1,\"quantity\":2,\"disposition\":\"destroy\"}]}");
    assert_int_equal(answer.err, ERR_INVALID);
    assert_string_equal(answer.fault.where, "lines[1].quantity");
    counter_answer_free(&answer);
}

struct said {
    enum event_type type;
    char data[512];
    size_t count;
};

static enum err keep(void *context, const struct eventlog_record *record, struct fault *fault)
{
    (void)fault;
    struct said *said = context;
    if (record->event.type != said->type)
        return ERR_OK;
    said->count++;
    (void)snprintf(said->data, sizeof said->data, "%.*s", (int)record->event.data.len,
                   record->event.data.data);
    return ERR_OK;
}

static struct said last_of(struct bench *bench, enum event_type type)
{
    struct said said = {.type = type};
    struct id id;
    struct views views = views_of_reader(counter_reader(bench->counter));
    assert_int_equal(id_parse(slice_of(bench->id), &id), ERR_OK);
    assert_int_equal(views_history(&views, &id, keep, &said, NULL), ERR_OK);
    return said;
}

static void assert_routed(struct bench *bench, const char *condition, const char *disposition,
                          const char *rule)
{
    char more[80];
    char expected[128];
    (void)snprintf(more, sizeof more, ",\"condition\":\"%s\"", condition);
    struct counter_answer answer = ask(bench, CAPTURE_DISPOSE, 1, more);
    if (answer.err)
        fail_msg("%s: %s", answer.fault.where, answer.fault.text);
    counter_answer_free(&answer);
    (void)snprintf(expected, sizeof expected, "\"disposition\":\"%s\",\"rule\":\"%s\"", disposition,
                   rule);
    struct said said = last_of(bench, EVENT_ITEM_DISPOSITIONED);
    if (!strstr(said.data, expected))
        fail_msg("%s instead of %s", said.data, expected);
}

static void goods_go_where_the_policy_says_for_the_condition_found(void **state)
{
    struct bench *bench = *state;
    give_back(bench, "true");
    assert_refused(bench, CAPTURE_DISPOSE, 1, ",\"condition\":\"shiny\"", ERR_INVALID,
                   "lines[0].condition");
    assert_routed(bench, "open_box", "restock", "opened");
    assert_routed(bench, "used", "liquidate", "used");
    assert_routed(bench, "damaged", "destroy", "cheap-and-broken");
    struct views views = views_of_reader(counter_reader(bench->counter));
    struct id id;
    struct return_state row;
    assert_int_equal(id_parse(slice_of(bench->id), &id), ERR_OK);
    assert_int_equal(return_view_find(&views, &id, &row, NULL), ERR_OK);
    assert_int_equal(row.tracks.goods, GOODS_DISPOSITIONED);
}

static enum err keep_code(void *context, const struct exception_state *state, struct fault *fault)
{
    (void)fault;
    (void)snprintf(context, EXCEPTION_CODE_MAX + 1, "%s", state->code);
    return ERR_OK;
}

static void damage_found_in_the_back_room_raises_an_exception_too(void **state)
{
    struct bench *bench = *state;
    char code[EXCEPTION_CODE_MAX + 1] = "";
    give_back(bench, "true");
    assert_routed(bench, "damaged", "destroy", "cheap-and-broken");
    struct views views = views_of_reader(counter_reader(bench->counter));
    struct exception_view_query query = {.step = -1, .after_ms = -1, .max = 10};
    assert_int_equal(exception_view_list(&views, &query, keep_code, code, NULL), ERR_OK);
    assert_string_equal(code, "damaged_goods");
}

static void what_is_back_on_the_shelf_is_told_to_the_stock(void **state)
{
    struct bench *bench = *state;
    give_back(bench, "true");
    struct counter_answer answer =
        counter_ask(bench->counter, CAPTURE_DISPOSE, bench->id, "",
                    "{\"lines\":[{\"line\":1,\"quantity\":2,\"disposition\":\"restock\"},"
                    "{\"line\":1,\"quantity\":1,\"disposition\":\"destroy\"}]}");
    assert_int_equal(answer.err, ERR_OK);
    struct said said = last_of(bench, EVENT_INVENTORY_RESTOCKED);
    assert_int_equal(said.count, 1);
    assert_non_null(strstr(said.data, "\"lines\":[{\"line\":1,\"quantity\":2}]"));
    counter_answer_free(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_counter, close_counter)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(goods_come_one_by_one_until_all_are_here),
        TEST(what_is_here_may_go_while_the_rest_is_expected),
        TEST(no_more_goes_than_is_here),
        TEST(a_line_named_twice_is_counted_twice),
        TEST(goods_go_where_the_policy_says_for_the_condition_found),
        TEST(damage_found_in_the_back_room_raises_an_exception_too),
        TEST(what_is_back_on_the_shelf_is_told_to_the_stock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
