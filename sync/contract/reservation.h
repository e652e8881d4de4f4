/*
 * One piece, two stores, both online. An appliance decides of its own store's sales by itself and
 * asks nobody; so before the hub says yes to another that is about to take goods of such a receipt
 * back (sale_query.h, `reserve`), it asks the appliance of the store that wrote it, the holder,
 * under down/reserve. The holder takes nothing of that receipt back any more, for `for_ms` or until
 * it knows of more than `others` returns of it that others captured, or, where the other goes on
 * with one of them (`of`: its manager decides), of more of that one, and answers under up/reserved
 * with the returns that it captured itself and how many events of each it has saved: the hub says
 * yes only if it has them all. The MQTT 5 correlation data is that of the other store's question; a
 * message without is a reminder after the holder's connection was made anew, and not answered.
 *
 * What goes wrong: a message that comes twice, or late, changes nothing and is answered the same. A
 * holder that doesn't answer makes the other store ask again (503), for HOLDER_PATIENCE_MS; then,
 * as when it isn't online, or of a version that doesn't confirm (`confirms_reservations` of
 * up/state), the hub answers with what it knows. A holder that starts anew has forgotten what it
 * reserved until it is reminded; the store that was told yes and can't be reached any more keeps
 * what it decided, and the claim that comes later is in conflict. Two lanes of one store that take
 * pieces back in the same moment, each with its yes, end the hold with the first of their returns:
 * what the holder takes back in the milliseconds until it knows of the second is in conflict, too.
 * Pure; any thread.
 */
#ifndef SYNC_CONTRACT_RESERVATION_H
#define SYNC_CONTRACT_RESERVATION_H

#include "sync/contract/sale_query.h"

enum {
    RESERVATION_RETURNS_MAX = 200,
    RESERVATION_BYTES_MAX = 32 * 1024,
    RESERVATION_MS_MAX = 10 * 60 * 1000,
    HOLDER_PATIENCE_MS = 10 * 1000,
};

struct reservation {
    char receipt[SALE_QUERY_RECEIPT_MAX + 1];
    int64_t for_ms;
    int64_t others; /* returns of it that the hub knows, and the holder's store didn't capture */
    struct return_news of; /* that the other store goes on with, as it knows it */
};

void reservation_write(struct buf *out, const struct reservation *reservation);
enum err reservation_read(struct slice text, struct reservation *reservation,
                          struct fault *fault) MUST_CHECK;

struct reserved_return {
    struct id id;
    int64_t events; /* that the holder has of it */
};

struct reserved {
    char receipt[SALE_QUERY_RECEIPT_MAX + 1];
    struct reserved_return returns[RESERVATION_RETURNS_MAX];
    size_t count;
};

void reserved_write(struct buf *out, const struct reserved *reserved);
enum err reserved_read(struct slice text, struct reserved *reserved,
                       struct fault *fault) MUST_CHECK;

#endif
