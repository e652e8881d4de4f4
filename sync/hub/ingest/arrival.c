#include "sync/contract/compression.h"
#include "sync/contract/sale_query.h"
#include "sync/contract/topic.h"
#include "sync/hub/ingest/arrival_kind.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPLY_MAX = SALE_REPLY_BYTES_MAX };

static const struct arrival_kind *const kinds[] = {
    &arrival_events,   &arrival_inbox_ack, &arrival_state,  &arrival_query,
    &arrival_reserved, &arrival_restore,   &arrival_parked, &arrival_contact_key,
};

struct arrival *arrival_of(struct work *work)
{
    return (struct arrival *)((char *)work - offsetof(struct arrival, work));
}

static void arrival_free(struct arrival *arrival)
{
    arena_free(&arrival->arena);
    buf_free(&arrival->payload);
    buf_free(&arrival->reply);
    free(arrival->unknown);
    free(arrival->asks);
    free(arrival);
}

struct arrival *arrival_new(struct arrival_desk *desk, const char *device,
                            const struct arrival_kind *kind, struct slice payload)
{
    struct arrival *arrival = calloc(1, sizeof *arrival);
    if (!arrival)
        return NULL;
    arrival->desk = desk;
    arrival->received_ms = clock_wall_ms(desk->clock);
    (void)snprintf(arrival->device, sizeof arrival->device, "%s", device);
    buf_init(&arrival->payload, MQTT_PAYLOAD_MAX);
    buf_init(&arrival->reply, REPLY_MAX);
    arena_init(&arrival->arena, INGEST_ARENA_MAX);
    buf_append(&arrival->payload, payload.data, payload.len);
    arrival->work.run = kind->run;
    arrival->work.done = kind->done;
    arrival->work.bytes = sizeof *arrival + payload.len;
    if (arrival->payload.failed) {
        arrival_free(arrival);
        return NULL;
    }
    return arrival;
}

enum err arrival_send(struct arrival *arrival, struct worker *worker)
{
    enum err err = worker_submit(worker, &arrival->work);
    if (err)
        arrival_free(arrival);
    return err;
}

void arrival_fail(struct arrival *arrival, const struct fault *fault)
{
    arrival->desk->failed++;
    diag_fault(arrival->desk->diag, DIAG_ERROR, "hub.not_taken", fault);
    arrival_free(arrival);
}

void arrival_end(struct arrival *arrival, enum err err, const struct fault *fault,
                 const struct arrival_answer *answer)
{
    if (err) {
        arrival_fail(arrival, fault);
        return;
    }
    if (answer)
        arrival->desk->answer(arrival->desk->context, answer);
    arrival_free(arrival);
}

enum err arrival_pack(struct arrival *arrival, struct fault *fault)
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

static const struct arrival_kind *kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

enum err arrival_take(struct arrival_desk *desk, struct worker *worker,
                      const struct mqtt_message *message, struct fault *fault)
{
    struct topic topic;
    if (topic_read(message->topic, &topic) != ERR_OK || topic.direction != TOPIC_UP)
        return fault_set(fault, ERR_INVALID, "topic", "not a topic of an appliance");
    if (strcmp(topic.name, "time") == 0)
        return arrival_tell_time(desk, topic.device, message, fault);
    const struct arrival_kind *kind = kind_of(topic.name);
    if (!kind)
        return fault_set(fault, ERR_UNSUPPORTED, topic.name, "not a topic of delivery");
    struct arrival *arrival = arrival_new(desk, topic.device, kind, message->payload);
    if (!arrival)
        return fault_set(fault, ERR_NO_MEMORY, topic.device, "out of memory");
    enum err err = kind->read ? kind->read(arrival, message, fault) : ERR_OK;
    if (err) {
        arrival_free(arrival);
        return err;
    }
    err = arrival_send(arrival, worker);
    return err ? fault_set(fault, err, topic.device, "the database doesn't keep up") : ERR_OK;
}
