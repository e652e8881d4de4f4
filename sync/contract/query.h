/*
 * Looking up a sale that the appliance doesn't know: the question under up/query, the hub's answer
 * under down/reply. The answer is facts, as events byte for byte: the sale (sale.recorded or
 * sale.pushed) before the events of the returns made of it, wherever they were made, each return's
 * in their order. The appliance decides. Pure; any thread.
 */
#ifndef SYNC_CONTRACT_QUERY_H
#define SYNC_CONTRACT_QUERY_H

#include "sync/contract/event.h"

enum {
    QUERY_VALUE_MAX = 128,
    QUERY_EVENTS_MAX = 200,
    QUERY_REPLY_BYTES_MAX = 512 * 1024,
};

/* What the sale is looked for by: its receipt number, its order number, an item in it. */
enum query_by { QUERY_RECEIPT, QUERY_ORDER, QUERY_GTIN };

struct query {
    struct id id; /* made by the asker, repeated in the answer */
    enum query_by by;
    char value[QUERY_VALUE_MAX + 1];
};

void query_write(struct buf *out, const struct query *query);
enum err query_read(struct slice text, struct query *query, struct fault *fault) MUST_CHECK;

/* UNAVAILABLE: the hub can't say now; nothing follows from it about the sale. */
enum query_result { QUERY_FOUND, QUERY_NOT_FOUND, QUERY_UNAVAILABLE };

struct query_reply {
    struct id id;
    enum query_result result;
    bool more; /* there are more events than one answer holds: don't rely on the sum of these */
    struct slice events[QUERY_EVENTS_MAX]; /* borrowed */
    size_t event_count;                    /* 0 unless found */
};

void query_reply_write(struct buf *out, const struct query_reply *reply);
/* The events point into `text`; each is an object, not yet read. */
enum err query_reply_read(struct slice text, struct query_reply *reply,
                          struct fault *fault) MUST_CHECK;

#endif
