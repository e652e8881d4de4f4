#include "hal/base/cleanup.h"
#include "sync/contract/compression.h"
#include "sync/hub/ingest/arrival_kind.h"

#include <stdio.h>
#include <string.h>

enum { ACK_TEXT_MAX = 64 * 1024 };

static enum err run_batch(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    if (arrival->broken) {
        arrival->result.verdict = INGEST_REFUSED;
        arrival->result.why = arrival->batch.unfit;
        return ERR_OK;
    }
    return ingest_batch(db, &arrival->desk->rules, &arrival->batch, &arrival->result, fault);
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

/*
 * An appliance that learns that this hub can't read its compression sends the batch again
 * uncompressed.
 */
void arrival_answer_ack(struct arrival *arrival, struct ingest_result *result)
{
    struct arrival_desk *desk = arrival->desk;
    struct buf text CLEANUP(buf_free);
    char name[32];
    result->ack.reads_compressed = !arrival->garbled;
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
    struct arrival_desk *desk = arrival->desk;
    if (!err) {
        count(desk, result);
        if (result->verdict >= INGEST_CONFLICT)
            diag_write(desk->diag, DIAG_WARN, "hub.batch_not_taken", "device %s: %s %s",
                       arrival->device, result->why.where, result->why.text);
        if (result->has_ack)
            arrival_answer_ack(arrival, result);
        if (result->events && desk->stored)
            desk->stored(desk->context);
    }
    arrival_end(arrival, err, fault, NULL);
}

static const char *get_property(void *context, const char *name)
{
    return mqtt_property_of(context, name);
}

/* Replaces a compressed payload by what it holds. */
static enum err unpack(struct arrival *arrival, const struct mqtt_message *message,
                       struct fault *why)
{
    const char *encoding = mqtt_property_of(message, "content-encoding");
    if (!encoding)
        return ERR_OK;
    if (strcmp(encoding, COMPRESSION_NAME) != 0)
        return fault_set(why, ERR_UNSUPPORTED, "content-encoding", "is not understood here");
    buf_reset(&arrival->payload);
    enum err err = compression_unpack(message->payload, &arrival->payload, why);
    if (err)
        fault_within(why, "payload");
    return err;
}

/* A batch that can't be read is refused in its turn. */
static enum err read_batch(struct arrival *arrival, const struct mqtt_message *message,
                           struct fault *fault)
{
    struct mqtt_message read = *message;
    struct slice bodies[BATCH_EVENTS_MAX];
    struct ingest_batch *batch = &arrival->batch;
    batch->device = arrival->device;
    batch->received_ms = arrival->received_ms;
    batch->bodies = bodies;
    enum err err = batch_header_read(&batch->header, get_property, &read, fault);
    if (err)
        return err;
    if (unpack(arrival, message, &batch->unfit) != ERR_OK)
        arrival->garbled = true;
    else if (batch_cut(buf_slice(&arrival->payload), bodies, BATCH_EVENTS_MAX, &batch->count,
                       &batch->unfit) != ERR_OK)
        arrival->broken = true;
    else
        err = ingest_read(batch, &arrival->arena, fault);
    batch->bodies = NULL;
    arrival->work.bytes = sizeof *arrival + arrival->payload.len + arrival->arena.used;
    return err;
}

const struct arrival_kind arrival_events = {
    .name = "events", .run = run_batch, .done = batch_done, .read = read_batch};

static enum err run_acknowledge(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    return ingest_acknowledgement(db, &arrival->desk->rules, &arrival->batch.header.log,
                                  &arrival->result, fault);
}

static void acknowledge_done(struct work *work, enum err err, const struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    if (!err)
        arrival_answer_ack(arrival, &arrival->result);
    arrival_end(arrival, err, fault, NULL);
}

enum err arrival_acknowledge(struct arrival_desk *desk, struct worker *worker, const struct id *log,
                             const char *device)
{
    static const struct arrival_kind kind = {.run = run_acknowledge, .done = acknowledge_done};
    struct arrival *arrival = arrival_new(desk, device, &kind, (struct slice){"", 0});
    if (!arrival)
        return ERR_NO_MEMORY;
    arrival->batch.header.log = *log;
    return arrival_send(arrival, worker);
}
