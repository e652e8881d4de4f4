#include "sync/contract/compression.h"
#include "sync/contract/restore.h"
#include "sync/contract/sale_query.h"
#include "sync/contract/told_time.h"
#include "tests/support/arrival_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void a_question_is_answered_with_the_sale_and_its_returns(void **state)
{
    struct arrival_house *f = *state;
    struct sale_reply reply;
    const struct mqtt_message question = {.topic = "tb/v1/box-b/up/query",
                                          .payload = SLICE_LITERAL("{\"receipt\":\"R-1\"}"),
                                          .correlation = SLICE_LITERAL("me")};
    assert_int_equal(arrival_house_take(f, question), ERR_OK);
    arrival_house_await(f);
    assert_int_equal(sale_reply_read(slice_of(f->payload), &reply, NULL), ERR_OK);
    assert_int_equal(reply.sale.len, 0);
    assert_int_equal(
        arrival_house_event(f, EVENT_RETURN_CREATED, "return/1", "{\"receipt\":\"R-1\"}"), ERR_OK);
    (void)snprintf((char *)f->log.bytes, ID_BYTES, "log-of-sales");
    f->hash = chain_origin(&f->log, NULL);
    f->seq = 0;
    struct sha256 origin = f->hash;
    assert_int_equal(arrival_house_event(f, EVENT_SALE_RECORDED, "receipt/R-1", "{\"total\":5}"),
                     ERR_OK);
    assert_false(sha256_equal(&origin, &f->hash));
    arrival_house_await(f);
    f->answers = 0;
    while (f->desk.batches < 2)
        loop_run_once(f->loop, 10);
    assert_int_equal(arrival_house_take(f, question), ERR_OK);
    arrival_house_await(f);
    assert_string_equal(f->device, "box-b");
    assert_string_equal(f->name, "reply");
    assert_string_equal(f->correlation, "me");
    assert_int_equal(sale_reply_read(slice_of(f->payload), &reply, NULL), ERR_OK);
    assert_true(reply.sale.len > 0);
    assert_int_equal(reply.event_count, 1);
}

static int64_t ask_for(struct arrival_house *f, const char *topic)
{
    struct sale_reply reply;
    const struct mqtt_message question = {.topic = topic,
                                          .payload = SLICE_LITERAL("{\"receipt\":\"R-1\"}"),
                                          .correlation = SLICE_LITERAL("me")};
    f->answers = 0;
    assert_int_equal(arrival_house_take(f, question), ERR_OK);
    arrival_house_await(f);
    assert_int_equal(sale_reply_read(slice_of(f->payload), &reply, NULL), ERR_OK);
    return reply.reserved_until_ms;
}

static void receipt_that_one_store_asked_for_is_reserved_for_it(void **state)
{
    struct arrival_house *f = *state;
    assert_int_equal(ask_for(f, "tb/v1/box-a/up/query"), 0);
    assert_true(ask_for(f, "tb/v1/box-b/up/query") > 0);
    assert_int_equal(ask_for(f, "tb/v1/box-a/up/query"), 0);
    clock_fake_advance(f->clock, 10 * 60 * 1000);
    assert_int_equal(ask_for(f, "tb/v1/box-b/up/query"), 0);
}

static void send_restore(struct arrival_house *f, bool reads_compressed)
{
    struct buf text;
    const struct restore_ask ask = {
        .has_log = true, .log = f->log, .first = 1, .reads_compressed = reads_compressed};
    buf_init(&text, ARRIVAL_TEXT_MAX);
    restore_ask_write(&text, &ask);
    assert_int_equal(arrival_house_take(f, (struct mqtt_message){.topic = "tb/v1/box-a/up/restore",
                                                                 .payload = buf_slice(&text)}),
                     ERR_OK);
    buf_free(&text);
    arrival_house_await(f);
    assert_string_equal(f->name, "restored");
}

static void what_comes_back_is_compressed_for_who_reads_that(void **state)
{
    struct arrival_house *f = *state;
    char plain[ARRIVAL_TEXT_MAX];
    struct buf unpacked;
    assert_int_equal(
        arrival_house_event(f, EVENT_RETURN_CREATED, "return/1", "{\"receipt\":\"1\"}"), ERR_OK);
    arrival_house_await(f);
    send_restore(f, false);
    assert_false(f->packed);
    (void)snprintf(plain, sizeof plain, "%s", f->payload);
    send_restore(f, true);
    assert_true(f->packed);
    assert_true(f->payload_len < strlen(plain) / 2);
    buf_init(&unpacked, ARRIVAL_TEXT_MAX);
    assert_int_equal(
        compression_unpack((struct slice){f->payload, f->payload_len}, &unpacked, NULL), ERR_OK);
    assert_true(slice_is(buf_slice(&unpacked), plain));
    buf_free(&unpacked);
}

static void the_time_is_told_at_once_to_who_asks_with_correlation(void **state)
{
    struct arrival_house *f = *state;
    const struct mqtt_message mute = {.topic = "tb/v1/box-a/up/time",
                                      .payload = SLICE_LITERAL("{}")};
    assert_int_equal(arrival_house_take(f, mute), ERR_INVALID);
    struct mqtt_message question = mute;
    question.correlation = (struct slice)SLICE_LITERAL("q1");
    assert_int_equal(arrival_house_take(f, question), ERR_OK);
    assert_int_equal(f->answers, 1); /* no turn of the loop, no database */
    int64_t wall_ms;
    assert_string_equal(f->name, "time");
    assert_string_equal(f->device, "box-a");
    assert_string_equal(f->correlation, "q1");
    assert_false(f->retain);
    assert_int_equal(told_time_read(slice_of(f->payload), &wall_ms, NULL), ERR_OK);
    assert_int_equal(wall_ms, clock_wall_ms(f->clock));
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, arrival_house_setup, arrival_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_question_is_answered_with_the_sale_and_its_returns),
        TEST(receipt_that_one_store_asked_for_is_reserved_for_it),
        TEST(what_comes_back_is_compressed_for_who_reads_that),
        TEST(the_time_is_told_at_once_to_who_asks_with_correlation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
