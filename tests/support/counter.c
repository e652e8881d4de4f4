#include "tests/support/counter.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "tests/support/scratch.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { POLICY_MAX = 1024 * 1024 };

struct counter {
    struct scratch folder;
    struct clock *clock;
    struct cJSON *policy_doc;
    struct arena policy_arena;
    struct policy policy;
    struct contact_keys *contacts;
    struct eventlog_view views[VIEWS_COUNT + 1];
    struct eventlog_config config;
    struct eventlog *log;
    struct eventlog_reader *reader;
    struct capture *capture;
    bool due;
    int64_t reserve_bytes;
};

static void read_policy(struct counter *c)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, POLICY_MAX);
    assert_int_equal(storage_read("agent/returns/policy.default.json", &text, NULL), ERR_OK);
    struct json_limits limits = {.bytes = POLICY_MAX, .depth = 16};
    assert_int_equal(json_parse(buf_slice(&text), limits, &c->policy_doc, NULL), ERR_OK);
    arena_init(&c->policy_arena, 16 * POLICY_MAX);
    assert_int_equal(policy_read(c->policy_doc, &c->policy_arena, &c->policy, NULL), ERR_OK);
}

static void start(struct counter *c)
{
    assert_int_equal(contact_keys_open(&c->contacts, c->folder.path, c->folder.path, NULL, NULL),
                     ERR_OK);
    views_define(c->views);
    views_tell_due(c->views, &c->due);
    c->due = true;
    contact_keys_view(c->contacts, &c->views[VIEWS_COUNT]);
    c->config = (struct eventlog_config){
        .folder = c->folder.path,
        .device_id = "store-0042-a",
        .store = "0042",
        .clock = c->clock,
        .views = c->views,
        .view_count = VIEWS_COUNT + 1,
        .reserve_bytes = c->reserve_bytes,
    };
    struct fault fault = {0};
    if (eventlog_open(&c->log, &c->config, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
    assert_int_equal(eventlog_reader_open(&c->reader, &c->config, NULL), ERR_OK);
    struct capture_config config = {
        .log = c->log,
        .clock = c->clock,
        .store = {"0042", "DE", "EUR"},
        .policy = &c->policy,
        .contacts = c->contacts,
        .due = &c->due,
    };
    assert_int_equal(capture_open(&c->capture, &config, NULL), ERR_OK);
}

static void stop(struct counter *c)
{
    eventlog_reader_close(c->reader);
    eventlog_close(c->log);
    capture_close(c->capture);
    contact_keys_close(c->contacts);
}

struct counter *counter_open(void)
{
    struct counter *c = calloc(1, sizeof *c);
    assert_non_null(c);
    scratch_make(&c->folder);
    assert_int_equal(clock_fake_open(&c->clock, COUNTER_NOW_MS, NULL), ERR_OK);
    (void)clock_trust(c->clock, COUNTER_NOW_MS);
    read_policy(c);
    start(c);
    return c;
}

void counter_restart(struct counter *c)
{
    stop(c);
    start(c);
}

void counter_fill_disk(struct counter *c, bool full)
{
    c->reserve_bytes = full ? INT64_C(1) << 50 : 0;
    counter_restart(c);
}

void counter_close(struct counter *c)
{
    stop(c);
    json_free(c->policy_doc);
    arena_free(&c->policy_arena);
    clock_close(c->clock);
    scratch_remove(&c->folder);
    free(c);
}

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool answered;
    struct counter_answer answer;
};

static void on_done(void *context, const struct capture_answer *from)
{
    struct waiting *waiting = context;
    pthread_mutex_lock(&waiting->lock);
    waiting->answer.err = from->err;
    waiting->answer.replayed = from->replayed;
    if (from->err && from->fault)
        waiting->answer.fault = *from->fault;
    buf_append(&waiting->answer.text, from->body.data, from->body.len);
    waiting->answered = true;
    pthread_cond_signal(&waiting->done);
    pthread_mutex_unlock(&waiting->lock);
}

static struct counter_answer ask(struct counter *c, const struct capture_order *order)
{
    struct waiting waiting = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    buf_init(&waiting.answer.text, EVENT_BODY_MAX);
    enum err err = capture_submit(c->capture, order, on_done, &waiting, &waiting.answer.fault);
    if (err) {
        waiting.answer.err = err;
        return waiting.answer;
    }
    pthread_mutex_lock(&waiting.lock);
    while (!waiting.answered)
        pthread_cond_wait(&waiting.done, &waiting.lock);
    pthread_mutex_unlock(&waiting.lock);
    if (!waiting.answer.err)
        assert_int_equal(json_parse(buf_slice(&waiting.answer.text), JSON_LIMITS_DEFAULT,
                                    &waiting.answer.body, NULL),
                         ERR_OK);
    return waiting.answer;
}

static struct capture_order order_of(enum capture_kind kind, const char *subject, const char *key,
                                     const char *json)
{
    struct capture_order order = {
        .kind = kind,
        .body = slice_of(json),
        .key = slice_of(key),
        .traceparent = {"", 0},
        .actor = {.lane = "01", .person = ""},
    };
    if (subject)
        assert_int_equal(id_parse(slice_of(subject), &order.subject), ERR_OK);
    return order;
}

struct counter_answer counter_ask(struct counter *c, enum capture_kind kind, const char *subject,
                                  const char *key, const char *json)
{
    return counter_ask_at(c, "01", kind, subject, key, json);
}

struct counter_answer counter_ask_at(struct counter *c, const char *lane, enum capture_kind kind,
                                     const char *subject, const char *key, const char *json)
{
    struct capture_order order = order_of(kind, subject, key, json);
    order.actor.lane = lane;
    return ask(c, &order);
}

struct counter_answer counter_ask_manager(struct counter *c, enum capture_kind kind,
                                          const char *subject, const char *json)
{
    struct capture_order order = order_of(kind, subject, "", json);
    order.actor = (struct capture_actor){.lane = "01", .person = "m-1", .manager = true};
    return ask(c, &order);
}

void counter_answer_free(struct counter_answer *answer)
{
    json_free(answer->body);
    buf_free(&answer->text);
}

struct eventlog *counter_log(struct counter *c)
{
    return c->log;
}

struct eventlog_reader *counter_reader(struct counter *c)
{
    return c->reader;
}

struct capture *counter_capture(struct counter *c)
{
    return c->capture;
}

const struct eventlog_config *counter_config(struct counter *c)
{
    return &c->config;
}

struct clock *counter_clock(struct counter *c)
{
    return c->clock;
}

struct policy *counter_policy(struct counter *c)
{
    return &c->policy;
}

void counter_sell(struct counter *c, const char *receipt)
{
    struct buf json CLEANUP(buf_free);
    buf_init(&json, EVENT_BODY_MAX);
    buf_printf(&json,
               "{\"receipt\":\"%s\",\"channel\":\"store\",\"store\":\"0042\",\"lane\":\"01\","
               "\"sold_at\":\"2026-11-22T10:11:12+01:00\",\"currency\":\"EUR\","
               "\"prices_include_tax\":true,\"lines\":[{\"line\":1,\"sku\":\"4711\","
               "\"gtin\":\"04006381333931\",\"description\":\"Socks\",\"category\":\"apparel\","
               "\"quantity\":3,\"unit\":\"each\",\"amount\":1000,\"tax\":[{\"type\":\"vat\","
               "\"class\":\"standard\",\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":160}],"
               "\"cost\":600}],\"tenders\":[{\"tender\":1,\"type\":\"card\",\"amount\":1000,"
               "\"reference\":\"tok_8f2\"}]}",
               receipt);
    struct counter_answer answer = counter_ask(c, CAPTURE_SALE, NULL, "", json.data);
    if (answer.err)
        fail_msg("%s: %s", answer.fault.where, answer.fault.text);
    counter_answer_free(&answer);
}

int counter_setup(void **state)
{
    *state = counter_open();
    counter_sell(*state, COUNTER_RECEIPT);
    return 0;
}

int counter_teardown(void **state)
{
    counter_close(*state);
    return 0;
}

int64_t counter_head(struct counter *c)
{
    struct eventlog_status status;
    eventlog_status(c->log, &status);
    return status.streams[STREAM_RETURNS].head;
}

struct counter_answer counter_take_back(struct counter *c, const char *key)
{
    return counter_ask(c, CAPTURE_RETURN, NULL, key, COUNTER_PIECES("1"));
}
