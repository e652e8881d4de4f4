/*
 * Random days at the counter: sales, returns, payments, voids, approvals, exchanges, restarts.
 * Whatever happened, every decision comes out of the log again as it was made, every return's row
 * is what its events fold to, and every view follows from the log. The seed is printed;
 * TILLBACK_SEED repeats one.
 */
#include "agent/capture/replay.h"
#include "agent/views/return_view.h"
#include "hal/base/cleanup.h"
#include "tests/support/counter.h"
#include "tests/support/seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { DAYS = 6, STEPS = 40, SALES_MAX = 8, RETURNS_MAX = 2 * STEPS, ARENA_MAX = 32 * 1024 * 1024 };

struct day {
    struct counter *counter;
    uint64_t dice;
    int sales;
    char returns[RETURNS_MAX][ID_TEXT + 1];
    size_t return_count;
};

/* xorshift64* */
static unsigned roll(struct day *day, unsigned sides)
{
    day->dice ^= day->dice >> 12;
    day->dice ^= day->dice << 25;
    day->dice ^= day->dice >> 27;
    return (unsigned)((day->dice * UINT64_C(2685821657736338717)) >> 33) % sides;
}

static void write_sale(struct day *day, struct buf *out, const char *receipt)
{
    static const char *const categories[] = {"apparel", "food", "electronics"};
    unsigned lines = 1 + roll(day, 3);
    int64_t total = 0;
    buf_printf(out,
               "{\"receipt\":\"%s\",\"channel\":\"store\",\"store\":\"0042\",\"lane\":\"01\","
               "\"sold_at\":\"2026-11-%02uT10:11:12+01:00\",\"currency\":\"EUR\","
               "\"prices_include_tax\":true,\"lines\":[",
               receipt, 1 + roll(day, 22));
    for (unsigned i = 0; i < lines; i++) {
        unsigned amount = 100 + roll(day, 5000);
        total += amount;
        buf_printf(out,
                   "%s{\"line\":%u,\"sku\":\"s%u\",\"gtin\":\"04006381333931\",\"category\":\"%s\","
                   "\"quantity\":%u,\"unit\":\"each\",\"amount\":%u,\"cost\":%u,\"tax\":[{\"type\":"
                   "\"vat\",\"class\":\"standard\",\"jurisdiction\":\"DE\",\"rate\":\"19\","
                   "\"amount\":%u}]}",
                   i ? "," : "", i + 1, i, categories[roll(day, 3)], 1 + roll(day, 4), amount,
                   amount / 2, amount * 19 / 119);
    }
    int64_t cash = roll(day, 2) ? total / 3 : 0;
    buf_printf(out,
               "],\"tenders\":[{\"tender\":1,\"type\":\"card\",\"amount\":%lld,"
               "\"reference\":\"tok_1\"}",
               (long long)(total - cash));
    if (cash)
        buf_printf(out, ",{\"tender\":2,\"type\":\"cash\",\"amount\":%lld}", (long long)cash);
    buf_append_text(out, "]}");
}

static void sell(struct day *day)
{
    if (day->sales == SALES_MAX)
        return;
    char receipt[16];
    struct buf json CLEANUP(buf_free);
    buf_init(&json, EVENT_BODY_MAX);
    (void)snprintf(receipt, sizeof receipt, "r-%d", day->sales++);
    write_sale(day, &json, receipt);
    struct counter_answer answer = counter_ask(day->counter, CAPTURE_SALE, NULL, "", json.data);
    if (answer.err)
        fail_msg("%s: %s in %s", answer.fault.where, answer.fault.text, json.data);
    counter_answer_free(&answer);
}

static void write_request(struct day *day, struct buf *out)
{
    static const char *const conditions[] = {"new_sealed", "open_box", "used", "damaged"};
    static const char *const reasons[] = {"unwanted", "defective", "wrong_item", "late"};
    buf_append_text(out, "{");
    if (roll(day, 8) == 0)
        buf_append_text(out, "\"receipt\":null,");
    else
        buf_printf(out, "\"receipt\":\"r-%u\",", roll(day, (unsigned)day->sales + 1));
    if (roll(day, 3) == 0)
        buf_append_text(out, "\"in_hand\":false,");
    if (roll(day, 4) == 0)
        buf_printf(out, "\"customer\":\"c-%u\",", roll(day, 2));
    bool by_item = strstr(out->data, "null") != NULL;
    buf_printf(out, "\"lines\":[{%s,\"quantity\":%u,\"reason\":\"%s\",\"condition\":\"%s\"}]}",
               by_item ? "\"gtin\":\"04006381333931\",\"claimed_price\":500" : "\"line\":1",
               1 + roll(day, 3), reasons[roll(day, 4)], conditions[roll(day, 4)]);
}

static void keep(struct day *day, const struct cJSON *returned)
{
    if (day->return_count < RETURNS_MAX)
        (void)snprintf(day->returns[day->return_count++], ID_TEXT + 1, "%s",
                       json_member_text(returned, "return_id"));
}

static void give_back(struct day *day)
{
    struct buf json CLEANUP(buf_free);
    buf_init(&json, EVENT_BODY_MAX);
    write_request(day, &json);
    struct counter_answer answer =
        roll(day, 5) ? counter_ask(day->counter, CAPTURE_RETURN, NULL, "", json.data)
                     : counter_ask_manager(day->counter, CAPTURE_RETURN, NULL, json.data);
    if (!answer.err)
        keep(day, answer.body);
    counter_answer_free(&answer);
}

static void exchange(struct day *day)
{
    if (day->sales == SALES_MAX)
        return;
    char receipt[16];
    struct buf json CLEANUP(buf_free);
    buf_init(&json, EVENT_BODY_MAX);
    struct buf half CLEANUP(buf_free);
    buf_init(&half, EVENT_BODY_MAX);
    write_request(day, &half);
    buf_printf(&json, "{\"return\":%s,\"sale\":", half.data);
    (void)snprintf(receipt, sizeof receipt, "r-%d", day->sales++);
    write_sale(day, &json, receipt);
    buf_append_text(&json, "}");
    struct counter_answer answer = counter_ask(day->counter, CAPTURE_EXCHANGE, NULL, "", json.data);
    if (!answer.err)
        keep(day, json_member(answer.body, "return"));
    counter_answer_free(&answer);
}

static void change(struct day *day)
{
    static const struct {
        enum capture_kind kind;
        const char *body;
    } changes[] = {
        {CAPTURE_REFUND, "{}"},
        {CAPTURE_VOID, "{}"},
        {CAPTURE_APPROVE, "{}"},
        {CAPTURE_DECLINE, "{}"},
        {CAPTURE_DISPUTE, "{}"},
        {CAPTURE_RECEIVE, "{\"lines\":[{\"line\":1,\"quantity\":1,\"condition\":\"damaged\"}]}"},
        {CAPTURE_DISPOSE, "{\"lines\":[{\"line\":1,\"quantity\":1,\"condition\":\"used\"}]}"},
    };
    if (day->return_count == 0)
        return;
    const char *id = day->returns[roll(day, (unsigned)day->return_count)];
    unsigned which = roll(day, sizeof changes / sizeof *changes);
    struct counter_answer answer =
        counter_ask_manager(day->counter, changes[which].kind, id, changes[which].body);
    counter_answer_free(&answer); /* the tables may well refuse it */
}

static void step(struct day *day)
{
    switch (roll(day, 10)) {
    case 0:
        sell(day);
        break;
    case 1:
        exchange(day);
        break;
    case 2:
        clock_fake_advance(counter_clock(day->counter), INT64_C(3600000) * roll(day, 300));
        break;
    case 3:
        if (roll(day, 4) == 0)
            counter_restart(day->counter);
        break;
    case 4:
    case 5:
    case 6:
        change(day);
        break;
    default:
        give_back(day);
    }
}

/* --- What has to hold afterwards ---------------------------------------------------------------
 */

static void must_match(const struct return_state *state, const struct cJSON *then,
                       const struct cJSON *now)
{
    static const char *const members[] = {"decision", "policy", "rule",  "reasons", "lines",
                                          "refund",   "goods",  "money", "posting"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        struct buf a CLEANUP(buf_free);
        struct buf b CLEANUP(buf_free);
        buf_init(&a, EVENT_BODY_MAX);
        buf_init(&b, EVENT_BODY_MAX);
        json_print(json_member(then, members[i]), &a);
        json_print(json_member(now, members[i]), &b);
        if (strcmp(a.data, b.data) != 0)
            fail_msg("%s: %s was %s and is %s", state->number, members[i], a.data, b.data);
    }
}

static void decide_again(struct day *day, const struct views *views,
                         const struct return_state *state)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ARENA_MAX);
    struct replay replay CLEANUP(replay_cleanup) = {0};
    struct fault fault;
    if (replay_decide(views, state, counter_policy(day->counter), &arena, &replay, &fault))
        fail_msg("%s: %s: %s", state->number, fault.where, fault.text);
    struct buf text CLEANUP(buf_free);
    buf_init(&text, EVENT_BODY_MAX);
    struct jsonw w = jsonw_to(&text);
    jsonw_object(&w, NULL);
    decision_write(&replay.question.decision, counter_policy(day->counter), POLICY_EN, &w);
    jsonw_end(&w);
    struct cJSON *now CLEANUP(json_cleanup) = NULL;
    assert_int_equal(json_parse(buf_slice(&text), JSON_LIMITS_DEFAULT, &now, NULL), ERR_OK);
    must_match(state, replay.created, now);
}

static enum err fold(void *context, const struct eventlog_record *record, struct fault *fault)
{
    return return_state_apply(context, record, fault);
}

static void check_return(struct day *day, const struct views *views, const char *text)
{
    struct id id;
    struct return_state row;
    struct return_state folded = {0};
    assert_int_equal(id_parse(slice_of(text), &id), ERR_OK);
    assert_int_equal(return_view_find(views, &id, &row, NULL), ERR_OK);
    assert_int_equal(views_history(views, &id, fold, &folded, NULL), ERR_OK);
    assert_int_equal(row.total_minor, folded.total_minor);
    assert_int_equal(row.sequence, folded.sequence);
    assert_memory_equal(&row.tracks, &folded.tracks, sizeof row.tracks);
    decide_again(day, views, &row);
}

static void count_finding(void *context, const struct eventlog_finding *finding)
{
    print_message("%s: %s\n", finding->what, finding->text);
    ++*(int *)context;
}

static void run_day(uint64_t seed)
{
    struct day day = {.counter = counter_open(), .dice = seed};
    sell(&day);
    for (int i = 0; i < STEPS; i++)
        step(&day);
    assert_true(day.return_count > 0);
    struct views views = views_of_reader(counter_reader(day.counter));
    for (size_t i = 0; i < day.return_count; i++)
        check_return(&day, &views, day.returns[i]);
    int64_t events = 0;
    int findings = 0;
    assert_int_equal(
        eventlog_verify(counter_config(day.counter), count_finding, &findings, &events, NULL),
        ERR_OK);
    assert_int_equal(findings, 0);
    counter_close(day.counter);
}

static void every_decision_comes_out_of_the_log_as_it_was_made(void **state)
{
    (void)state;
    uint64_t seed = seed_chosen();
    for (uint64_t i = 0; i < DAYS; i++) {
        run_day((seed + i) * UINT64_C(0x9E3779B97F4A7C15) | 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_decision_comes_out_of_the_log_as_it_was_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
