/*
 * One POSLog transaction as an order for capture: a sale in the JSON of POST /v1/sales, a return in
 * the JSON of POST /v1/returns with what the till paid back, both of them if goods were sold and
 * taken back at once, or the reason why none. Both forms of returns are known: a Return line, and a
 * Sale line with a quantity below zero and a tender of TypeCode Refund. Nothing is guessed: what a
 * mapping table doesn't name, a return without its original, goods of several sales in one
 * transaction, are refused, and the store has them to enter by hand (poslog_exception.h). Local
 * times without an offset are this machine's. No I/O; any thread.
 */
#ifndef AGENT_CAPTURE_POSLOG_ORDER_H
#define AGENT_CAPTURE_POSLOG_ORDER_H

#include "agent/capture/poslog_mapping.h"
#include "agent/capture/poslog_xml.h"
#include "hal/base/jsonw.h"
#include "sync/contract/money.h"

enum poslog_kind {
    POSLOG_ORDER_SALE,
    POSLOG_ORDER_RETURN,
    POSLOG_ORDER_EXCHANGE,
    POSLOG_ORDER_SKIPPED, /* training, suspended, no retail transaction: `why` says */
    POSLOG_ORDER_REFUSED, /* `code` and `why` say */
};

enum {
    POSLOG_KEY_TEXT = 7 + 40,
    POSLOG_RECEIPT_MAX = 64,
    POSLOG_NAME_MAX = 100,
    POSLOG_LANE_MAX = 24,
    POSLOG_TENDERS_MAX = 50
};

struct poslog_tender {
    int type; /* enum tender_type */
    int64_t amount_minor;
    const char *reference;
};

struct poslog_order {
    enum poslog_kind kind;
    char name[POSLOG_NAME_MAX + 1];       /* "0042/01/2026-11-22/17", for people */
    char lane[POSLOG_LANE_MAX + 1];       /* the till that made it, whoever sends it */
    char key[POSLOG_KEY_TEXT + 1];        /* the same for each sending of this transaction */
    char receipt[POSLOG_RECEIPT_MAX + 1]; /* the one that goods come back to, or the sale's own */
    struct buf body;                      /* JSON for capture; of an exchange the return */
    struct buf sale;                      /* of an exchange the sale, open for its tenders */
    struct jsonw sale_end;                /* where it goes on */
    int64_t sale_minor;                   /* and what it comes to */
    const struct currency *currency;
    struct poslog_tender tenders[POSLOG_TENDERS_MAX]; /* that came in, net of change */
    size_t tender_count;
    int64_t taken_minor;
    int64_t paid_minor[TENDER_COUNT]; /* what the till paid back, by tender */
    int64_t paid_total_minor;
    const char *code; /* unmapped_code, no_original, unsupported, invalid; "" unless refused */
    struct fault why; /* where: the field; text: the rule */
};

/* Fills `order`, which poslog_order_free releases. */
void poslog_order_make(const struct poslog_transaction *transaction,
                       const struct poslog_mapping *mapping, struct poslog_order *order);
void poslog_order_free(struct poslog_order *order);

/*
 * An exchange in the JSON of POST /v1/exchanges. `alone` is the decision about the return by
 * itself: what it would have gone back on.
 */
void poslog_write_exchange(const struct poslog_order *order, const struct cJSON *alone,
                           struct buf *body);

#endif
