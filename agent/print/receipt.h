/*
 * What a return's receipt says: gathered from the return's events, and of an exchange from the new
 * sale's, as the log keeps them. Blocks on the disk; on the thread that owns the reader.
 */
#ifndef AGENT_PRINT_RECEIPT_H
#define AGENT_PRINT_RECEIPT_H

#include "agent/returns/words.h"
#include "hal/base/arena.h"
#include "sync/contract/money.h"
#include "sync/eventlog/eventlog.h"

enum receipt_state {
    RECEIPT_NONE, /* nothing is agreed: there is nothing to print */
    RECEIPT_ACCEPTED,
    RECEIPT_PENDING, /* accepted, the refund waits for a check */
    RECEIPT_VOIDED,
};

struct receipt_line {
    const char *name;
    int64_t quantity;
    int unit; /* enum unit */
    int64_t gross_minor;
    int64_t fee_minor;
};

struct receipt_tax {
    int type; /* enum tax_type */
    const char *rate;
    int64_t amount_minor;
};

struct receipt_tender {
    int type;             /* enum tender_type */
    int64_t amount_minor; /* in the pay-out currency */
    int executor;         /* enum executor */
};

struct receipt_exchange {
    const char *receipt; /* NULL: no exchange */
    int64_t gross_minor;
    int64_t applied_minor;
    struct receipt_line *lines;
    size_t line_count;
};

struct receipt {
    enum receipt_state state;
    const char *number;
    const char *sale_receipt; /* NULL: the customer had none */
    const char *store;
    const char *lane; /* of the last that changed it */
    const struct currency *currency;
    const struct currency *paid_currency;
    int64_t at_ms; /* when it was agreed, or taken back */
    struct receipt_line *lines;
    size_t line_count;
    struct receipt_tax *taxes; /* each type and rate once */
    size_t tax_count;
    struct receipt_tender *tenders;
    size_t tender_count;
    int64_t total_minor;
    int64_t payout_minor;
    int64_t net_minor;
    int64_t fee_minor;
    bool cash; /* the till pays out some in cash */
    struct receipt_exchange exchange;
};

/* Texts and lists live in the arena. ERR_NOT_FOUND when the log has no such return any more. */
enum err receipt_gather(struct eventlog_reader *reader, const struct id *return_id,
                        struct arena *arena, struct receipt *receipt,
                        struct fault *fault) MUST_CHECK;

#endif
