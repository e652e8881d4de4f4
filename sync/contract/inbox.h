/*
 * What the hub tells an appliance for good: an event of the centre (return.authorised,
 * refund.settled, journal.posted, ...) under down/inbox. The payload is the CloudEvent, byte for
 * byte; its place stands in MQTT 5 user properties, hub_epoch and number: per appliance from 1
 * without gaps. What lies between `after` and the number the hub has forgotten: an appliance that
 * holds all up to `after` may take the message. The appliance applies each in a transaction and
 * answers under up/inbox-ack with the number up to which it holds all that are to be had.
 *
 * To an appliance that says in its answer that it takes them, several waiting messages go in one,
 * under down/inbox-batch: as a batch's body (batch.h), compressed (compression.h), from `number` to
 * `last`. Pure; any thread.
 */
#ifndef SYNC_CONTRACT_INBOX_H
#define SYNC_CONTRACT_INBOX_H

#include "sync/contract/batch.h"

struct inbox_place {
    int64_t hub_epoch;
    int64_t number;
    int64_t after; /* below number; if it isn't told, the number before */
    int64_t last;  /* of several in one; of one alone its number */
};

void inbox_place_write(const struct inbox_place *place, batch_put *put, void *context);
enum err inbox_place_read(struct inbox_place *place, batch_get *get, void *context,
                          struct fault *fault) MUST_CHECK;

struct inbox_ack {
    int64_t hub_epoch;
    int64_t through; /* 0: none */
    bool takes_batches;
};

void inbox_ack_write(struct buf *out, const struct inbox_ack *ack);
enum err inbox_ack_read(struct slice text, struct inbox_ack *ack, struct fault *fault) MUST_CHECK;

#endif
