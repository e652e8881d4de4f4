/*
 * Matching: which refund of ours a settlement line is about, and what is wrong with it.
 *
 * Pure. The caller looks up the candidates (any refund that shares a key with the line) and keeps
 * what was settled; here is decided which of them it is, in the order of how sure a key is, and
 * how the two differ.
 */
#ifndef SYNC_HUB_CONNECT_MATCH_H
#define SYNC_HUB_CONNECT_MATCH_H

#include "sync/hub/connect/settlement.h"

/* From the surest to the weakest. */
#define MATCH_KEYS(X)                                                                              \
    X(REFERENCE, reference) /* the refund's id at the provider */                                  \
    X(OWN, own)             /* our own reference */                                                \
    X(PAYMENT, payment)     /* original payment, amount and currency */                            \
    X(TERMINAL, terminal)   /* terminal, receipt and day */

/* What can be wrong: a set, a bit each. */
#define MATCH_MISMATCHES(X)                                                                        \
    X(MISSING_IN_SETTLEMENT, missing_in_settlement)                                                \
    X(UNKNOWN_IN_LEDGER, unknown_in_ledger)                                                        \
    X(AMOUNT, amount)                                                                              \
    X(CURRENCY, currency)                                                                          \
    X(FEE, fee)                                                                                    \
    X(DUPLICATE, duplicate)                                                                        \
    X(LATE, late)                                                                                  \
    X(REVERSED, reversed)                                                                          \
    X(DUAL_REFUND, dual_refund) /* refunded, and charged back as well */                           \
    X(BATCH_TOTAL, batch_total) /* the batch doesn't sum to its payout, or not to the bank's */    \
    X(SIGN, sign)

#define MATCH_KEY_ENUM(upper, lower) MATCH_BY_##upper,
#define MATCH_MISMATCH_ENUM(upper, lower) MISMATCH_##upper,
enum match_key { MATCH_KEYS(MATCH_KEY_ENUM) MATCH_NONE };
enum mismatch { MATCH_MISMATCHES(MATCH_MISMATCH_ENUM) MISMATCH_COUNT };
#define MISMATCH_BIT(mismatch) (UINT32_C(1) << (mismatch))

const char *match_key_name(enum match_key key); /* "none" for MATCH_NONE */
const char *mismatch_name(enum mismatch mismatch);

/* A refund as the ledger expects it to be settled. Texts may be "". */
struct expected_refund {
    const char *reference;
    const char *own;
    const char *payment;
    const char *terminal;
    const char *receipt;
    const char *currency;
    int64_t amount_minor; /* above 0 */
    int64_t day;          /* of its issue, since 1970-01-01 */
    bool settled;         /* a line was matched to it before */
    bool charged_back;
};

struct match_rule {
    int64_t late_days;      /* settled more days after the issue is late */
    int64_t missing_days;   /* not settled so many days after the issue is missing */
    int64_t unpaid_days;    /* tax taken back so many days before its money is told; 0: never */
    int64_t fee_most_minor; /* that a refund may cost; 0: whatever it does */
};

struct match {
    enum match_key key;  /* MATCH_NONE: no candidate is it */
    size_t candidate;    /* its index; SIZE_MAX with MATCH_NONE */
    uint32_t mismatches; /* MISMATCH_BITs; 0: it fits */
};

/*
 * A line of kind refund, refund_reversed or chargeback against its candidates; lines of other kinds
 * match nothing and have no mismatch. Of candidates with equally sure keys one that is not settled
 * yet wins, then the first.
 */
struct match match_line(const struct settlement_line *line,
                        const struct expected_refund *candidates, size_t count,
                        const struct match_rule *rule);

/* The sum of a batch's lines against its payout, and the payout against the bank. */
struct match_batch {
    int64_t net_minor;
    int64_t payout_minor;
    bool has_payout;
};

/* Adds a line of the batch; all of one net currency. */
void match_batch_add(struct match_batch *batch, const struct settlement_line *line);
/* 0, or the bit of MISMATCH_BATCH_TOTAL; `bank_minor` NULL: the bank hasn't said anything yet. */
uint32_t match_batch_check(const struct match_batch *batch, const int64_t *bank_minor);

#endif
