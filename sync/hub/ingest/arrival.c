#include "sync/hub/ingest/arrival.h"
#include "hal/base/cleanup.h"
#include "sync/contract/compression.h"
#include "sync/contract/inbox.h"
#include "sync/contract/link_state.h"
#include "sync/contract/sale_query.h"
#include "sync/contract/told_time.h"
#include "sync/contract/topic.h"
#include "sync/hub/ingest/contact.h"
#include "sync/hub/ingest/device.h"
#include "sync/hub/ingest/inbox.h"
#include "sync/hub/ingest/restore.h"
#include "sync/hub/ingest/sale_answer.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ACK_TEXT_MAX = 64 * 1024,
    REPLY_MAX = SALE_REPLY_BYTES_MAX,
    RESTORE_BATCH_BYTES = 64 * 1024,
    INBOX_BATCH_BYTES = 64 * 1024,
    CORRELATION_MAX = 64,
    TIME_TEXT_MAX = 256,
};

struct arrival {
    struct work work;
    struct arrival_desk *desk;
    char device[DEVICE_ID_MAX + 1];
    int64_t received_ms;
    struct buf payload; /* a copy of what came */
    struct buf reply;   /* what goes back, if it isn't an acknowledgement */
    char correlation[CORRELATION_MAX];
    size_t correlation_len;
    struct batch_header header;
    struct fault unread;           /* why a batch's payload couldn't be unpacked; code 0: it was */
    struct ingest_result result;   /* of a batch */
    struct ingest_result *unknown; /* of a state: its logs, as far as they aren't known here */
    struct inbox_place place;      /* of the inbox message in `reply`; else its number is 0 */
    bool packed;                   /* `reply` is compressed */
};

static struct arrival *arrival_of(struct work *work)
{
    return (struct arrival *)((char *)work - offsetof(struct arrival, work));
}

static void arrival_free(struct arrival *arrival)
{
    buf_free(&arrival->payload);
    buf_free(&arrival->reply);
    free(arrival->unknown);
    free(arrival);
}

static struct arrival *arrival_new(struct arrival_desk *desk, const char *device,
                                   struct slice payload)
{
    struct arrival *arrival = calloc(1, sizeof *arrival);
    if (!arrival)
        return NULL;
    arrival->desk = desk;
    arrival->received_ms = clock_wall_ms(desk->clock);
    (void)snprintf(arrival->device, sizeof arrival->device, "%s", device);
    buf_init(&arrival->payload, MQTT_PAYLOAD_MAX);
    buf_init(&arrival->reply, REPLY_MAX);
    buf_append(&arrival->payload, payload.data, payload.len);
    arrival->work.bytes = sizeof *arrival + payload.len;
    if (arrival->payload.failed) {
        arrival_free(arrival);
        return NULL;
    }
    return arrival;
}

static enum err send_off(struct arrival *arrival, struct worker *worker)
{
    enum err err = worker_submit(worker, &arrival->work);
    if (err)
        arrival_free(arrival);
    return err;
}

static void failed(struct arrival *arrival, const struct fault *fault)
{
    arrival->desk->failed++;
    diag_fault(arrival->desk->diag, DIAG_ERROR, "hub.not_taken", fault);
}

/* Sends what it was asked for, if there was no mishap, and ends it. */
static void finish(struct arrival *arrival, enum err err, const struct fault *fault,
                   const struct arrival_answer *answer)
{
    if (err)
        failed(arrival, fault);
    else
        arrival->desk->answer(arrival->desk->context, answer);
    arrival_free(arrival);
}

/* --- Batches --------------------------------------------------------------------------------- */

static void refuse_batch(struct arrival *arrival, const struct fault *why)
{
    arrival->result.verdict = INGEST_REFUSED;
    arrival->result.why = *why;
}

static enum err run_batch(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    struct slice bodies[BATCH_EVENTS_MAX];
    struct fault why = {0};
    struct ingest_batch batch = {
        .device = arrival->device,
        .header = arrival->header,
        .bodies = bodies,
        .received_ms = arrival->received_ms,
        .unread = arrival->unread.code ? &arrival->unread : NULL,
    };
    if (!batch.unread &&
        batch_cut(buf_slice(&arrival->payload), bodies, BATCH_EVENTS_MAX, &batch.count, &why)) {
        refuse_batch(arrival, &why);
        return ERR_OK;
    }
    return ingest_batch(db, &arrival->desk->rules, &batch, &arrival->result, fault);
}

static void count(struct arrival_desk *desk, const struct ingest_result *result)
{
    desk->batches++;
    desk->events += result->events;
    desk->parked += result->parked;
    desk->duplicates += result->verdict == INGEST_KNOWN;
    desk->conflicts += result->verdict == INGEST_CONFLICT;
    desk->refused += result->verdict == INGEST_REFUSED;
}

/* A sender that learns that we don't read what it compressed sends it as it is. */
static void answer_ack(struct arrival *arrival, struct ingest_result *result)
{
    struct arrival_desk *desk = arrival->desk;
    struct buf text CLEANUP(buf_free);
    char name[32];
    result->ack.reads_compressed = !arrival->unread.code;
    buf_init(&text, ACK_TEXT_MAX);
    ack_write(&text, &result->ack);
    (void)snprintf(name, sizeof name, "ack/%s", stream_name(result->stream));
    const struct arrival_answer answer = {
        .device = arrival->device,
        .name = name,
        .payload = buf_slice(&text),
        .retain = result->newest,
    };
    if (!text.failed)
        desk->answer(desk->context, &answer);
}

static void batch_done(struct work *work, enum err err, const struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    struct ingest_result *result = &arrival->result;
    if (err) {
        failed(arrival, fault);
    } else {
        count(arrival->desk, result);
        if (result->verdict >= INGEST_CONFLICT)
            diag_write(arrival->desk->diag, DIAG_WARN, "hub.batch_not_taken", "device %s: %s %s",
                       arrival->device, result->why.where, result->why.text);
        if (result->has_ack)
            answer_ack(arrival, result);
        if (result->events && arrival->desk->stored)
            arrival->desk->stored(arrival->desk->context);
    }
    arrival_free(arrival);
}

static const char *get_property(void *context, const char *name)
{
    return mqtt_property_of(context, name);
}

/* Replaces a compressed payload by what it holds, or notes why that can't be. */
static void unpack(struct arrival *arrival, const struct mqtt_message *message)
{
    const char *encoding = mqtt_property_of(message, "content-encoding");
    struct fault *why = &arrival->unread;
    if (!encoding)
        return;
    buf_reset(&arrival->payload);
    if (strcmp(encoding, COMPRESSION_NAME) != 0)
        (void)fault_set(why, ERR_UNSUPPORTED, "content-encoding", "is not understood here");
    else if (compression_unpack(message->payload, &arrival->payload, why) != ERR_OK)
        fault_within(why, "payload");
    arrival->work.bytes = sizeof *arrival + arrival->payload.len;
}

static enum err prepare_batch(struct arrival *arrival, const struct mqtt_message *message,
                              struct fault *fault)
{
    struct mqtt_message read = *message;
    unpack(arrival, message);
    arrival->work.run = run_batch;
    arrival->work.done = batch_done;
    return batch_header_read(&arrival->header, get_property, &read, fault);
}

static enum err run_acknowledge(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    return ingest_acknowledgement(db, &arrival->desk->rules, &arrival->header.log, &arrival->result,
                                  fault);
}

static void acknowledge_done(struct work *work, enum err err, const struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    if (err)
        failed(arrival, fault);
    else
        answer_ack(arrival, &arrival->result);
    arrival_free(arrival);
}

enum err arrival_acknowledge(struct arrival_desk *desk, struct worker *worker, const struct id *log,
                             const char *device)
{
    struct arrival *arrival = arrival_new(desk, device, (struct slice){"", 0});
    if (!arrival)
        return ERR_NO_MEMORY;
    arrival->header.log = *log;
    arrival->work.run = run_acknowledge;
    arrival->work.done = acknowledge_done;
    return send_off(arrival, worker);
}

/* --- The inbox ------------------------------------------------------------------------------- */

/* The worker's thread. */
static enum err pack_reply(struct arrival *arrival, struct fault *fault)
{
    struct compressor *compressor = NULL;
    struct slice frame = {NULL, 0};
    enum err err = compressor_open(&compressor, fault);
    if (!err)
        err = compressor_pack(compressor, buf_slice(&arrival->reply), &frame, fault);
    if (!err) {
        buf_reset(&arrival->reply);
        buf_append(&arrival->reply, frame.data, frame.len);
        arrival->packed = true;
        err = buf_check(&arrival->reply, fault, "reply");
    }
    compressor_close(compressor);
    return err;
}

/* One alone goes as it is. */
static enum err next_messages(struct arrival *arrival, struct database *db, struct fault *fault)
{
    struct inbox_place *place = &arrival->place;
    enum err err =
        inbox_next_some(db, arrival->device, INBOX_BATCH_BYTES, &arrival->reply, place, fault);
    if (err || place->last > place->number)
        return err ? err : pack_reply(arrival, fault);
    buf_reset(&arrival->reply);
    return inbox_next(db, arrival->device, &arrival->reply, place, fault);
}

static enum err run_inbox_ack(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    struct inbox_ack ack;
    enum err err = inbox_ack_read(buf_slice(&arrival->payload), &ack, fault);
    if (!err)
        err = device_seen(db, arrival->device, arrival->received_ms, fault);
    /* Who speaks of an earlier epoch, or has lost its log, holds nothing that this one numbered. */
    int64_t ours = arrival->desk->rules.hub_epoch;
    if (!err && ack.hub_epoch <= ours)
        err = inbox_acknowledge(db, arrival->device, ack.hub_epoch == ours ? ack.through : 0,
                                arrival->received_ms, fault);
    if (!err && ack.takes_batches)
        return next_messages(arrival, db, fault);
    return err ? err : inbox_next(db, arrival->device, &arrival->reply, &arrival->place, fault);
}

static void answer_inbox(struct arrival *arrival)
{
    struct arrival_desk *desk = arrival->desk;
    arrival->place.hub_epoch = desk->rules.hub_epoch;
    const struct arrival_answer answer = {
        .device = arrival->device,
        .name = arrival->packed ? "inbox-batch" : "inbox",
        .payload = buf_slice(&arrival->reply),
        .place = arrival->place,
        .packed = arrival->packed,
    };
    if (arrival->place.number)
        desk->answer(desk->context, &answer);
}

static void inbox_done(struct work *work, enum err err, const struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    if (err)
        failed(arrival, fault);
    else
        answer_inbox(arrival);
    arrival_free(arrival);
}

static enum err run_push(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    return inbox_next(db, arrival->device, &arrival->reply, &arrival->place, fault);
}

enum err arrival_push(struct arrival_desk *desk, struct worker *worker, const char *device)
{
    struct arrival *arrival = arrival_new(desk, device, (struct slice){"", 0});
    if (!arrival)
        return ERR_NO_MEMORY;
    arrival->work.run = run_push;
    arrival->work.done = inbox_done;
    return send_off(arrival, worker);
}

/* --- State ----------------------------------------------------------------------------------- */

static enum err look_up_logs(struct arrival *arrival, struct database *db,
                             const struct link_state *state, struct fault *fault)
{
    enum err err = ERR_OK;
    if (!state->has_logs)
        return ERR_OK;
    arrival->unknown = calloc(STREAMS_OF_APPLIANCE, sizeof *arrival->unknown);
    if (!arrival->unknown)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    for (int i = 0; i < STREAMS_OF_APPLIANCE && !err; i++)
        err = ingest_unknown_log(db, &arrival->desk->rules, (enum stream)i, &state->logs[i],
                                 &arrival->unknown[i], fault);
    return err;
}

static enum err run_state(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    struct link_state state;
    enum err err = link_state_read(buf_slice(&arrival->payload), &state, fault);
    if (!err)
        err = device_seen(db, arrival->device, arrival->received_ms, fault);
    if (!err)
        err = device_keep_state(db, arrival->device, &state, buf_slice(&arrival->payload),
                                arrival->received_ms, fault);
    if (!err && state.online)
        err = look_up_logs(arrival, db, &state, fault);
    if (!err && state.online)
        err = inbox_next(db, arrival->device, &arrival->reply, &arrival->place, fault);
    return err;
}

static void state_done(struct work *work, enum err err, const struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    for (int i = 0; i < STREAMS_OF_APPLIANCE && !err && arrival->unknown; i++)
        if (arrival->unknown[i].has_ack)
            answer_ack(arrival, &arrival->unknown[i]);
    inbox_done(work, err, fault);
}

/* --- Questions ------------------------------------------------------------------------------- */

static enum err run_query(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    struct sale_query query;
    enum err err = sale_query_read(buf_slice(&arrival->payload), &query, fault);
    return err ? err
               : sale_answer_write(db, arrival->device, query.receipt, arrival->received_ms,
                                   &arrival->reply, fault);
}

/* Without an answer the appliance's time limit decides, and its policy. */
static void query_done(struct work *work, enum err err, const struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    const struct arrival_answer answer = {
        .device = arrival->device,
        .name = "reply",
        .payload = buf_slice(&arrival->reply),
        .correlation = {arrival->correlation, arrival->correlation_len},
    };
    finish(arrival, err, fault, &answer);
}

static enum err check_correlation(const struct mqtt_message *message, struct fault *fault)
{
    if (message->correlation.len == 0 || message->correlation.len > CORRELATION_MAX)
        return fault_set(fault, ERR_INVALID, "correlation", "must have 1 to %d bytes",
                         CORRELATION_MAX);
    return ERR_OK;
}

static enum err prepare_query(struct arrival *arrival, const struct mqtt_message *message,
                              struct fault *fault)
{
    enum err err = check_correlation(message, fault);
    if (err)
        return err;
    memcpy(arrival->correlation, message->correlation.data, message->correlation.len);
    arrival->correlation_len = message->correlation.len;
    arrival->work.run = run_query;
    arrival->work.done = query_done;
    return ERR_OK;
}

/* --- The way back ---------------------------------------------------------------------------- */

static enum err run_restore(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    struct restore_logs logs;
    struct restore_ask ask;
    enum err err = restore_ask_read(buf_slice(&arrival->payload), &ask, fault);
    if (!err && ask.has_log) {
        err = restore_batch(db, arrival->device, &ask, RESTORE_BATCH_BYTES, &arrival->header,
                            &arrival->reply, fault);
        return err || !ask.reads_compressed ? err : pack_reply(arrival, fault);
    }
    if (!err)
        err = restore_list(db, arrival->device, &logs, fault);
    if (!err)
        restore_logs_write(&arrival->reply, &logs);
    return err ? err : buf_check(&arrival->reply, fault, "logs");
}

static void restore_done(struct work *work, enum err err, const struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    bool events = arrival->header.first > 0;
    const struct arrival_answer answer = {
        .device = arrival->device,
        .name = events ? "restored" : "logs",
        .payload = buf_slice(&arrival->reply),
        .batch = events ? &arrival->header : NULL,
        .packed = arrival->packed,
    };
    finish(arrival, err, fault, &answer);
}

/* --- What else is parked --------------------------------------------------------------------- */

static enum err run_parked(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    struct parked_ask ask;
    struct ack *ack = &arrival->result.ack;
    enum err err = parked_ask_read(buf_slice(&arrival->payload), &ask, fault);
    if (!err)
        err = ingest_parked_page(db, &arrival->desk->rules, arrival->device, &ask, ack, fault);
    if (err)
        return err;
    ack_write(&arrival->reply, ack);
    return buf_check(&arrival->reply, fault, "parked");
}

static void parked_done(struct work *work, enum err err, const struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    const struct arrival_answer answer = {
        .device = arrival->device, .name = "parked", .payload = buf_slice(&arrival->reply)};
    finish(arrival, err, fault, &answer);
}

/* --- Keys of contacts ------------------------------------------------------------------------ */

static enum err run_contact_key(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    return contact_answer_key(db, arrival->desk->vault, arrival->device,
                              buf_slice(&arrival->payload), arrival->received_ms, &arrival->reply,
                              fault);
}

static void contact_key_done(struct work *work, enum err err, const struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    const struct arrival_answer answer = {
        .device = arrival->device, .name = "contact-key", .payload = buf_slice(&arrival->reply)};
    finish(arrival, err, fault, &answer);
}

/* --- The time -------------------------------------------------------------------------------- */

/* Told at once: behind what waits for the database it would be told too late. */
static enum err tell_time(struct arrival_desk *desk, const char *device,
                          const struct mqtt_message *message, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, TIME_TEXT_MAX);
    enum err err = check_correlation(message, fault);
    if (err)
        return err;
    told_time_write(&text, clock_wall_ms(desk->clock));
    const struct arrival_answer answer = {
        .device = device,
        .name = "time",
        .payload = buf_slice(&text),
        .correlation = message->correlation,
    };
    desk->answer(desk->context, &answer);
    return ERR_OK;
}

/* --- Taking ---------------------------------------------------------------------------------- */

static enum err prepare(struct arrival *arrival, const char *name,
                        const struct mqtt_message *message, struct fault *fault)
{
    arrival->work.done = inbox_done;
    if (strcmp(name, "events") == 0)
        return prepare_batch(arrival, message, fault);
    if (strcmp(name, "query") == 0)
        return prepare_query(arrival, message, fault);
    if (strcmp(name, "state") == 0) {
        arrival->work.run = run_state;
        arrival->work.done = state_done;
    } else if (strcmp(name, "restore") == 0) {
        arrival->work.run = run_restore;
        arrival->work.done = restore_done;
    } else if (strcmp(name, "parked") == 0) {
        arrival->work.run = run_parked;
        arrival->work.done = parked_done;
    } else if (strcmp(name, "contact-key") == 0) {
        arrival->work.run = run_contact_key;
        arrival->work.done = contact_key_done;
    } else if (strcmp(name, "inbox-ack") == 0) {
        arrival->work.run = run_inbox_ack;
    } else {
        return fault_set(fault, ERR_UNSUPPORTED, name, "not a topic of delivery");
    }
    return ERR_OK;
}

enum err arrival_take(struct arrival_desk *desk, struct worker *worker,
                      const struct mqtt_message *message, struct fault *fault)
{
    struct topic topic;
    if (topic_read(message->topic, &topic) != ERR_OK || topic.direction != TOPIC_UP)
        return fault_set(fault, ERR_INVALID, "topic", "not a topic of an appliance");
    if (strcmp(topic.name, "time") == 0)
        return tell_time(desk, topic.device, message, fault);
    struct arrival *arrival = arrival_new(desk, topic.device, message->payload);
    if (!arrival)
        return fault_set(fault, ERR_NO_MEMORY, topic.device, "out of memory");
    enum err err = prepare(arrival, topic.name, message, fault);
    if (err) {
        arrival_free(arrival);
        return err;
    }
    err = send_off(arrival, worker);
    return err ? fault_set(fault, err, topic.device, "the database doesn't keep up") : ERR_OK;
}
