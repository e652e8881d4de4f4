/*
 * One message of an appliance at the hub: read on the loop, done by the worker in its transaction,
 * answered on the loop after COMMIT. Knows the topics of delivery (events, state, inbox-ack, query,
 * reserved, restore, parked, contact-key, time) and nothing of MQTT's connections. A message that
 * makes no sense is refused with a sentence before any work.
 */
#ifndef SYNC_HUB_INGEST_ARRIVAL_H
#define SYNC_HUB_INGEST_ARRIVAL_H

#include "sync/contract/inbox.h"
#include "sync/hub/ingest/ingest.h"
#include "sync/hub/ingest/vault.h"
#include "sync/hub/ingest/worker.h"
#include "sync/transport/mqtt.h"

/* What to publish under down/<name> of the device. All borrowed for the call. */
struct arrival_answer {
    const char *device;
    const char *name;
    struct slice payload;
    bool retain;
    struct slice correlation;         /* of a reply, or of what is to be answered */
    const char *response_topic;       /* of what is to be answered; else NULL */
    uint32_t expiry_s;                /* as well; else 0 */
    struct inbox_place place;         /* of an inbox message; else its number is 0 */
    const struct batch_header *batch; /* of events that go back; else NULL */
    bool packed;                      /* the payload is compressed */
};

/* What arrivals share. Counters are the loop thread's. */
struct arrival_desk {
    struct ingest_rules rules;
    const struct vault *vault; /* of customers' keys */
    struct clock *clock;
    struct diag *diag;
    void (*answer)(void *context, const struct arrival_answer *answer);
    void (*stored)(void *context); /* events new to the hub were committed; may be NULL */
    void *context;
    int64_t batches;
    int64_t events; /* new to the hub */
    int64_t duplicates;
    int64_t parked;
    int64_t conflicts;
    int64_t refused;
    int64_t failed; /* not committed */
};

/*
 * Reads a message and hands it to the worker. ERR_BUSY when the worker's queue is full,
 * ERR_UNSUPPORTED for a topic that isn't delivery's, ERR_INVALID with the reason. `desk` outlives
 * the worker's answers.
 */
enum err arrival_take(struct arrival_desk *desk, struct worker *worker,
                      const struct mqtt_message *message, struct fault *fault) MUST_CHECK;
/* Tells a device the acknowledgement of a log as it stands. */
enum err arrival_acknowledge(struct arrival_desk *desk, struct worker *worker, const struct id *log,
                             const char *device) MUST_CHECK;
/* Sends a device the next message of its inbox that it doesn't hold, if there is one. */
enum err arrival_push(struct arrival_desk *desk, struct worker *worker,
                      const char *device) MUST_CHECK;

#endif
