#include "sync/uplink/parcel.h"
#include "sync/contract/topic.h"

#include <string.h>

enum { SMALL_BYTES = 64 * 1024 };

void parcel_init(struct parcel *parcel)
{
    *parcel = (struct parcel){0};
    buf_init(&parcel->body, BATCH_BYTES_MAX);
}

void parcel_free(struct parcel *parcel)
{
    buf_free(&parcel->body);
    compressor_close(parcel->compressor);
}

void parcel_rest(struct parcel *parcel)
{
    if (parcel->body.capacity <= SMALL_BYTES)
        return;
    parcel_free(parcel);
    parcel_init(parcel);
}

static enum err add(void *context, int64_t seq, struct slice body, const struct sha256 *hash,
                    struct fault *fault)
{
    (void)fault;
    struct parcel *parcel = context;
    /* a comma before and the bracket at the end */
    if (parcel->count && parcel->body.len + body.len + 2 > parcel->max_bytes)
        return ERR_TOO_LARGE;
    batch_add(&parcel->body, body);
    parcel->count++;
    parcel->header.last = seq;
    parcel->header.hash = *hash;
    return ERR_OK;
}

enum err parcel_pack(struct parcel *parcel, struct eventlog_reader *reader,
                     const struct eventlog_stream_status *log, const struct window_choice *choice,
                     struct fault *fault)
{
    const struct eventlog_span span = {log->log, choice->first, choice->max_events};
    parcel->header = (struct batch_header){
        .log = log->log,
        .stream = choice->stream,
        .first = choice->first,
        .has_parent = log->forked,
        .parent = log->parent,
    };
    parcel->count = 0;
    parcel->max_bytes = choice->max_bytes < BATCH_BYTES_MAX ? choice->max_bytes : BATCH_BYTES_MAX;
    buf_reset(&parcel->body);
    batch_begin(&parcel->body);
    enum err err = eventlog_range(reader, &span, &parcel->header.prev, add, parcel, fault);
    if (err)
        return err;
    if (!parcel->count)
        return fault_set(fault, ERR_NOT_FOUND, "", "the log holds nothing at %lld",
                         (long long)choice->first);
    batch_end(&parcel->body);
    return buf_check(&parcel->body, fault, "batch");
}

/* A header's values, kept until the message is handed over. */
struct properties {
    struct mqtt_property list[MQTT_PROPERTIES_MAX];
    char values[MQTT_PROPERTIES_MAX][SHA256_TEXT + 1];
    size_t count;
};

static void put_property(void *context, const char *name, const char *value)
{
    struct properties *properties = context;
    size_t i = properties->count++;
    memcpy(properties->values[i], value, strlen(value) + 1);
    properties->list[i] = (struct mqtt_property){name, properties->values[i]};
}

static enum err compress(struct parcel *parcel, struct slice *payload, struct fault *fault)
{
    enum err err = ERR_OK;
    if (!parcel->compressor)
        err = compressor_open(&parcel->compressor, fault);
    return err ? err : compressor_pack(parcel->compressor, *payload, payload, fault);
}

enum err parcel_publish(struct parcel *parcel, struct mqtt *mqtt, const char *device,
                        bool compressed, int *token, struct fault *fault)
{
    struct properties properties = {.count = 0};
    struct slice payload = buf_slice(&parcel->body);
    char topic[TOPIC_MAX];
    batch_header_write(&parcel->header, put_property, &properties);
    if (compressed) {
        enum err err = compress(parcel, &payload, fault);
        if (err)
            return err;
        put_property(&properties, "content-encoding", COMPRESSION_NAME);
    }
    topic_write(topic, device, TOPIC_UP, "events");
    const struct mqtt_message message = {
        .topic = topic,
        .payload = payload,
        .qos = 1,
        .content_type = "application/cloudevents-batch+json",
        .properties = properties.list,
        .property_count = properties.count,
    };
    parcel->sent_bytes = payload.len;
    return mqtt_publish(mqtt, &message, token, fault);
}
