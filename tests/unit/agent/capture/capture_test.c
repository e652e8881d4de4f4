/* What is decided once more, since another command beside it failed, is answered once. */
#include "tests/support/counter.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SOLD                                                                                       \
    "{\"receipt\":\"0042-01-20261122-0099\",\"channel\":\"store\",\"store\":\"0042\","             \
    "\"lane\":\"01\",\"sold_at\":\"2026-11-22T10:11:12+01:00\",\"currency\":\"EUR\","              \
    "\"prices_include_tax\":true,\"lines\":[{\"line\":1,\"sku\":\"1\",\"category\":\"food\","      \
    "\"quantity\":1,\"unit\":\"each\",\"amount\":1000,\"tax\":[{\"type\":\"vat\","                 \
    "\"class\":\"standard\",\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":160}]}],"           \
    "\"tenders\":[{\"tender\":1,\"type\":\"card\",\"amount\":1000,\"reference\":\"tok_1\"}]}"

struct beside {
    struct eventlog_command command;
    bool passed;
    sem_t opened;
    sem_t ended;
};

/* Keeps the writer busy until it is opened, so that what comes behind it is one group. */
static enum err wait_at(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct beside *gate = context;
    (void)txn;
    (void)fault;
    if (!gate->passed)
        (void)sem_wait(&gate->opened);
    gate->passed = true;
    return ERR_OK;
}

/* What it wrote is taken back, and with it the whole group. */
static enum err write_and_fail(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct event draft = {.type = EVENT_CLOCK_SYNCHRONISED, .data = SLICE_LITERAL("{}")};
    int64_t seq;
    (void)context;
    enum err err = eventlog_append(txn, &draft, &seq, fault);
    return err ? err : fault_set(fault, ERR_CONFLICT, "", "on second thoughts");
}

static void end(void *context, enum err err, const struct fault *fault)
{
    struct beside *beside = context;
    (void)err;
    (void)fault;
    (void)sem_post(&beside->ended);
}

static void begin(struct counter *counter, struct beside *beside,
                  enum err (*decide)(void *context, struct eventlog_txn *txn, struct fault *fault))
{
    *beside = (struct beside){.command = {.decide = decide, .done = end, .context = beside}};
    sem_init(&beside->opened, 0, 0);
    sem_init(&beside->ended, 0, 0);
    eventlog_submit(counter_log(counter), &beside->command);
}

struct sold {
    sem_t answered;
    enum err err;
    bool replayed;
    struct cJSON *body;
};

static void on_sold(void *context, const struct capture_answer *answer)
{
    struct sold *sold = context;
    sold->err = answer->err;
    sold->replayed = answer->replayed;
    if (json_parse(answer->body, JSON_LIMITS_DEFAULT, &sold->body, NULL) != ERR_OK)
        sold->body = NULL;
    (void)sem_post(&sold->answered);
}

/* Beside a command that fails. */
static void sell_in_bad_company(struct counter *counter, bool replayed)
{
    struct beside gate;
    struct beside spoiler;
    struct sold sold = {.err = ERR_CLOSED};
    const struct capture_order order = {.kind = CAPTURE_SALE,
                                        .body = SLICE_LITERAL(SOLD),
                                        .key = SLICE_LITERAL("k"),
                                        .traceparent = {"", 0},
                                        .actor = {.lane = "01", .person = ""}};
    sem_init(&sold.answered, 0, 0);
    begin(counter, &gate, wait_at);
    assert_int_equal(capture_submit(counter_capture(counter), &order, on_sold, &sold, NULL),
                     ERR_OK);
    begin(counter, &spoiler, write_and_fail);
    (void)sem_post(&gate.opened);
    (void)sem_wait(&gate.ended);
    (void)sem_wait(&spoiler.ended);
    (void)sem_wait(&sold.answered);
    assert_int_equal(sold.err, ERR_OK);
    assert_int_equal(sold.replayed, replayed);
    assert_non_null(json_member_text(sold.body, "sale_id"));
    json_free(sold.body);
}

static void what_is_decided_once_more_is_answered_once(void **state)
{
    sell_in_bad_company(*state, false);
}

static void what_is_looked_up_once_more_is_answered_once(void **state)
{
    struct counter_answer first = counter_ask(*state, CAPTURE_SALE, NULL, "k", SOLD);
    assert_int_equal(first.err, ERR_OK);
    counter_answer_free(&first);
    sell_in_bad_company(*state, true);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, counter_setup, counter_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_decided_once_more_is_answered_once),
        TEST(what_is_looked_up_once_more_is_answered_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
