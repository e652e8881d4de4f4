/*
 * What the hub durably holds of one log of one appliance: the acknowledgement, retained under
 * down/ack/<stream>. Read against an older one by (hub_epoch, ack_no): the lower is ignored.
 * Pure; any thread.
 */
#ifndef SYNC_CONTRACT_ACK_H
#define SYNC_CONTRACT_ACK_H

#include "sync/contract/batch.h"

enum { ACK_RANGES_MAX = 32, ACK_PARKED_MAX = 50, ACK_CODE_MAX = 48, ACK_DETAIL_MAX = 300 };

struct ack_range {
    int64_t first;
    int64_t last;
};

struct ack_parked {
    struct id id;
    int64_t seq;
    char code[ACK_CODE_MAX];
    char detail[ACK_DETAIL_MAX];
};

struct ack {
    struct id log;
    int64_t through;                       /* every seq up to it is durable; 0: none */
    struct sha256 hash;                    /* the chain there */
    int64_t backed_up_through;             /* what the appliance may prune */
    int64_t ack_no;                        /* grows with every ingest transaction of this log */
    int64_t hub_epoch;                     /* grows when the hub was restored from a backup */
    struct ack_range also[ACK_RANGES_MAX]; /* above through, ascending, not touching */
    size_t also_count;
    /*
     * All that is parked between parked_above and parked_below. Without these bounds (0) that is
     * all there is, unless the list is full: hubs of former versions give the newest so.
     */
    struct ack_parked parked[ACK_PARKED_MAX];
    size_t parked_count;
    int64_t parked_above;  /* there are more up to this seq, for who asks (parked_ask.h) */
    int64_t parked_below;  /* such a page, which only speaks of what is parked */
    int64_t parked_total;  /* how many there are; 0 where parked_above is */
    bool reads_compressed; /* the hub that says this reads batches in COMPRESSION_NAME */
};

void ack_write(struct buf *out, const struct ack *ack);
enum err ack_read(struct slice text, struct ack *ack, struct fault *fault) MUST_CHECK;
/* True if `b` is newer than `a`. */
bool ack_newer(const struct ack *b, const struct ack *a);

#endif
