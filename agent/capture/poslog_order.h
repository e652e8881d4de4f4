/*
 * One POSLog transaction as an order for capture: a sale in the JSON of POST /v1/sales, a return in
 * the JSON of POST /v1/returns with what the till paid back, or the reason why neither. Both forms
 * of returns are known: a Return line, and a Sale line with a quantity below zero and a tender of
 * TypeCode Refund. Nothing is guessed: what a mapping table doesn't name, a return without its
 * original, sale and return lines in one transaction, goods of several sales in one, are refused,
 * and the store has them to enter by hand (poslog_exception.h). Local times without an offset are
 * this machine's. No I/O; any thread.
 */
#ifndef AGENT_CAPTURE_POSLOG_ORDER_H
#define AGENT_CAPTURE_POSLOG_ORDER_H

#include "agent/capture/poslog_mapping.h"
#include "agent/capture/poslog_xml.h"
#include "sync/contract/money.h"

enum poslog_kind {
    POSLOG_ORDER_SALE,
    POSLOG_ORDER_RETURN,
    POSLOG_ORDER_SKIPPED, /* training, suspended, no retail transaction: `why` says */
    POSLOG_ORDER_REFUSED, /* `code` and `why` say */
};

enum {
    POSLOG_KEY_TEXT = 7 + 40,
    POSLOG_RECEIPT_MAX = 64,
    POSLOG_NAME_MAX = 100,
    POSLOG_LANE_MAX = 24
};

struct poslog_order {
    enum poslog_kind kind;
    char name[POSLOG_NAME_MAX + 1];       /* "0042/01/2026-11-22/17", for people */
    char lane[POSLOG_LANE_MAX + 1];       /* the till that made it, whoever sends it */
    char key[POSLOG_KEY_TEXT + 1];        /* the same for each sending of this transaction */
    char receipt[POSLOG_RECEIPT_MAX + 1]; /* the sale's own, or the one that goods come back to */
    struct buf body;                      /* JSON for capture */
    const struct currency *currency;
    int64_t paid_minor[TENDER_COUNT]; /* a return's: what the till paid back, by tender */
    int64_t paid_total_minor;
    const char *code; /* unmapped_code, no_original, unsupported, invalid; "" unless refused */
    struct fault why; /* where: the field; text: the rule */
};

/* Fills `order`, which poslog_order_free releases. */
void poslog_order_make(const struct poslog_transaction *transaction,
                       const struct poslog_mapping *mapping, struct poslog_order *order);
void poslog_order_free(struct poslog_order *order);

#endif
