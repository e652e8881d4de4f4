#include "hal/base/jsonw.h"
#include "sync/contract/compression.h"
#include "sync/contract/link_state.h"
#include "sync/contract/restore.h"
#include "sync/contract/sale_query.h"
#include "sync/contract/told_time.h"
#include "sync/hub/ingest/arrival.h"
#include "sync/hub/ingest/inbox.h"
#include "tests/support/await.h"
#include "tests/support/scratch.h"
#include "tests/support/vfs_fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 8192 };

struct fixture {
    struct scratch scratch;
    struct vfs_fault *vfs;
    struct loop *loop;
    struct clock *clock;
    struct hubdb *hub;
    struct worker *worker;
    struct arrival_desk desk;
    int answers;
    char device[DEVICE_ID_MAX + 1];
    char name[64];
    char payload[TEXT_MAX];
    bool retain;
    char correlation[64];
    struct inbox_place place;
    bool packed;
    size_t payload_len;
    struct id log;
    struct sha256 hash;
    int64_t seq;
};

static void on_answer(void *context, const struct arrival_answer *answer)
{
    struct fixture *f = context;
    f->answers++;
    (void)snprintf(f->device, sizeof f->device, "%s", answer->device);
    (void)snprintf(f->name, sizeof f->name, "%s", answer->name);
    (void)snprintf(f->payload, sizeof f->payload, "%.*s", (int)answer->payload.len,
                   answer->payload.data);
    (void)snprintf(f->correlation, sizeof f->correlation, "%.*s", (int)answer->correlation.len,
                   answer->correlation.data ? answer->correlation.data : "");
    f->retain = answer->retain;
    f->place = answer->place;
    f->packed = answer->packed;
    f->payload_len = answer->payload.len;
    if (answer->packed && f->payload_len <= sizeof f->payload)
        memcpy(f->payload, answer->payload.data, f->payload_len);
}

static void open_worker(struct fixture *f, size_t max_waiting_bytes)
{
    struct fault fault = {0};
    const struct worker_config config = {.max_waiting_bytes = max_waiting_bytes};
    if (worker_open(&f->worker, f->loop, f->hub, &config, &fault))
        fail_msg("%s", fault.text);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct fault fault = {0};
    char path[SCRATCH_PATH_MAX];
    scratch_make(&f->scratch);
    f->vfs = vfs_fault_open("arrival");
    const struct hubdb_config config = {
        .path = scratch_path(&f->scratch, "hub.db", path),
        .folder = f->scratch.path,
        .vfs = "arrival",
        .now_ms = INT64_C(1795000000000),
    };
    enum err err = clock_fake_open(&f->clock, config.now_ms, &fault);
    if (!err)
        err = loop_open(&f->loop, &fault);
    if (!err)
        err = hubdb_open(&f->hub, &config, &fault);
    if (err)
        fail_msg("%s: %s", fault.where, fault.text);
    f->desk = (struct arrival_desk){
        .rules = {.hub_epoch = hubdb_epoch(f->hub)},
        .clock = f->clock,
        .answer = on_answer,
        .context = f,
    };
    (void)snprintf((char *)f->log.bytes, ID_BYTES, "log-of-a-test");
    f->hash = chain_origin(&f->log, NULL);
    open_worker(f, 1024 * 1024);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    worker_close(f->worker);
    loop_close(f->loop);
    hubdb_close(f->hub);
    vfs_fault_close(f->vfs);
    clock_close(f->clock);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

static bool is_answered(void *context)
{
    struct fixture *f = context;
    return f->answers > 0 || f->desk.failed > 0;
}

static enum err take(struct fixture *f, struct mqtt_message message)
{
    struct fault fault = {0};
    f->answers = 0;
    f->desk.failed = 0;
    return arrival_take(&f->desk, f->worker, &message, &fault);
}

static void await_answer(struct fixture *f)
{
    assert_true(await(f->loop, is_answered, f, AWAIT_MS));
}

/* --- Messages -------------------------------------------------------------------------------- */

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

static void write_event(struct buf *out, int64_t number, enum event_type type, const char *subject,
                        const char *data)
{
    struct event event = {
        .id = {{1, (uint8_t)type, (uint8_t)number}},
        .correlation = {{2, (uint8_t)type, (uint8_t)number}},
        .type = type,
        .source = SLICE_LITERAL("/store/0042/device/box-a"),
        .subject = slice_of(subject),
        .time_ms = INT64_C(1795000000000),
        .sequence = 1,
        .data = slice_of(data),
    };
    event_write(out, &event);
}

/* Sends one event as a batch of its own, the payload in that encoding, and moves the chain on. */
static enum err send_encoded(struct fixture *f, enum event_type type, const char *subject,
                             const char *data, const char *encoding)
{
    struct compressor *compressor = NULL;
    struct buf body;
    struct buf batch;
    struct properties properties = {.count = 0};
    buf_init(&body, TEXT_MAX);
    buf_init(&batch, TEXT_MAX);
    write_event(&body, f->seq + 1, type, subject, data);
    batch_begin(&batch);
    batch_add(&batch, buf_slice(&body));
    batch_end(&batch);
    struct batch_header header = {
        .log = f->log,
        .stream = event_type_stream(type),
        .first = f->seq + 1,
        .last = f->seq + 1,
        .prev = f->hash,
        .hash = chain_next(&f->hash, buf_slice(&body)),
    };
    struct slice payload = buf_slice(&batch);
    batch_header_write(&header, put, &properties);
    if (encoding) {
        put(&properties, "content-encoding", encoding);
        assert_int_equal(compressor_open(&compressor, NULL), ERR_OK);
        assert_int_equal(compressor_pack(compressor, payload, &payload, NULL), ERR_OK);
    }
    enum err err = take(f, (struct mqtt_message){.topic = "tb/v1/box-a/up/events",
                                                 .payload = payload,
                                                 .properties = properties.list,
                                                 .property_count = properties.count});
    if (!err) {
        f->seq++;
        f->hash = header.hash;
    }
    compressor_close(compressor);
    buf_free(&body);
    buf_free(&batch);
    return err;
}

static enum err send_event(struct fixture *f, enum event_type type, const char *subject,
                           const char *data)
{
    return send_encoded(f, type, subject, data, NULL);
}

static void send_state(struct fixture *f, const char *session, bool online)
{
    struct buf text;
    struct link_state known = {.online = online};
    buf_init(&text, TEXT_MAX);
    (void)snprintf((char *)known.session.bytes, ID_BYTES, "%s", session);
    struct jsonw w = jsonw_to(&text);
    jsonw_object(&w, NULL);
    link_state_write(&w, &known);
    jsonw_end(&w);
    assert_int_equal(take(f, (struct mqtt_message){.topic = "tb/v1/box-a/up/state",
                                                   .payload = buf_slice(&text)}),
                     ERR_OK);
    buf_free(&text);
}

static void send_inbox_ack(struct fixture *f, int64_t epoch, int64_t through)
{
    struct buf text;
    const struct inbox_ack ack = {epoch, through, false};
    buf_init(&text, TEXT_MAX);
    inbox_ack_write(&text, &ack);
    assert_int_equal(take(f, (struct mqtt_message){.topic = "tb/v1/box-a/up/inbox-ack",
                                                   .payload = buf_slice(&text)}),
                     ERR_OK);
    buf_free(&text);
}

/* The worker's thread stands still meanwhile. */
static int64_t number_of(struct fixture *f, const char *sql)
{
    sqlite3_stmt *s;
    worker_close(f->worker);
    sqlite3 *db = database_handle(hubdb_database(f->hub));
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    open_worker(f, 1024 * 1024);
    return number;
}

/* --- What it does ---------------------------------------------------------------------------- */

static void a_batch_is_answered_with_its_retained_acknowledgement(void **state)
{
    struct fixture *f = *state;
    struct ack ack;
    assert_int_equal(send_event(f, EVENT_RETURN_CREATED, "return/1", "{}"), ERR_OK);
    await_answer(f);
    assert_string_equal(f->device, "box-a");
    assert_string_equal(f->name, "ack/returns");
    assert_true(f->retain);
    assert_int_equal(ack_read(slice_of(f->payload), &ack, NULL), ERR_OK);
    assert_int_equal(ack.through, 1);
    assert_true(sha256_equal(&ack.hash, &f->hash));
    assert_int_equal(f->desk.events, 1);
}

static void what_was_not_committed_is_not_answered(void **state)
{
    struct fixture *f = *state;
    vfs_fault_fail(f->vfs, VFS_FAULT_SYNC, 1, SQLITE_IOERR_FSYNC, false);
    struct sha256 before = f->hash;
    assert_int_equal(send_event(f, EVENT_RETURN_CREATED, "return/1", "{}"), ERR_OK);
    await_answer(f);
    assert_int_equal(f->answers, 0);
    assert_int_equal(f->desk.failed, 1);
    vfs_fault_heal(f->vfs);
    f->seq = 0;
    f->hash = before;
    assert_int_equal(send_event(f, EVENT_RETURN_CREATED, "return/1", "{}"), ERR_OK);
    await_answer(f);
    assert_int_equal(f->answers, 1);
    assert_int_equal(number_of(f, "SELECT count(*) FROM event"), 1);
}

static void messages_that_make_no_sense_are_refused_with_a_reason(void **state)
{
    struct fixture *f = *state;
    const struct mqtt_message headless = {.topic = "tb/v1/box-a/up/events",
                                          .payload = SLICE_LITERAL("[]")};
    assert_int_equal(take(f, headless), ERR_INVALID);
    const struct mqtt_message foreign = {.topic = "weather", .payload = SLICE_LITERAL("[]")};
    assert_int_equal(take(f, foreign), ERR_INVALID);
    const struct mqtt_message down = {.topic = "tb/v1/box-a/down/inbox"};
    assert_int_equal(take(f, down), ERR_INVALID);
    const struct mqtt_message other = {.topic = "tb/v1/box-a/up/enrol"};
    assert_int_equal(take(f, other), ERR_UNSUPPORTED);
    const struct mqtt_message mute = {.topic = "tb/v1/box-a/up/query",
                                      .payload = SLICE_LITERAL("{\"receipt\":\"R-1\"}")};
    assert_int_equal(take(f, mute), ERR_INVALID);
}

static void a_body_that_is_no_batch_gets_no_answer_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct properties properties = {.count = 0};
    struct batch_header header = {.log = f->log, .first = 1, .last = 1};
    batch_header_write(&header, put, &properties);
    const struct mqtt_message broken = {.topic = "tb/v1/box-a/up/events",
                                        .payload = SLICE_LITERAL("[{\"a\":"),
                                        .properties = properties.list,
                                        .property_count = properties.count};
    assert_int_equal(take(f, broken), ERR_OK);
    assert_int_equal(send_event(f, EVENT_RETURN_CREATED, "return/1", "{}"), ERR_OK);
    await_answer(f);
    assert_int_equal(f->desk.refused, 1);
    assert_int_equal(number_of(f, "SELECT count(*) FROM event"), 1);
}

static struct ack read_ack(struct fixture *f)
{
    struct ack ack;
    await_answer(f);
    assert_int_equal(ack_read(slice_of(f->payload), &ack, NULL), ERR_OK);
    return ack;
}

static void a_compressed_batch_is_taken_as_its_json(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(send_event(f, EVENT_RETURN_CREATED, "return/1", "{}"), ERR_OK);
    assert_true(read_ack(f).reads_compressed);
    assert_int_equal(
        send_encoded(f, EVENT_RETURN_CREATED, "return/2", "{\"a\":1}", COMPRESSION_NAME), ERR_OK);
    struct ack ack = read_ack(f);
    assert_int_equal(ack.through, 2);
    assert_true(sha256_equal(&ack.hash, &f->hash));
    assert_true(ack.reads_compressed);
    assert_int_equal(number_of(f, "SELECT count(*) FROM event WHERE CAST(body AS TEXT) LIKE '{%}'"),
                     2);
}

/* Whoever sent it learns that it isn't read, and what the hub holds: it goes again as it is. */
static void what_cannot_be_unpacked_is_refused_visibly_and_the_sender_told(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(send_event(f, EVENT_RETURN_CREATED, "return/1", "{}"), ERR_OK);
    await_answer(f);
    const struct sha256 before = f->hash;
    assert_int_equal(send_encoded(f, EVENT_RETURN_CREATED, "return/2", "{}", "zstd-events-9"),
                     ERR_OK);
    struct ack ack = read_ack(f);
    assert_int_equal(ack.through, 1);
    assert_false(ack.reads_compressed);
    assert_int_equal(f->desk.refused, 1);
    assert_int_equal(number_of(f, "SELECT count(*) FROM hub_exception WHERE code = 'batch_refused'"
                                  " AND detail LIKE '%content-encoding%'"),
                     1);
    f->seq = 1;
    f->hash = before;
    assert_int_equal(send_event(f, EVENT_RETURN_CREATED, "return/2", "{}"), ERR_OK);
    ack = read_ack(f);
    assert_int_equal(ack.through, 2);
    assert_true(ack.reads_compressed);
}

static void a_full_queue_refuses_at_once(void **state)
{
    struct fixture *f = *state;
    worker_close(f->worker);
    open_worker(f, 100);
    assert_int_equal(send_event(f, EVENT_RETURN_CREATED, "return/1", "{}"), ERR_BUSY);
}

static void a_late_will_is_no_news(void **state)
{
    struct fixture *f = *state;
    send_state(f, "first", true);
    send_state(f, "second", true);
    send_state(f, "first", false);
    assert_int_equal(number_of(f, "SELECT online FROM device"), 1);
    send_state(f, "second", false);
    assert_int_equal(number_of(f, "SELECT online FROM device"), 0);
}

static void a_question_is_answered_with_the_sale_and_its_returns(void **state)
{
    struct fixture *f = *state;
    struct sale_reply reply;
    const struct mqtt_message question = {.topic = "tb/v1/box-b/up/query",
                                          .payload = SLICE_LITERAL("{\"receipt\":\"R-1\"}"),
                                          .correlation = SLICE_LITERAL("me")};
    assert_int_equal(take(f, question), ERR_OK);
    await_answer(f);
    assert_int_equal(sale_reply_read(slice_of(f->payload), &reply, NULL), ERR_OK);
    assert_int_equal(reply.sale.len, 0);
    assert_int_equal(send_event(f, EVENT_RETURN_CREATED, "return/1", "{\"receipt\":\"R-1\"}"),
                     ERR_OK);
    (void)snprintf((char *)f->log.bytes, ID_BYTES, "log-of-sales");
    f->hash = chain_origin(&f->log, NULL);
    f->seq = 0;
    struct sha256 origin = f->hash;
    assert_int_equal(send_event(f, EVENT_SALE_RECORDED, "receipt/R-1", "{\"total\":5}"), ERR_OK);
    assert_false(sha256_equal(&origin, &f->hash));
    await_answer(f);
    f->answers = 0;
    while (f->desk.batches < 2)
        loop_run_once(f->loop, 10);
    assert_int_equal(take(f, question), ERR_OK);
    await_answer(f);
    assert_string_equal(f->device, "box-b");
    assert_string_equal(f->name, "reply");
    assert_string_equal(f->correlation, "me");
    assert_int_equal(sale_reply_read(slice_of(f->payload), &reply, NULL), ERR_OK);
    assert_true(reply.sale.len > 0);
    assert_int_equal(reply.event_count, 1);
}

static int64_t ask_for(struct fixture *f, const char *topic)
{
    struct sale_reply reply;
    const struct mqtt_message question = {.topic = topic,
                                          .payload = SLICE_LITERAL("{\"receipt\":\"R-1\"}"),
                                          .correlation = SLICE_LITERAL("me")};
    f->answers = 0;
    assert_int_equal(take(f, question), ERR_OK);
    await_answer(f);
    assert_int_equal(sale_reply_read(slice_of(f->payload), &reply, NULL), ERR_OK);
    return reply.reserved_until_ms;
}

static void receipt_that_one_store_asked_for_is_reserved_for_it(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask_for(f, "tb/v1/box-a/up/query"), 0);
    assert_true(ask_for(f, "tb/v1/box-b/up/query") > 0);
    assert_int_equal(ask_for(f, "tb/v1/box-a/up/query"), 0);
    clock_fake_advance(f->clock, 10 * 60 * 1000);
    assert_int_equal(ask_for(f, "tb/v1/box-b/up/query"), 0);
}

static void messages_go_down_one_after_the_other(void **state)
{
    struct fixture *f = *state;
    struct fault fault;
    int64_t number;
    int64_t epoch = f->desk.rules.hub_epoch;
    send_state(f, "first", true);
    (void)number_of(f, "SELECT 1");
    worker_close(f->worker);
    for (int i = 0; i < 2; i++)
        assert_int_equal(inbox_put(hubdb_database(f->hub), "box-a",
                                   i ? SLICE_LITERAL("two") : SLICE_LITERAL("one"), 1, &number,
                                   &fault),
                         ERR_OK);
    open_worker(f, 1024 * 1024);
    send_inbox_ack(f, 0, 77);
    await_answer(f);
    assert_string_equal(f->name, "inbox");
    assert_string_equal(f->payload, "one");
    assert_int_equal(f->place.number, 1);
    assert_int_equal(f->place.hub_epoch, epoch);
    assert_false(f->retain);
    send_inbox_ack(f, epoch, 1);
    await_answer(f);
    assert_string_equal(f->payload, "two");
    send_inbox_ack(f, epoch, 2);
    assert_int_equal(number_of(f, "SELECT inbox_through FROM device"), 2);
}

static void messages_go_down_together_to_who_takes_them(void **state)
{
    struct fixture *f = *state;
    struct fault fault;
    struct buf text;
    int64_t number;
    const struct inbox_ack ack = {f->desk.rules.hub_epoch, 0, true};
    send_state(f, "first", true);
    (void)number_of(f, "SELECT 1");
    worker_close(f->worker);
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            inbox_put(hubdb_database(f->hub), "box-a", SLICE_LITERAL("{}"), 1, &number, &fault),
            ERR_OK);
    open_worker(f, 1024 * 1024);
    buf_init(&text, 256);
    inbox_ack_write(&text, &ack);
    assert_int_equal(take(f, (struct mqtt_message){.topic = "tb/v1/box-a/up/inbox-ack",
                                                   .payload = buf_slice(&text)}),
                     ERR_OK);
    buf_free(&text);
    await_answer(f);
    assert_string_equal(f->name, "inbox-batch");
    assert_int_equal(f->place.number, 1);
    assert_int_equal(f->place.last, 3);
    send_inbox_ack(f, f->desk.rules.hub_epoch, 2);
    await_answer(f);
    assert_string_equal(f->name, "inbox");
    assert_int_equal(f->place.number, 3);
}

static void send_restore(struct fixture *f, bool reads_compressed)
{
    struct buf text;
    const struct restore_ask ask = {
        .has_log = true, .log = f->log, .first = 1, .reads_compressed = reads_compressed};
    buf_init(&text, TEXT_MAX);
    restore_ask_write(&text, &ask);
    assert_int_equal(take(f, (struct mqtt_message){.topic = "tb/v1/box-a/up/restore",
                                                   .payload = buf_slice(&text)}),
                     ERR_OK);
    buf_free(&text);
    await_answer(f);
    assert_string_equal(f->name, "restored");
}

static void what_comes_back_is_compressed_for_who_reads_that(void **state)
{
    struct fixture *f = *state;
    char plain[TEXT_MAX];
    struct buf unpacked;
    assert_int_equal(send_event(f, EVENT_RETURN_CREATED, "return/1", "{\"receipt\":\"1\"}"),
                     ERR_OK);
    await_answer(f);
    send_restore(f, false);
    assert_false(f->packed);
    (void)snprintf(plain, sizeof plain, "%s", f->payload);
    send_restore(f, true);
    assert_true(f->packed);
    assert_true(f->payload_len < strlen(plain) / 2);
    buf_init(&unpacked, TEXT_MAX);
    assert_int_equal(
        compression_unpack((struct slice){f->payload, f->payload_len}, &unpacked, NULL), ERR_OK);
    assert_true(slice_is(buf_slice(&unpacked), plain));
    buf_free(&unpacked);
}

static void the_time_is_told_at_once_to_who_asks_with_correlation(void **state)
{
    struct fixture *f = *state;
    const struct mqtt_message mute = {.topic = "tb/v1/box-a/up/time",
                                      .payload = SLICE_LITERAL("{}")};
    assert_int_equal(take(f, mute), ERR_INVALID);
    struct mqtt_message question = mute;
    question.correlation = (struct slice)SLICE_LITERAL("q1");
    assert_int_equal(take(f, question), ERR_OK);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_batch_is_answered_with_its_retained_acknowledgement),
        TEST(what_was_not_committed_is_not_answered),
        TEST(messages_that_make_no_sense_are_refused_with_a_reason),
        TEST(a_body_that_is_no_batch_gets_no_answer_and_changes_nothing),
        TEST(a_compressed_batch_is_taken_as_its_json),
        TEST(what_cannot_be_unpacked_is_refused_visibly_and_the_sender_told),
        TEST(a_full_queue_refuses_at_once),
        TEST(a_late_will_is_no_news),
        TEST(a_question_is_answered_with_the_sale_and_its_returns),
        TEST(receipt_that_one_store_asked_for_is_reserved_for_it),
        TEST(messages_go_down_one_after_the_other),
        TEST(messages_go_down_together_to_who_takes_them),
        TEST(what_comes_back_is_compressed_for_who_reads_that),
        cmocka_unit_test_setup_teardown(the_time_is_told_at_once_to_who_asks_with_correlation,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
