/* The uplink against a real broker, with a fake hub behind it that answers as it is told. */
#include "sync/uplink/accepted.h"
#include "sync/uplink/uplink.h"

#include "sync/contract/compression.h"
#include "sync/contract/inbox.h"
#include "sync/contract/link_state.h"
#include "sync/contract/restore.h"
#include "sync/contract/sale_query.h"
#include "sync/contract/told_time.h"
#include "sync/contract/topic.h"
#include "tests/support/await.h"
#include "tests/support/broker.h"
#include "tests/support/forwarder.h"
#include "tests/support/log_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { SEQ_MAX = 4000, LOOK_MS = 10, DRAIN_BEGINS_MS = 2000, TRIES = 3 };

static const char device[] = "shop-1";
static const int64_t HUB_NOW_MS = INT64_C(1795342320345);

/* What the fake hub holds of one log. */
struct shelf {
    struct id log;
    bool known;
    bool has_parent;
    int64_t through;
    int64_t ack_no;
    int64_t times[SEQ_MAX];
    struct sha256 hashes[SEQ_MAX];
};

struct fake_hub {
    struct mqtt *mqtt;
    struct tls_context *tls;
    bool connected;
    bool subscribed;
    bool silent;     /* takes, and answers nothing */
    bool answers;    /* questions */
    bool tells_time; /* else it keeps the questions */
    int time_asked;
    char time_question[ID_BYTES];
    bool lies; /* claims to hold more than there is */
    enum { OLDER, READS_COMPRESSED, REFUSES_COMPRESSED } age;
    int compressed;     /* batches that came so */
    struct shelf shelf; /* of the stream returns, the log heard of last */
    int batches;
    int states;
    struct link_state state;
    int64_t inbox_through;
    int inbox_acks;
    bool takes_batches;
    bool lists_late; /* keeps the question for the logs to be restored */
    int listed;
};

struct fixture {
    struct tls_pki pki;
    struct broker broker;
    struct loop *loop;
    struct log_fixture log;
    struct tls_context *tls;
    char runtime[SCRATCH_PATH_MAX];
    struct uplink *uplink;
    struct uplink_limits limits;
    struct loop_timer *look; /* stands for the posts that a commit would make */
    struct fake_hub hub;
    const char *url;
    int64_t told_ms; /* the hub's time as the uplink tells it; 0: not yet */
    int answers;
    enum err answer_err;
    char answer[512];
};

/* --- The fake hub ---------------------------------------------------------------------------- */

static const char *get_property(void *context, const char *name)
{
    return mqtt_property_of(context, name);
}

static void hub_publish(struct fake_hub *hub, const char *name, struct mqtt_message message)
{
    char topic[TOPIC_MAX];
    struct fault fault;
    int token;
    topic_write(topic, device, TOPIC_DOWN, name);
    message.topic = topic;
    message.qos = 1;
    if (mqtt_publish(hub->mqtt, &message, &token, &fault))
        fail_msg("%s", fault.text);
}

static void hub_acknowledge(struct fake_hub *hub)
{
    struct shelf *shelf = &hub->shelf;
    struct buf text;
    buf_init(&text, 8192);
    struct ack ack = {.log = shelf->log, .through = shelf->through, .hub_epoch = 5};
    ack.hash = shelf->hashes[shelf->through];
    ack.ack_no = shelf->ack_no;
    ack.reads_compressed = hub->age == READS_COMPRESSED;
    if (hub->lies)
        ack.through += 1000;
    ack_write(&text, &ack);
    hub_publish(hub, "ack/returns",
                (struct mqtt_message){.payload = buf_slice(&text), .retain = true});
    buf_free(&text);
}

static void shelve(struct shelf *shelf, const struct batch_header *header,
                   const struct slice *bodies, size_t count)
{
    if (!shelf->known || !id_equal(&shelf->log, &header->log))
        *shelf =
            (struct shelf){.log = header->log, .known = true, .has_parent = header->has_parent};
    assert_true(header->last < SEQ_MAX);
    struct sha256 hash = header->prev;
    for (size_t i = 0; i < count; i++) {
        int64_t seq = header->first + (int64_t)i;
        hash = chain_next(&hash, bodies[i]);
        shelf->times[seq]++;
        shelf->hashes[seq] = hash;
    }
    while (shelf->times[shelf->through + 1])
        shelf->through++;
    shelf->ack_no++;
}

/* Whether the hub reads it: an older one says nothing to what is compressed, a newer one that it
 * doesn't. */
static bool hub_reads(struct fake_hub *hub, const struct mqtt_message *message, struct buf *text)
{
    if (!mqtt_property_of(message, "content-encoding")) {
        buf_append(text, message->payload.data, message->payload.len);
        return true;
    }
    assert_string_equal(mqtt_property_of(message, "content-encoding"), COMPRESSION_NAME);
    hub->compressed++;
    assert_int_equal(compression_unpack(message->payload, text, NULL), ERR_OK);
    if (hub->age == REFUSES_COMPRESSED)
        hub_acknowledge(hub);
    return hub->age == READS_COMPRESSED;
}

static void hub_events(struct fake_hub *hub, const struct mqtt_message *message)
{
    struct buf text;
    struct batch_header header;
    struct slice bodies[BATCH_EVENTS_MAX];
    size_t count;
    struct fault fault = {0};
    struct mqtt_message read = *message;
    buf_init(&text, BATCH_BYTES_MAX);
    if (!hub_reads(hub, message, &text)) {
        buf_free(&text);
        return;
    }
    enum err err = batch_header_read(&header, get_property, &read, &fault);
    if (!err)
        err = batch_cut(buf_slice(&text), bodies, BATCH_EVENTS_MAX, &count, &fault);
    if (!err)
        err = batch_verify(&header, bodies, count, NULL, &fault);
    if (err)
        fail_msg("%s: %s", fault.where, fault.text);
    hub->batches++;
    if (header.stream == STREAM_RETURNS && !hub->silent) {
        shelve(&hub->shelf, &header, bodies, count);
        hub_acknowledge(hub);
    }
    buf_free(&text);
}

static void hub_query(struct fake_hub *hub, const struct mqtt_message *message)
{
    struct sale_query query;
    struct sale_reply reply = {.sale = SLICE_LITERAL("{\"sale\":1}")};
    struct buf text;
    if (!hub->answers)
        return;
    assert_string_equal(message->response_topic, "tb/v1/shop-1/down/reply");
    assert_int_equal(sale_query_read(message->payload, &query, NULL), ERR_OK);
    memcpy(reply.receipt, query.receipt, sizeof reply.receipt);
    buf_init(&text, 4096);
    sale_reply_write(&text, &reply);
    hub_publish(
        hub, "reply",
        (struct mqtt_message){.payload = buf_slice(&text), .correlation = message->correlation});
    buf_free(&text);
}

static void hub_tell_time(struct fake_hub *hub)
{
    struct buf text;
    buf_init(&text, 256);
    told_time_write(&text, HUB_NOW_MS);
    hub_publish(hub, "time",
                (struct mqtt_message){.payload = buf_slice(&text),
                                      .correlation = {hub->time_question, ID_BYTES}});
    buf_free(&text);
}

static void hub_time_question(struct fake_hub *hub, const struct mqtt_message *message)
{
    hub->time_asked++;
    assert_int_equal(message->correlation.len, ID_BYTES);
    memcpy(hub->time_question, message->correlation.data, ID_BYTES);
    if (hub->tells_time)
        hub_tell_time(hub);
}

static void hub_list_logs(struct fake_hub *hub)
{
    const struct restore_logs none = {.count = 0};
    struct buf text;
    buf_init(&text, 8192);
    restore_logs_write(&text, &none);
    hub_publish(hub, "logs", (struct mqtt_message){.payload = buf_slice(&text)});
    buf_free(&text);
}

static void hub_message(void *context, const struct mqtt_message *message)
{
    struct fake_hub *hub = context;
    struct topic topic;
    struct inbox_ack inbox;
    assert_int_equal(topic_read(message->topic, &topic), ERR_OK);
    assert_string_equal(topic.device, device);
    if (strcmp(topic.name, "events") == 0) {
        hub_events(hub, message);
    } else if (strcmp(topic.name, "query") == 0) {
        hub_query(hub, message);
    } else if (strcmp(topic.name, "time") == 0) {
        hub_time_question(hub, message);
    } else if (strcmp(topic.name, "state") == 0) {
        assert_int_equal(link_state_read(message->payload, &hub->state, NULL), ERR_OK);
        hub->states++;
    } else if (strcmp(topic.name, "restore") == 0) {
        hub->listed++;
        if (!hub->lists_late)
            hub_list_logs(hub);
    } else if (strcmp(topic.name, "inbox-ack") == 0) {
        assert_int_equal(inbox_ack_read(message->payload, &inbox, NULL), ERR_OK);
        hub->inbox_through = inbox.through;
        hub->takes_batches = inbox.takes_batches;
        hub->inbox_acks++;
    }
}

static void hub_connected(void *context, enum err err, const struct fault *fault)
{
    struct fake_hub *hub = context;
    if (err)
        fail_msg("%s", fault->text);
    hub->connected = true;
}

static void hub_published(void *context, int token, int reason)
{
    (void)context;
    (void)token;
    assert_true(reason < 0x80);
}

static void hub_subscribed(void *context, int token, enum err err)
{
    (void)token;
    struct fake_hub *hub = context;
    assert_int_equal(err, ERR_OK);
    hub->subscribed = true;
}

static void hub_disconnected(void *context, enum err err, const struct fault *fault)
{
    (void)context;
    (void)err;
    fail_msg("the fake hub lost its connection: %s", fault->text);
}

static void hub_join(struct fixture *f)
{
    struct fake_hub *hub = &f->hub;
    struct fault fault;
    int token;
    hub->tls = tls_pki_context(&f->pki, TLS_CLIENT, "hub");
    const struct mqtt_config config = {
        .url = f->broker.url,
        .tls = hub->tls,
        .client_id = "hub",
        .runtime_folder = f->runtime,
    };
    const struct mqtt_listener listener = {hub_connected,  hub_message,      hub_published,
                                           hub_subscribed, hub_disconnected, hub};
    if (mqtt_open(&hub->mqtt, f->loop, &config, &listener, &fault))
        fail_msg("%s", fault.text);
    assert_true(await_flag(f->loop, &hub->connected, AWAIT_MS));
    assert_int_equal(mqtt_subscribe(hub->mqtt, "tb/v1/+/up/#", 1, &token, NULL), ERR_OK);
    assert_true(await_flag(f->loop, &hub->subscribed, AWAIT_MS));
}

static void hub_leave(struct fixture *f)
{
    mqtt_close(f->hub.mqtt, true);
    tls_context_close(f->hub.tls);
    f->hub.mqtt = NULL;
    f->hub.tls = NULL;
    f->hub.connected = f->hub.subscribed = false;
}

/* --- The appliance --------------------------------------------------------------------------- */

static void look(void *context)
{
    struct fixture *f = context;
    if (f->uplink)
        uplink_committed(f->uplink);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct fault fault;
    char path[SCRATCH_PATH_MAX];
    tls_pki_make(&f->pki);
    broker_start(&f->broker, &f->pki, "server", NULL);
    log_fixture_make(&f->log);
    (void)snprintf(f->runtime, sizeof f->runtime, "%s", tls_pki_path(&f->pki, "r", path));
    if (loop_open(&f->loop, &fault) || mkdir(f->runtime, 0700) != 0)
        fail_msg("no loop or folder");
    f->tls = tls_pki_context(&f->pki, TLS_CLIENT, device);
    f->look = loop_timer_open(f->loop, look, f);
    f->url = f->broker.url;
    loop_timer_start(f->look, LOOK_MS, LOOK_MS);
    *state = f;
    return 0;
}

static void on_time(void *context, int64_t wall_ms)
{
    struct fixture *f = context;
    f->told_ms = wall_ms;
}

static void uplink_start(struct fixture *f)
{
    struct fault fault;
    const struct uplink_config config = {
        .log = f->log.log,
        .reader = f->log.config,
        .target = {f->url, NULL, device, f->runtime, f->tls},
        .limits = f->limits,
        .clock = f->log.clock,
    };
    const struct uplink_listener listener = {.time = on_time, .context = f};
    if (uplink_open(&f->uplink, f->loop, &config, &listener, &fault))
        fail_msg("%s: %s", fault.where, fault.text);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    uplink_close(f->uplink);
    f->uplink = NULL;
    mqtt_close(f->hub.mqtt, true);
    loop_timer_close(f->look);
    log_fixture_remove(&f->log); /* what the log still had for the uplink is posted by now */
    tls_context_close(f->tls);
    tls_context_close(f->hub.tls);
    loop_close(f->loop);
    broker_kill(&f->broker);
    tls_pki_remove(&f->pki);
    free(f);
    return 0;
}

static void append(struct fixture *f, int events)
{
    (void)log_fixture_append(&f->log, EVENT_RETURN_CREATED, events);
}

static bool all_held(void *context)
{
    struct fixture *f = context;
    struct eventlog_stream_status stream = log_fixture_stream(&f->log, STREAM_RETURNS);
    return stream.head > 0 && stream.through == stream.head;
}

static bool is_online(void *context)
{
    struct fixture *f = context;
    struct uplink_status status;
    uplink_status(f->uplink, &status);
    return status.state == UPLINK_ONLINE;
}

static bool is_not_online(void *context)
{
    return !is_online(context);
}

static void await_all_held(struct fixture *f, int64_t within_ms)
{
    if (!await(f->loop, all_held, f, within_ms))
        fail_msg("%d batches came, the watermark stands at %d", f->hub.batches,
                 (int)f->hub.shelf.through);
}

/* --- What it does ---------------------------------------------------------------------------- */

static void events_reach_the_hub_and_its_answer_moves_the_watermark(void **state)
{
    struct fixture *f = *state;
    hub_join(f);
    append(f, 300);
    uplink_start(f);
    await_all_held(f, AWAIT_MS);
    append(f, 20);
    await_all_held(f, AWAIT_MS);
    for (int64_t seq = 1; seq <= 320; seq++)
        assert_int_equal(f->hub.shelf.times[seq], 1);
    struct uplink_status status;
    uplink_status(f->uplink, &status);
    assert_int_equal(status.waiting[STREAM_RETURNS], 0);
}

static bool three_batches(void *context)
{
    return ((struct fixture *)context)->hub.batches >= 3;
}

static void without_an_answer_all_goes_again_on_a_new_connection(void **state)
{
    struct fixture *f = *state;
    hub_join(f);
    f->hub.silent = true;
    f->limits.ack_timeout_ms = 300;
    append(f, 5);
    uplink_start(f);
    assert_true(await(f->loop, three_batches, f, AWAIT_MS));
    assert_false(all_held(f));
    struct uplink_status status;
    uplink_status(f->uplink, &status);
    assert_int_equal(status.last.code, ERR_TIMEOUT);
    f->hub.silent = false;
    await_all_held(f, AWAIT_MS);
}

static void batches_go_compressed_to_a_hub_that_says_it_reads_them(void **state)
{
    struct fixture *f = *state;
    hub_join(f);
    append(f, 1);
    uplink_start(f);
    await_all_held(f, AWAIT_MS);
    append(f, 1);
    await_all_held(f, AWAIT_MS);
    assert_int_equal(f->hub.compressed, 0);
    f->hub.age = READS_COMPRESSED;
    append(f, 1);
    await_all_held(f, AWAIT_MS);
    assert_int_equal(f->hub.compressed, 0);
    append(f, 20);
    await_all_held(f, AWAIT_MS);
    assert_true(f->hub.compressed > 0);
}

static void first_batch_of_the_next_process_goes_compressed_too(void **state)
{
    struct fixture *f = *state;
    hub_join(f);
    f->hub.age = READS_COMPRESSED;
    for (int i = 0; i < 3; i++) {
        int plain = f->hub.batches - f->hub.compressed;
        append(f, 5);
        uplink_start(f);
        await_all_held(f, AWAIT_MS);
        plain = f->hub.batches - f->hub.compressed - plain;
        assert_true(i == 0 ? plain == 1 : plain == 0);
        uplink_close(f->uplink);
        f->uplink = NULL;
    }
    /* Behind another address may be another hub. */
    assert_false(accepted_recall(f->log.config.folder, "mqtts://elsewhere:8883"));
    assert_true(accepted_recall(f->log.config.folder, f->url));
    /* One that reads it no more has the first batch again as it is, and it is remembered. */
    f->hub.age = REFUSES_COMPRESSED;
    append(f, 5);
    uplink_start(f);
    await_all_held(f, AWAIT_MS);
    assert_false(accepted_recall(f->log.config.folder, f->url));
}

static void what_a_hub_refuses_compressed_goes_as_it_is_at_once(void **state)
{
    struct fixture *f = *state;
    hub_join(f);
    f->hub.age = READS_COMPRESSED;
    append(f, 1);
    uplink_start(f);
    await_all_held(f, AWAIT_MS);
    f->hub.age = REFUSES_COMPRESSED;
    append(f, 1);
    await_all_held(f, AWAIT_MS);
    assert_int_equal(f->hub.compressed, 1);
    struct uplink_status status;
    uplink_status(f->uplink, &status);
    assert_int_equal(status.last.code, ERR_OK); /* the connection stayed */
}

/* What the broker keeps still says that compressed batches are read; who is there now is mute. */
static void an_older_hub_in_a_newer_ones_place_loses_nothing(void **state)
{
    struct fixture *f = *state;
    hub_join(f);
    f->hub.age = READS_COMPRESSED;
    f->limits.ack_timeout_ms = 300;
    append(f, 1);
    uplink_start(f);
    await_all_held(f, AWAIT_MS);
    f->hub.age = OLDER;
    append(f, 5);
    await_all_held(f, AWAIT_MS);
    assert_true(f->hub.compressed >= 1);
    struct uplink_status status;
    uplink_status(f->uplink, &status);
    assert_int_equal(status.last.code, ERR_TIMEOUT);
    int compressed = f->hub.compressed;
    append(f, 5);
    await_all_held(f, AWAIT_MS);
    assert_int_equal(f->hub.compressed, compressed);
}

/* A busy machine may be late now and then; it is our fault when each of some tries is late. */
static bool all_held_soon(struct fixture *f)
{
    if (await(f->loop, all_held, f, DRAIN_BEGINS_MS))
        return true;
    await_all_held(f, AWAIT_MS);
    return false;
}

static void a_hub_that_comes_late_gets_what_waited_within_2_s(void **state)
{
    struct fixture *f = *state;
    bool soon = false;
    uplink_start(f);
    assert_true(await(f->loop, is_online, f, AWAIT_MS));
    for (int i = 0; i < TRIES && !soon; i++) {
        hub_leave(f);
        append(f, 50);
        hub_join(f);
        soon = all_held_soon(f);
    }
    assert_true(soon);
    assert_true(is_online(f));
}

static void after_a_black_hole_the_drain_begins_within_2_s(void **state)
{
    struct fixture *f = *state;
    struct forwarder *road = forwarder_open(FORWARDER_WIRE, f->broker.port);
    char url[64];
    (void)snprintf(url, sizeof url, "mqtts://localhost:%u", forwarder_port(road));
    f->url = url;
    f->limits.ack_timeout_ms = 500;
    hub_join(f);
    append(f, 5);
    uplink_start(f);
    await_all_held(f, AWAIT_MS);
    bool soon = false;
    for (int i = 0; i < TRIES && !soon; i++) {
        forwarder_set_hole(road, true);
        append(f, 5);
        assert_true(await(f->loop, is_not_online, f, AWAIT_MS));
        assert_false(await(f->loop, is_online, f, 3000));
        forwarder_set_hole(road, false);
        soon = all_held_soon(f);
    }
    assert_true(soon);
    uplink_close(f->uplink);
    f->uplink = NULL;
    forwarder_close(road);
}

static bool is_forked(void *context)
{
    struct fixture *f = context;
    return log_fixture_stream(&f->log, STREAM_RETURNS).forked;
}

static void a_watermark_beyond_the_log_makes_a_fork_that_is_sent(void **state)
{
    struct fixture *f = *state;
    hub_join(f);
    append(f, 5);
    f->hub.lies = true;
    uplink_start(f);
    assert_true(await(f->loop, is_forked, f, AWAIT_MS));
    f->hub.lies = false;
    append(f, 3);
    await_all_held(f, AWAIT_MS);
    assert_true(f->hub.shelf.has_parent);
}

static bool inbox_is_told(void *context)
{
    return ((struct fixture *)context)->hub.inbox_through == 1;
}

static bool is_asked_for_logs(void *context)
{
    return ((struct fixture *)context)->hub.listed > 0;
}

static bool inbox_is_asked_for_again(void *context)
{
    return ((struct fixture *)context)->hub.inbox_acks > 1;
}

/* Else it would find none of the returns that it speaks of. */
static void a_message_waits_until_what_was_lost_is_back(void **state)
{
    struct fixture *f = *state;
    struct buf body;
    hub_join(f);
    f->hub.lists_late = true;
    uplink_start(f);
    assert_true(await(f->loop, is_asked_for_logs, f, AWAIT_MS));
    buf_init(&body, 8192);
    log_fixture_message(&body, 7, log_fixture_id(8));
    const struct mqtt_property place[] = {{"hub_epoch", "5"}, {"number", "1"}};
    const struct mqtt_message message = {
        .payload = buf_slice(&body), .properties = place, .property_count = 2};
    hub_publish(&f->hub, "inbox", message);
    int acks = f->hub.inbox_acks;
    hub_list_logs(&f->hub); /* behind the message */
    assert_true(await(f->loop, inbox_is_asked_for_again, f, AWAIT_MS));
    assert_true(f->hub.inbox_acks > acks && f->hub.inbox_through == 0);
    hub_publish(&f->hub, "inbox", message);
    assert_true(await(f->loop, inbox_is_told, f, AWAIT_MS));
    buf_free(&body);
}

static void a_message_is_kept_before_it_is_acknowledged(void **state)
{
    struct fixture *f = *state;
    struct buf body;
    struct eventlog_status status;
    hub_join(f);
    uplink_start(f);
    assert_true(await(f->loop, is_online, f, AWAIT_MS));
    assert_true(await(f->loop, inbox_is_asked_for_again, f, AWAIT_MS)); /* nothing was lost */
    assert_int_equal(f->hub.inbox_through, 0);
    buf_init(&body, 8192);
    log_fixture_message(&body, 7, log_fixture_id(8));
    const struct mqtt_property place[] = {{"hub_epoch", "5"}, {"number", "1"}};
    const struct mqtt_message message = {
        .payload = buf_slice(&body), .properties = place, .property_count = 2};
    hub_publish(&f->hub, "inbox", message);
    assert_true(await(f->loop, inbox_is_told, f, AWAIT_MS));
    eventlog_status(f->log.log, &status);
    assert_int_equal(status.inbox_through, 1);
    buf_free(&body);
}

static bool three_are_told(void *context)
{
    return ((struct fixture *)context)->hub.inbox_through == 3;
}

static void messages_that_come_together_are_answered_once(void **state)
{
    struct fixture *f = *state;
    struct compressor *compressor = NULL;
    struct slice frame;
    struct buf batch, body;
    hub_join(f);
    uplink_start(f);
    assert_true(await(f->loop, inbox_is_asked_for_again, f, AWAIT_MS)); /* nothing was lost */
    assert_true(f->hub.takes_batches);
    buf_init(&batch, 65536);
    buf_init(&body, 8192);
    batch_begin(&batch);
    for (uint8_t i = 0; i < 3; i++) {
        buf_reset(&body);
        log_fixture_message(&body, (uint8_t)(7 + i), log_fixture_id(8));
        batch_add(&batch, buf_slice(&body));
    }
    batch_end(&batch);
    assert_int_equal(compressor_open(&compressor, NULL), ERR_OK);
    assert_int_equal(compressor_pack(compressor, buf_slice(&batch), &frame, NULL), ERR_OK);
    const struct mqtt_property place[] = {
        {"hub_epoch", "5"}, {"number", "1"}, {"last", "3"}, {"content-encoding", COMPRESSION_NAME}};
    int acks = f->hub.inbox_acks;
    hub_publish(&f->hub, "inbox-batch",
                (struct mqtt_message){.payload = frame, .properties = place, .property_count = 4});
    assert_true(await(f->loop, three_are_told, f, AWAIT_MS));
    assert_int_equal(f->hub.inbox_acks, acks + 1);
    struct eventlog_status status;
    eventlog_status(f->log.log, &status);
    assert_int_equal(status.inbox_through, 3);
    compressor_close(compressor);
    buf_free(&batch);
    buf_free(&body);
}

static void on_answer(void *context, enum err err, struct slice answer)
{
    struct fixture *f = context;
    f->answers++;
    f->answer_err = err;
    (void)snprintf(f->answer, sizeof f->answer, "%.*s", (int)answer.len, answer.data);
}

static bool is_answered(void *context)
{
    return ((struct fixture *)context)->answers > 0;
}

static bool is_subscribed(void *context)
{
    return ((struct fixture *)context)->hub.inbox_acks > 0;
}

enum { TRIES_MAX = 5 };

static void a_question_gets_its_answer(void **state)
{
    struct fixture *f = *state;
    struct sale_reply reply;
    hub_join(f);
    f->hub.answers = true;
    uplink_start(f);
    assert_int_equal(uplink_query(f->uplink, "R-1", on_answer, f, NULL), ERR_CLOSED);
    assert_true(await(f->loop, is_subscribed, f, AWAIT_MS));
    int tries = 0;
    do { /* on a loaded machine a question's time may be over before it was carried */
        f->answers = 0;
        assert_int_equal(uplink_query(f->uplink, "R-1", on_answer, f, NULL), ERR_OK);
        assert_true(await(f->loop, is_answered, f, AWAIT_MS));
    } while (f->answer_err == ERR_TIMEOUT && ++tries < TRIES_MAX);
    assert_int_equal(f->answer_err, ERR_OK);
    assert_int_equal(sale_reply_read(slice_of(f->answer), &reply, NULL), ERR_OK);
    assert_string_equal(reply.receipt, "R-1");
    assert_true(slice_is(reply.sale, "{\"sale\":1}"));
    assert_int_equal(f->answers, 1);
}

static void a_question_without_an_answer_ends_in_time(void **state)
{
    struct fixture *f = *state;
    hub_join(f);
    uplink_start(f);
    assert_true(await(f->loop, is_subscribed, f, AWAIT_MS));
    assert_int_equal(uplink_query(f->uplink, "R-1", on_answer, f, NULL), ERR_OK);
    assert_true(await(f->loop, is_answered, f, AWAIT_MS));
    assert_int_equal(f->answer_err, ERR_TIMEOUT);
}

static bool is_born(void *context)
{
    struct fixture *f = context;
    return f->hub.states > 0 && f->hub.state.online;
}

static bool is_dead(void *context)
{
    struct fixture *f = context;
    return f->hub.states > 1 && !f->hub.state.online;
}

static void birth_and_last_will_carry_the_same_session(void **state)
{
    struct fixture *f = *state;
    hub_join(f);
    uplink_start(f);
    assert_true(await(f->loop, is_born, f, AWAIT_MS));
    struct id session = f->hub.state.session;
    uplink_close(f->uplink);
    f->uplink = NULL;
    assert_true(await(f->loop, is_dead, f, AWAIT_MS));
    assert_true(id_equal(&session, &f->hub.state.session));
}

/* --- The time -------------------------------------------------------------------------------- */

static bool is_time_told(void *context)
{
    return ((struct fixture *)context)->told_ms != 0;
}

static bool is_time_asked(void *context)
{
    return ((struct fixture *)context)->hub.time_asked > 0;
}

static void the_hub_is_asked_for_the_time_and_believed(void **state)
{
    struct fixture *f = *state;
    f->hub.tells_time = true;
    hub_join(f);
    uplink_start(f);
    assert_true(await(f->loop, is_time_told, f, AWAIT_MS));
    assert_int_equal(f->told_ms, HUB_NOW_MS); /* the fixture's clock stands: no way, no doubt */
}

static void half_of_the_way_is_added_and_a_time_that_took_too_long_says_nothing(void **state)
{
    struct fixture *f = *state;
    hub_join(f);
    uplink_start(f);
    assert_true(await(f->loop, is_time_asked, f, AWAIT_MS));
    clock_fake_advance(f->log.clock, 10001);
    hub_tell_time(&f->hub);
    append(f, 1);
    await_all_held(f, AWAIT_MS); /* which came behind it */
    assert_int_equal(f->told_ms, 0);
    f->hub.time_asked = 0;
    uplink_close(f->uplink);
    uplink_start(f);
    assert_true(await(f->loop, is_time_asked, f, AWAIT_MS));
    clock_fake_advance(f->log.clock, 3000);
    hub_tell_time(&f->hub);
    assert_true(await(f->loop, is_time_told, f, AWAIT_MS));
    assert_int_equal(f->told_ms, HUB_NOW_MS + 1500);
}

static void an_answer_to_an_earlier_question_says_nothing(void **state)
{
    struct fixture *f = *state;
    hub_join(f);
    uplink_start(f);
    assert_true(await(f->loop, is_time_asked, f, AWAIT_MS));
    f->hub.time_question[0] ^= 1;
    hub_tell_time(&f->hub);
    append(f, 1);
    await_all_held(f, AWAIT_MS);
    assert_int_equal(f->told_ms, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(events_reach_the_hub_and_its_answer_moves_the_watermark),
        TEST(without_an_answer_all_goes_again_on_a_new_connection),
        TEST(batches_go_compressed_to_a_hub_that_says_it_reads_them),
        TEST(first_batch_of_the_next_process_goes_compressed_too),
        TEST(what_a_hub_refuses_compressed_goes_as_it_is_at_once),
        TEST(an_older_hub_in_a_newer_ones_place_loses_nothing),
        TEST(a_hub_that_comes_late_gets_what_waited_within_2_s),
        TEST(after_a_black_hole_the_drain_begins_within_2_s),
        TEST(a_watermark_beyond_the_log_makes_a_fork_that_is_sent),
        TEST(a_message_is_kept_before_it_is_acknowledged),
        TEST(messages_that_come_together_are_answered_once),
        TEST(a_message_waits_until_what_was_lost_is_back),
        TEST(a_question_gets_its_answer),
        TEST(a_question_without_an_answer_ends_in_time),
        TEST(birth_and_last_will_carry_the_same_session),
        TEST(the_hub_is_asked_for_the_time_and_believed),
        TEST(half_of_the_way_is_added_and_a_time_that_took_too_long_says_nothing),
        TEST(an_answer_to_an_earlier_question_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
