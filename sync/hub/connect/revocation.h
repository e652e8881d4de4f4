/*
 * Finance takes back a return that the centre accepted (acceptance.h), as long as part of its goods
 * is on its way and no refund was asked for: return.voided, an event of the centre. What came of
 * the goods is the customer's again. Inside the caller's transaction; blocks on the database.
 */
#ifndef SYNC_HUB_CONNECT_REVOCATION_H
#define SYNC_HUB_CONNECT_REVOCATION_H

#include "sync/hub/connect/told.h"

#include "hal/database.h"

struct revocation {
    const char *return_id; /* or its number */
    const char *by;        /* who decided */
    const char *reason;
    int64_t now_ms;
};

/*
 * ERR_NOT_FOUND: no such return. ERR_REFUSED: a store took it, and voids it; it was voided before;
 * or all of its goods are here. ERR_BUSY: goods of it have yet to be booked.
 */
enum err revocation_record(struct database *db, const struct revocation *revocation,
                           struct told *told, struct fault *fault) MUST_CHECK;

#endif
