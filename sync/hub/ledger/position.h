/*
 * The position of one return: all that the ledger must remember of it between two events, among
 * it every entry it made, so that what is taken back is exactly what was booked. Amounts of lines
 * are in the currency that is paid back (the journal's); `entitlement_minor` and what was issued
 * are in the return's own.
 *
 * A zeroed position is a return of which nothing is known yet. Before return.created, `lines` hold
 * only what return.conflicted said: line, quantity and `unsupported` in the return's currency.
 * It is kept as JSON between events and can always be made again by applying all events in their
 * order. Everything it points to lives in an arena. Pure; a position is never changed in place,
 * ledger_apply makes the next one.
 */
#ifndef SYNC_HUB_LEDGER_POSITION_H
#define SYNC_HUB_LEDGER_POSITION_H

#include "sync/hub/ledger/entry.h"
#include "sync/hub/ledger/milestone.h"

enum {
    POSITION_SOURCES_MAX = 16,
    POSITION_PAYMENTS_MAX = 256,
    POSITION_ENTRIES_MAX = 1000,
    POSITION_BYTES_MAX = 4 * 1024 * 1024,
};

/* Where the decision stands. CLOSED: voided, declined, or refused by the check. */
enum standing { STANDING_WAITS_MANAGER, STANDING_WAITS_CHECK, STANDING_OPEN, STANDING_CLOSED };

/* Money and tax of a line, or of a part of it. */
struct amounts {
    int64_t net_minor;
    struct tax_list tax;
    int64_t gross_minor;
};

struct position_line {
    int64_t line;
    int64_t quantity;
    struct amounts money;
    int64_t fee_minor;     /* tax included */
    int64_t fee_tax_minor; /* of that */
    int64_t cost_minor;
    int goods; /* enum goods: EXPECTED waits for item.received before money is owed */

    int64_t recognised; /* units whose money was booked */
    int64_t received;   /* units that came */
    int64_t ours;       /* of them, units that we had sold: with a cost */
    int64_t disposed;   /* units that left quarantine */
    int64_t disposed_ours;
    int64_t restock_decided;
    int64_t restock_reported;
    int64_t in_repair; /* units and their cost */
    int64_t repair_cost_minor;

    struct amounts unsupported; /* no sale stands behind it */
    bool is_unsupported;
    bool unsupported_booked;
};

/* One way in which the debt to the customer became less: a refund, an exchange, a rounding. */
struct payment {
    const char *event_id;
    const char *refund_id; /* "" if the event didn't say */
    const char *type;      /* of the tender; "exchange", "rounding" */
    const char *reference; /* of the entry that booked it; "" if there was nothing to book */
    int64_t tender;
    int64_t position;      /* in the plan; -1: not said */
    int64_t amount_minor;  /* of the entitlement */
    int64_t cleared_minor; /* of what is owed */
    bool failed;
    bool settled;
};

/* The latest event of each source of events that was applied. */
struct position_source {
    const char *source;
    int64_t applied;
};

struct position {
    bool created;
    const char *return_id;
    const char *number;
    const char *store;
    const char *company;
    const char *country;
    const char *currency;      /* of the return */
    const char *paid_currency; /* of the journal */
    const char *sale_rate;     /* "": both are the same */
    const char *rate;
    bool on_marketplace;
    bool tax_not_ours; /* the marketplace collected it */
    int standing;      /* enum standing */
    bool completed;

    struct position_line *lines;
    size_t line_count;
    int64_t entitlement_minor; /* gross less fees, of the whole return */
    int64_t due_minor;         /* the debt that the whole return makes */
    int64_t recognised_due_minor;
    int64_t rounding_minor; /* planned, of the entitlement; never paid out */
    int64_t disputed_minor; /* held back by chargebacks that are still open */

    struct payment *payments;
    size_t payment_count;
    struct position_source *sources;
    size_t source_count;
    struct entry *entries;
    size_t entry_count;
};

/* Debits less credits of all entries for a role: "refunds_payable" is 0 for a finished return. */
int64_t position_balance(const struct position *position, const char *role);
/* The number of the last event of this source that was applied; 0: none. */
int64_t position_applied(const struct position *position, const char *source);

/* One JSON object. */
void position_write(struct jsonw *w, const char *key, const struct position *position);
/* Reads what position_write wrote. Texts are borrowed from the document. */
enum err position_read(const struct cJSON *json, struct arena *arena, struct position *position,
                       struct fault *fault) MUST_CHECK;

#endif
