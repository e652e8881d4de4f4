#include "tests/support/fake_hub.h"
#include "sync/contract/ack.h"
#include "sync/contract/compression.h"
#include "sync/contract/inbox.h"
#include "sync/contract/parked_ask.h"
#include "sync/contract/sale_query.h"
#include "sync/contract/told_time.h"
#include "sync/contract/topic.h"
#include "tests/support/await.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *get_property(void *context, const char *name)
{
    return mqtt_property_of(context, name);
}

void fake_hub_publish(struct fake_hub *hub, const char *name, struct mqtt_message message)
{
    char topic[TOPIC_MAX];
    struct fault fault;
    int token;
    topic_write(topic, FAKE_HUB_DEVICE, TOPIC_DOWN, name);
    message.topic = topic;
    message.qos = 1;
    if (mqtt_publish(hub->mqtt, &message, &token, &fault))
        fail_msg("%s", fault.text);
}

/* The newest below that seq, as many as fit. */
static void park(const struct fake_hub *hub, int64_t below, struct ack *ack)
{
    int64_t first = below > ACK_PARKED_MAX ? below - ACK_PARKED_MAX : 1;
    for (int64_t seq = first; seq < below; seq++) {
        struct ack_parked *item = &ack->parked[ack->parked_count++];
        *item = (struct ack_parked){.seq = seq, .code = "period_closed"};
        memcpy(item->id.bytes, &seq, sizeof seq);
    }
    ack->parked_above = first - 1;
    ack->parked_total = hub->parked;
}

static void hub_acknowledge(struct fake_hub *hub)
{
    struct shelf *shelf = &hub->shelf;
    struct buf text;
    buf_init(&text, 65536);
    struct ack ack = {.log = shelf->log, .through = shelf->through, .hub_epoch = 5};
    ack.hash = shelf->hashes[shelf->through];
    ack.ack_no = shelf->ack_no;
    ack.reads_compressed = hub->age == HUB_READS_COMPRESSED;
    if (hub->backs_up)
        ack.backed_up_through = shelf->through;
    if (hub->lies)
        ack.through += 1000;
    if (hub->parked)
        park(hub, hub->parked + 1, &ack);
    ack_write(&text, &ack);
    fake_hub_publish(hub, "ack/returns",
                     (struct mqtt_message){.payload = buf_slice(&text), .retain = true});
    buf_free(&text);
}

static void shelve(struct shelf *shelf, const struct batch_header *header,
                   const struct slice *bodies, size_t count)
{
    if (!shelf->known || !id_equal(&shelf->log, &header->log))
        *shelf =
            (struct shelf){.log = header->log, .known = true, .has_parent = header->has_parent};
    assert_true(header->last < FAKE_HUB_SEQ_MAX);
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
    if (hub->age == HUB_REFUSES_COMPRESSED)
        hub_acknowledge(hub);
    return hub->age == HUB_READS_COMPRESSED;
}

static void hub_events(struct fake_hub *hub, const struct mqtt_message *message)
{
    struct buf text;
    struct batch_header header;
    struct slice bodies[BATCH_EVENTS_MAX];
    size_t count = 0;
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
    hub->events = count;
    if (header.stream == STREAM_RETURNS && !hub->silent) {
        shelve(&hub->shelf, &header, bodies, count);
        hub_acknowledge(hub);
    }
    buf_free(&text);
}

static void hub_reply(struct fake_hub *hub, const struct mqtt_message *question,
                      const struct sale_reply *reply)
{
    struct buf text;
    buf_init(&text, 4096);
    sale_reply_write(&text, reply);
    fake_hub_publish(
        hub, "reply",
        (struct mqtt_message){.payload = buf_slice(&text), .correlation = question->correlation});
    buf_free(&text);
}

static void hub_query(struct fake_hub *hub, const struct mqtt_message *message)
{
    struct sale_query query;
    struct sale_reply reply = {.sale = SLICE_LITERAL("{\"sale\":1}")};
    assert_string_equal(message->response_topic, "tb/v1/shop-1/down/reply");
    assert_int_equal(sale_query_read(message->payload, &query, NULL), ERR_OK);
    memcpy(reply.receipt, query.receipt, sizeof reply.receipt);
    if (hub->asks_holder)
        hub_reply(hub, message, &(struct sale_reply){.receipt = "?", .awaits_holder = true});
    if (hub->answers)
        hub_reply(hub, message, &reply);
}

void fake_hub_tell_time(struct fake_hub *hub)
{
    struct buf text;
    buf_init(&text, 256);
    told_time_write(&text, FAKE_HUB_NOW_MS);
    fake_hub_publish(hub, "time",
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
        fake_hub_tell_time(hub);
}

void fake_hub_list_logs(struct fake_hub *hub)
{
    const struct restore_logs none = {.count = 0};
    struct buf text;
    buf_init(&text, 8192);
    restore_logs_write(&text, &none);
    fake_hub_publish(hub, "logs", (struct mqtt_message){.payload = buf_slice(&text)});
    buf_free(&text);
}

static void hub_parked_question(struct fake_hub *hub, const struct mqtt_message *message)
{
    struct buf text;
    struct parked_ask ask;
    assert_int_equal(parked_ask_read(message->payload, &ask, NULL), ERR_OK);
    hub->parked_asked++;
    if (hub->keeps_pages)
        return;
    struct ack page = {.log = ask.log, .hub_epoch = 5, .parked_below = ask.below};
    park(hub, ask.below, &page);
    buf_init(&text, 65536);
    ack_write(&text, &page);
    fake_hub_publish(hub, "parked", (struct mqtt_message){.payload = buf_slice(&text)});
    buf_free(&text);
}

static void hub_message(void *context, const struct mqtt_message *message)
{
    struct fake_hub *hub = context;
    struct topic topic;
    struct inbox_ack inbox;
    assert_int_equal(topic_read(message->topic, &topic), ERR_OK);
    assert_string_equal(topic.device, FAKE_HUB_DEVICE);
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
        assert_int_equal(restore_ask_read(message->payload, &hub->restore, NULL), ERR_OK);
        hub->listed++;
        if (!hub->lists_late)
            fake_hub_list_logs(hub);
    } else if (strcmp(topic.name, "parked") == 0) {
        hub_parked_question(hub, message);
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

void fake_hub_join(struct fake_hub *hub, struct loop *loop, const struct tls_pki *pki,
                   const char *url, const char *runtime_folder)
{
    struct fault fault;
    int token;
    hub->tls = tls_pki_context(pki, TLS_CLIENT, "hub");
    const struct mqtt_config config = {
        .url = url, .tls = hub->tls, .client_id = "hub", .runtime_folder = runtime_folder};
    const struct mqtt_listener listener = {hub_connected,  hub_message,      hub_published,
                                           hub_subscribed, hub_disconnected, hub};
    if (mqtt_open(&hub->mqtt, loop, &config, &listener, &fault))
        fail_msg("%s", fault.text);
    assert_true(await_flag(loop, &hub->connected, AWAIT_MS));
    assert_int_equal(mqtt_subscribe(hub->mqtt, "tb/v1/+/up/#", 1, &token, NULL), ERR_OK);
    assert_true(await_flag(loop, &hub->subscribed, AWAIT_MS));
}

void fake_hub_leave(struct fake_hub *hub)
{
    mqtt_close(hub->mqtt, true);
    tls_context_close(hub->tls);
    hub->mqtt = NULL;
    hub->tls = NULL;
    hub->connected = hub->subscribed = false;
}
