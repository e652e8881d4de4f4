/*
 * What an event says to the accountant: the fields of its `data` that the ledger relies on, read
 * and checked. Pure, any thread; touches no journal.
 *
 * What `data` must carry (? may be absent; other keys are allowed and ignored; amounts are whole
 * minor units of the return's currency; quantities are whole units of the line):
 *
 * every type            business_date? "2026-11-22", the store's own day: the document date.
 * Absent: the UTC day of the event's time. return.created        number, store, currency, decision,
 * lines[], country? (ISO 3166-1), company?, receipt?, goods? (none | expected | received, default
 * expected), exchange? {currency, sale_rate, rate}: paid back in that currency; both rates are
 * decimal texts, units of it for one unit of `currency`, marketplace? {name, tax_collected_by
 * (seller | marketplace)}, refund? {tenders[{tender, type, amount}]}: the plan, as answered at
 * the counter; `sale` (lines and tenders relied on) stands beside them, unread here lines[] line,
 * quantity, net, tax[{amount, jurisdiction?, rate?, type?, class?}], gross
 *                       (= net + tax), fee? {amount (tax included), tax}, cost? (of these units),
 *                       goods? (of this line, if not as above)
 * return.approved       decision? (accepted | accepted_pending_check, default accepted)
 * return.declined       nothing more
 * return.checked        result (passed | failed)
 * item.received         lines[{line, quantity, condition?}]
 * item.dispositioned    lines[{line, quantity, disposition, from? (quarantine | repair: where
 *                       they were), nrv? (liquidate: net realisable value of them all; absent: 0)}]
 * inventory.restocked   lines[{line, quantity}]
 * refund.issued         tender, type, amount (of the entitlement; rounding stays out of it),
 *                       rounding? (added to what is handed over, may be negative), paid? (handed
 *                       over in exchange.currency, rounding included), refund? (id of the attempt),
 *                       position? (in the plan of tenders that are paid out, from 0).
 *                       A tender of type rounding is booked with the return, from the plan
 * refund.failed         tender, refund?, position? (else the latest issued one of the tender)
 * refund.settled        type, amount, fee?, kind? (refund | sale | chargeback | reversed: a settled
 *                       refund came back | written_off: what will never be settled, given up by
 *                       finance, negative when more was settled than was refunded; default
 *                       refund), refund?
 * tax.adjusted          tax[{amount, jurisdiction?, rate?, type?, class?}]: more given back (or
 * less) commission.reversed   amount (net of what is kept), lines?[{line, fee, kept, amount}]
 * return.voided         nothing more
 * return.disputed       stage (opened | fee | lost | won), type?, amount? (lost, won: at most what
 * is disputed; not looked at for fee), fee? exchange.linked       applied (of the refund, towards
 * the new sale), sale {net, tax[], gross} return.conflicted     lines[{line, quantity, net?, tax?,
 * gross?}]: what of this return no sale stands behind; amounts absent: the last `quantity` units of
 * the line Several lines of a return may have the same number: they are filled in their order.
 * Amounts of refund.settled and return.disputed, `paid` and `rounding` are in the currency paid
 * back. Other types mean nothing to the ledger.
 */
#ifndef SYNC_HUB_LEDGER_MILESTONE_H
#define SYNC_HUB_LEDGER_MILESTONE_H

#include "hal/base/arena.h"
#include "sync/contract/event.h"
#include "sync/contract/money.h"

enum {
    MILESTONE_LINES_MAX = 1000,
    MILESTONE_TAXES_MAX = 16,
    MILESTONE_TENDERS_MAX = 64,
    MILESTONE_TEXT_MAX = 128,
};

/* Far above any return, and low enough that no sum of them overflows. */
#define MILESTONE_AMOUNT_MAX INT64_C(10000000000000)

enum decision {
    DECISION_ACCEPTED,
    DECISION_PENDING_CHECK,
    DECISION_NEEDS_MANAGER,
    DECISION_NEEDS_LINK,
    DECISION_DECLINED,
};

/* Only EXPECTED makes a difference: what is owed waits for item.received. */
enum goods {
    GOODS_NONE,
    GOODS_EXPECTED,
    GOODS_RECEIVED,
    GOODS_INSPECTED,
    GOODS_DISPOSITIONED,
};

enum disposition {
    DISPOSITION_UNDECIDED,
    DISPOSITION_RESTOCK,
    DISPOSITION_QUARANTINE,
    DISPOSITION_REPAIR,
    DISPOSITION_RETURN_TO_SUPPLIER,
    DISPOSITION_RETURN_TO_MANUFACTURER,
    DISPOSITION_LIQUIDATE,
    DISPOSITION_DONATE,
    DISPOSITION_DESTROY,
    DISPOSITION_WRITE_OFF,
};

enum dispute_stage { DISPUTE_OPENED, DISPUTE_FEE, DISPUTE_LOST, DISPUTE_WON };
enum settled_kind {
    SETTLED_REFUND,
    SETTLED_SALE,
    SETTLED_CHARGEBACK,
    SETTLED_REVERSED,
    SETTLED_WRITTEN_OFF,
};

/* One stored tax component; texts may be "". */
struct tax_piece {
    const char *type;
    const char *tax_class;
    const char *jurisdiction;
    const char *rate;
    int64_t amount_minor;
};

struct tax_list {
    struct tax_piece *items;
    size_t count;
};

/* Parts of a return line that several events speak of; what an event doesn't say is 0 or "". */
struct milestone_line {
    int64_t line;
    int64_t quantity;
    int64_t net_minor;
    struct tax_list tax;
    int64_t gross_minor;
    bool has_gross;
    struct {
        int64_t amount_minor; /* tax included */
        int64_t tax_minor;
    } fee;
    int64_t cost_minor;
    const char *condition;
    int goods; /* enum goods, if has_goods */
    bool has_goods;
    int disposition; /* enum disposition */
    int from_repair; /* 1: it leaves repair, 0: quarantine */
    int64_t nrv_minor;
};

struct milestone_tender {
    int64_t tender;
    const char *type;
    int64_t amount_minor;
};

struct commission_line {
    int64_t line;
    int64_t fee_minor;
    int64_t kept_minor;
    int64_t amount_minor;
};

/* One event as the ledger sees it. Members that the type doesn't carry are zero or NULL. */
struct milestone {
    /* From the envelope. */
    enum event_type type;
    char event_id[ID_TEXT + 1];
    char return_id[ID_TEXT + 1];
    const char *source;
    int64_t sequence;
    int64_t document_day; /* days since 1970-01-01 */

    /* return.created */
    const char *number;
    const char *store;
    const char *company;
    const char *country;
    const char *receipt;
    const char *currency;
    int decision; /* enum decision */
    int goods;    /* enum goods */
    struct {
        const char *currency; /* NULL: paid back in the return's own */
        const char *sale_rate;
        const char *rate;
    } exchange;
    struct {
        const char *name; /* NULL: not sold on a marketplace */
        int tax_collected_by_marketplace;
    } marketplace;
    struct {
        struct milestone_tender *tenders;
        size_t tender_count;
    } refund;

    /* return.created, item.*, inventory.restocked, return.conflicted */
    struct milestone_line *lines;
    size_t line_count;

    bool check_passed; /* return.checked */

    /* refund.*, commission.reversed, return.disputed, exchange.linked */
    int64_t tender;
    int64_t position; /* in the plan, from 0; -1: not said */
    const char *tender_type;
    int64_t amount_minor;
    bool has_amount;
    int64_t rounding_minor;
    int64_t paid_minor;
    bool has_paid;
    int64_t fee_minor;
    const char *refund_id;
    int settled_kind; /* enum settled_kind */
    int stage;        /* enum dispute_stage */
    struct commission_line *commissions;
    size_t commission_count;

    /* exchange.linked: the new sale; tax.adjusted: tax only */
    int64_t sale_net_minor;
    struct tax_list tax;
    int64_t sale_gross_minor;

    struct cJSON *document; /* what the texts are borrowed from */
};

/*
 * Reads `event->data`. Lists are made in `arena`, texts are borrowed from the milestone's own
 * document: keep both until milestone_close. ERR_INVALID names the field and the rule.
 */
enum err milestone_read(const struct event *event, struct arena *arena, struct milestone *out,
                        struct fault *fault) MUST_CHECK;
/* Takes NULL, and a zeroed milestone. */
void milestone_close(struct milestone *m);

/* The words of enum goods, for field tables. */
extern const char *const milestone_goods_words[];

#endif
