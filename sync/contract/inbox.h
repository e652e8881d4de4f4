/*
 * What the hub tells an appliance for good: events of the centre (return.authorised,
 * refund.settled, journal.posted, ...), numbered per appliance from 1 without gaps, under
 * down/inbox. The appliance applies each in a transaction and answers under up/inbox-ack with the
 * highest number up to which it holds all of them. Numbers belong to a hub epoch: a hub restored
 * from a backup begins a new one and goes on from what the appliance says it has. Pure; any thread.
 */
#ifndef SYNC_CONTRACT_INBOX_H
#define SYNC_CONTRACT_INBOX_H

#include "sync/contract/event.h"

enum { INBOX_BYTES_MAX = EVENT_BODY_MAX + 1024 };

struct inbox_message {
    int64_t hub_epoch;
    int64_t number;
    struct slice event; /* the CloudEvent's exact bytes, borrowed */
};

void inbox_write(struct buf *out, const struct inbox_message *message);
/* The event points into `text`; it is an object, not yet read. */
enum err inbox_read(struct slice text, struct inbox_message *message,
                    struct fault *fault) MUST_CHECK;

struct inbox_ack {
    int64_t hub_epoch;
    int64_t through; /* 0: none */
};

void inbox_ack_write(struct buf *out, const struct inbox_ack *ack);
enum err inbox_ack_read(struct slice text, struct inbox_ack *ack, struct fault *fault) MUST_CHECK;

#endif
