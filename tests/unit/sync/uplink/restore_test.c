/* What is lost here and with the hub comes back, batch after batch, whatever goes wrong between. */
#include "hal/base/cleanup.h"
#include "sync/contract/compression.h"
#include "sync/uplink/uplink.h"
#include "tests/support/await.h"
#include "tests/support/fake_hub.h"
#include "tests/support/log_fixture.h"
#include "tests/support/uplink_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LOST = 5, BODY_MAX = 1024 };

/* A log that was here once. */
struct former {
    struct id log;
    char texts[LOST][BODY_MAX];
    struct slice bodies[LOST];
    struct sha256 hashes[LOST + 1];
};

static struct former *make_former(uint8_t tag)
{
    struct former *former = calloc(1, sizeof *former);
    former->log = log_fixture_id(tag);
    former->hashes[0] = chain_origin(&former->log, NULL);
    for (uint8_t i = 0; i < LOST; i++) {
        struct buf body CLEANUP(buf_free);
        buf_init(&body, BODY_MAX);
        log_fixture_message(&body, (uint8_t)(tag + 1 + i), log_fixture_id(i));
        (void)snprintf(former->texts[i], BODY_MAX, "%.*s", (int)body.len, body.data);
        former->bodies[i] = slice_of(former->texts[i]);
        former->hashes[i + 1] = chain_next(&former->hashes[i], former->bodies[i]);
    }
    return former;
}

static void list(struct uplink_house *f, const struct former *former, int64_t through)
{
    struct buf text CLEANUP(buf_free);
    const struct restore_logs logs = {
        .list = {{log_fixture_stream(&f->log, STREAM_SALES).log, STREAM_SALES, 1},
                 {former->log, STREAM_RETURNS, through}},
        .count = 2,
    };
    buf_init(&text, 8192);
    restore_logs_write(&text, &logs);
    fake_hub_publish(&f->hub, "logs", (struct mqtt_message){.payload = buf_slice(&text)});
}

struct properties {
    struct mqtt_property list[MQTT_PROPERTIES_MAX];
    char values[MQTT_PROPERTIES_MAX][SHA256_TEXT + 1];
    size_t count;
};

static void put(void *context, const char *name, const char *value)
{
    struct properties *p = context;
    (void)snprintf(p->values[p->count], sizeof p->values[0], "%s", value);
    p->list[p->count] = (struct mqtt_property){name, p->values[p->count]};
    p->count++;
}

/* `way`: how the hub says that it has packed it; it hasn't. */
static void give_back(struct uplink_house *f, const struct former *former, int64_t first,
                      int64_t last, const struct sha256 *hash, const char *way)
{
    struct properties properties = {.count = 0};
    struct buf batch CLEANUP(buf_free);
    const struct batch_header header = {.log = former->log,
                                        .stream = STREAM_RETURNS,
                                        .first = first,
                                        .last = last,
                                        .prev = former->hashes[first - 1],
                                        .hash = *hash};
    buf_init(&batch, 65536);
    batch_begin(&batch);
    for (int64_t seq = first; seq <= last; seq++)
        batch_add(&batch, former->bodies[seq - 1]);
    batch_end(&batch);
    batch_header_write(&header, put, &properties);
    if (way)
        put(&properties, "content-encoding", way);
    fake_hub_publish(&f->hub, "restored",
                     (struct mqtt_message){.payload = buf_slice(&batch),
                                           .properties = properties.list,
                                           .property_count = properties.count});
}

static void give_back_well(struct uplink_house *f, const struct former *former, int64_t first,
                           int64_t last)
{
    give_back(f, former, first, last, &former->hashes[last], NULL);
}

static bool is_asked_for_logs(void *context)
{
    return ((struct uplink_house *)context)->hub.listed > 0;
}

static void begin(struct uplink_house *f)
{
    f->hub.lists_late = true;
    uplink_house_join(f);
    uplink_house_start(f);
    assert_true(await(f->loop, is_asked_for_logs, f, AWAIT_MS));
    assert_false(f->hub.restore.has_log);
}

static bool is_asked_for_some(void *context)
{
    return ((struct uplink_house *)context)->hub.restore.has_log;
}

static void expect_ask(struct uplink_house *f, const struct former *former, int64_t first)
{
    assert_true(await(f->loop, is_asked_for_some, f, AWAIT_MS));
    assert_true(id_equal(&f->hub.restore.log, &former->log));
    assert_int_equal(f->hub.restore.first, first);
    assert_true(f->hub.restore.reads_compressed);
    f->hub.restore.has_log = false;
}

/* The mark is told with the connection, and again when nothing is to come back any more. */
static bool is_over(void *context)
{
    return ((struct uplink_house *)context)->hub.inbox_acks > 1;
}

static void expect_end(struct uplink_house *f, int64_t lost, int asked)
{
    assert_true(await(f->loop, is_over, f, AWAIT_MS));
    assert_int_equal(log_fixture_lost(&f->log), lost);
    assert_int_equal(f->hub.listed, asked);
}

static void what_was_lost_comes_back_batch_after_batch(void **state)
{
    struct uplink_house *f = *state;
    struct former *former = make_former(50);
    begin(f);
    list(f, former, LOST);
    expect_ask(f, former, 1);
    give_back_well(f, former, 1, 3);
    expect_ask(f, former, 4);
    assert_false(is_over(f));
    give_back_well(f, former, 4, LOST);
    expect_end(f, 0, 3);
    free(former);
}

/* It was set back, or never had the log: of what it lost nothing is asked. */
static void no_more_is_asked_for_than_the_hub_holds(void **state)
{
    struct uplink_house *f = *state;
    struct former *former = make_former(50);
    const struct id nowhere = log_fixture_id(90);
    assert_int_equal(log_fixture_expect(&f->log, &nowhere, STREAM_RETURNS, 2), ERR_OK);
    assert_int_equal(log_fixture_expect(&f->log, &former->log, STREAM_RETURNS, LOST), ERR_OK);
    begin(f);
    list(f, former, 2);
    expect_ask(f, former, 1);
    give_back_well(f, former, 1, 2);
    expect_end(f, 2 + LOST - 2, 2);
    free(former);
}

static void what_cannot_be_read_changes_nothing(void **state)
{
    struct uplink_house *f = *state;
    struct former *former = make_former(50);
    begin(f);
    fake_hub_publish(&f->hub, "logs", (struct mqtt_message){.payload = SLICE_LITERAL("?")});
    list(f, former, LOST);
    expect_ask(f, former, 1);
    fake_hub_publish(&f->hub, "restored", (struct mqtt_message){.payload = SLICE_LITERAL("?")});
    give_back(f, former, 1, LOST, &former->hashes[LOST - 1], NULL);
    give_back(f, former, 1, LOST, &former->hashes[LOST], "gzip");
    give_back(f, former, 1, LOST, &former->hashes[LOST], COMPRESSION_NAME);
    give_back_well(f, former, 1, 1); /* behind them */
    expect_ask(f, former, 2);
    assert_int_equal(log_fixture_lost(&f->log), LOST - 1);
    give_back_well(f, former, 2, LOST);
    expect_end(f, 0, 3);
    free(former);
}

/* A list that nobody asked for, too, when all is over. */
static void hub_that_repeats_itself_has_nothing_asked_twice(void **state)
{
    struct uplink_house *f = *state;
    struct former *former = make_former(50);
    begin(f);
    list(f, former, LOST);
    expect_ask(f, former, 1);
    give_back_well(f, former, 1, LOST);
    expect_end(f, 0, 2);
    f->hub.inbox_acks = 0;
    give_back_well(f, former, 1, LOST);
    list(f, former, LOST);
    uplink_house_append(f, 1);
    uplink_house_await_all_held(f, AWAIT_MS); /* behind them */
    assert_int_equal(f->hub.inbox_acks, 0);
    assert_int_equal(f->hub.listed, 2);
    free(former);
}

static bool is_asked_again(void *context)
{
    return ((struct uplink_house *)context)->hub.listed == 3;
}

static void next_connection_goes_on_where_the_last_ended(void **state)
{
    struct uplink_house *f = *state;
    struct former *former = make_former(50);
    const struct uplink_target same = {f->url, NULL, FAKE_HUB_DEVICE, f->runtime, f->tls};
    begin(f);
    list(f, former, LOST);
    expect_ask(f, former, 1);
    uplink_use(f->uplink, &same);
    assert_true(await(f->loop, is_asked_again, f, AWAIT_MS));
    assert_false(f->hub.restore.has_log);
    f->hub.inbox_acks = 1;
    list(f, former, LOST);
    expect_ask(f, former, 1);
    give_back_well(f, former, 1, LOST);
    expect_end(f, 0, 4);
    free(former);
}

static void tell_news(struct uplink_house *f)
{
    const struct mqtt_property place[] = {{"hub_epoch", "5"}, {"number", "1"}};
    struct buf body CLEANUP(buf_free);
    buf_init(&body, BODY_MAX);
    log_fixture_message(&body, 7, log_fixture_id(8));
    fake_hub_publish(&f->hub, "inbox",
                     (struct mqtt_message){
                         .payload = buf_slice(&body), .properties = place, .property_count = 2});
}

struct insistent {
    struct uplink_house *house;
    int64_t said_ms;
};

static bool has_taken_the_news(void *context)
{
    enum { EVERY_MS = 50 };
    struct insistent *insistent = context;
    struct uplink_house *f = insistent->house;
    if (loop_now_ms(f->loop) - insistent->said_ms >= EVERY_MS) {
        insistent->said_ms = loop_now_ms(f->loop);
        tell_news(f);
    }
    return f->hub.inbox_through == 1;
}

static void news_does_not_wait_for_ever_for_what_was_lost(void **state)
{
    struct uplink_house *f = *state;
    struct former *former = make_former(50);
    struct insistent insistent = {.house = f};
    f->limits.ack_timeout_ms = 500;
    begin(f);
    list(f, former, LOST);
    expect_ask(f, former, 1);
    assert_true(await(f->loop, has_taken_the_news, &insistent, AWAIT_MS));
    free(former);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, uplink_house_setup, uplink_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_was_lost_comes_back_batch_after_batch),
        TEST(no_more_is_asked_for_than_the_hub_holds),
        TEST(what_cannot_be_read_changes_nothing),
        TEST(next_connection_goes_on_where_the_last_ended),
        TEST(news_does_not_wait_for_ever_for_what_was_lost),
        TEST(hub_that_repeats_itself_has_nothing_asked_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
