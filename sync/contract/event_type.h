/*
 * The event types that cross the wire (CloudEvents 1.0 `type`), from one table.
 * Names are com.tillback.<name>.v1; an incompatible change of data makes a v2 beside it. Constant
 * data, any thread.
 */
#ifndef SYNC_CONTRACT_EVENT_TYPE_H
#define SYNC_CONTRACT_EVENT_TYPE_H

#include "hal/base/buf.h"

/* enum name, type, stream it is kept in */
#define EVENT_TYPE_TABLE(X)                                                                        \
    X(SALE_RECORDED, "com.tillback.sale.recorded.v1", SALES)                                       \
    X(RETURN_CREATED, "com.tillback.return.created.v1", RETURNS)                                   \
    X(RETURN_APPROVED, "com.tillback.return.approved.v1", RETURNS)                                 \
    X(RETURN_DECLINED, "com.tillback.return.declined.v1", RETURNS)                                 \
    X(ITEM_RECEIVED, "com.tillback.item.received.v1", RETURNS)                                     \
    X(ITEM_DISPOSITIONED, "com.tillback.item.dispositioned.v1", RETURNS)                           \
    X(INVENTORY_RESTOCKED, "com.tillback.inventory.restocked.v1", RETURNS)                         \
    X(REFUND_REQUESTED, "com.tillback.refund.requested.v1", RETURNS)                               \
    X(REFUND_ISSUED, "com.tillback.refund.issued.v1", RETURNS)                                     \
    X(REFUND_FAILED, "com.tillback.refund.failed.v1", RETURNS)                                     \
    X(TAX_ADJUSTED, "com.tillback.tax.adjusted.v1", RETURNS)                                       \
    X(COMMISSION_REVERSED, "com.tillback.commission.reversed.v1", RETURNS)                         \
    X(RETURN_VOIDED, "com.tillback.return.voided.v1", RETURNS)                                     \
    X(RETURN_COMPLETED, "com.tillback.return.completed.v1", RETURNS)                               \
    X(RETURN_DISPUTED, "com.tillback.return.disputed.v1", RETURNS)                                 \
    X(EXCHANGE_LINKED, "com.tillback.exchange.linked.v1", RETURNS)                                 \
    X(EXCEPTION_RAISED, "com.tillback.exception.raised.v1", RETURNS)                               \
    X(EXCEPTION_RESOLVED, "com.tillback.exception.resolved.v1", RETURNS)                           \
    X(PERIPHERAL_CHANGED, "com.tillback.peripheral.changed.v1", RETURNS)                           \
    X(CONFIG_APPLIED, "com.tillback.config.applied.v1", RETURNS)                                   \
    X(CLOCK_SYNCHRONISED, "com.tillback.clock.synchronised.v1", RETURNS)                           \
    X(PARKED_ASKED, "com.tillback.parked.asked.v1", RETURNS)                                       \
    X(COMMAND_TAKEN, "com.tillback.command.taken.v1", RETURNS)                                     \
    X(SELFTEST_RUN, "com.tillback.selftest.run.v1", RETURNS)                                       \
    X(ACCESS_CHANGED, "com.tillback.access.changed.v1", RETURNS)                                   \
    X(RETURN_AUTHORISED, "com.tillback.return.authorised.v1", CENTRE)                              \
    X(RETURN_CHECKED, "com.tillback.return.checked.v1", CENTRE)                                    \
    X(SALE_PUSHED, "com.tillback.sale.pushed.v1", CENTRE)                                          \
    X(REFUND_SETTLED, "com.tillback.refund.settled.v1", CENTRE)                                    \
    X(JOURNAL_POSTED, "com.tillback.journal.posted.v1", CENTRE)                                    \
    X(JOURNAL_PARKED, "com.tillback.journal.parked.v1", CENTRE)                                    \
    X(RETURN_CONFLICTED, "com.tillback.return.conflicted.v1", CENTRE)                              \
    X(PARKED_DECIDED, "com.tillback.parked.decided.v1", CENTRE)                                    \
    X(CUSTOMER_ERASED, "com.tillback.customer.erased.v1", CENTRE)

/* Which log an event lives in: an appliance's two, or the centre's own. */
enum stream { STREAM_RETURNS, STREAM_SALES, STREAM_CENTRE };
enum { STREAMS_OF_APPLIANCE = 2 };

enum event_type {
#define EVENT_TYPE_ENUM(name, type, stream) EVENT_##name,
    EVENT_TYPE_TABLE(EVENT_TYPE_ENUM)
#undef EVENT_TYPE_ENUM
        EVENT_TYPE_COUNT
};

const char *event_type_name(enum event_type type);
/* ERR_NOT_FOUND for a type that this version doesn't know. */
enum err event_type_find(struct slice name, enum event_type *type) MUST_CHECK;
enum stream event_type_stream(enum event_type type);
/* "returns", "sales", "centre". */
const char *stream_name(enum stream stream);
enum err stream_find(struct slice name, enum stream *stream) MUST_CHECK;

#endif
