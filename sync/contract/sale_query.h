/*
 * Looking up a sale that the appliance doesn't know: the question under up/query, the hub's answer
 * under down/reply, matched by MQTT 5 correlation data. The answer is facts, as events byte for
 * byte: the sale, and every event of the returns made of it, wherever they were made, each return's
 * in their order. The appliance decides. While one appliance is at a receipt that it asked for, the
 * answer to every other says until when: to be asked again then.
 *
 * Who asks because goods are about to be taken back (`reserve`) may get two answers: a first that
 * says no more than that the store that wrote the receipt is being asked (reservation.h), and the
 * answer. Pure; any thread.
 */
#ifndef SYNC_CONTRACT_SALE_QUERY_H
#define SYNC_CONTRACT_SALE_QUERY_H

#include "hal/base/jsonw.h"
#include "sync/contract/event.h"

enum {
    SALE_QUERY_RECEIPT_MAX = 128,
    SALE_QUERY_STORE_MAX = 16,
    SALE_REPLY_EVENTS_MAX = 200,
    SALE_REPLY_BYTES_MAX = 512 * 1024,
};

/* A return, and the number of its last event that is known; 0: of none. */
struct return_news {
    struct id id;
    int64_t events;
};

struct sale_query {
    char receipt[SALE_QUERY_RECEIPT_MAX + 1];
    char store[SALE_QUERY_STORE_MAX + 1]; /* that wrote it, as its number says; "": it doesn't */
    bool reserve;                         /* to decide of it at once; otherwise only to look */
    struct return_news of; /* the return of this receipt that is decided; or a new one */
};

/* As members `return` and `events`; nothing of none. */
void return_news_write(struct jsonw *w, const struct return_news *of);
void sale_query_write(struct buf *out, const struct sale_query *query);
enum err sale_query_read(struct slice text, struct sale_query *query,
                         struct fault *fault) MUST_CHECK;

struct sale_reply {
    char receipt[SALE_QUERY_RECEIPT_MAX + 1];
    struct slice sale; /* the event; empty: the hub doesn't know it either */
    struct slice events[SALE_REPLY_EVENTS_MAX]; /* of its returns */
    size_t event_count;
    int64_t reserved_until_ms; /* another appliance is at it; 0: nobody */
    bool awaits_holder;        /* nothing is said yet: another answer follows */
    bool confirmed;            /* the store that wrote it has told all that it did, and keeps off */
};

void sale_reply_write(struct buf *out, const struct sale_reply *reply);
/* The events point into `text`; each is an object, not yet read. */
enum err sale_reply_read(struct slice text, struct sale_reply *reply,
                         struct fault *fault) MUST_CHECK;

#endif
