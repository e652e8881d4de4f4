/*
 * Finance corrects the tax of a return: tax.adjusted, an event of the centre, booked by the ledger
 * and told to the store. Of a sale that is known never more tax is given back, by jurisdiction and
 * over all of its returns, than was charged; and of a return never less than nothing. Inside the
 * caller's transaction; blocks on the database.
 */
#ifndef SYNC_HUB_CONNECT_ADJUSTMENT_H
#define SYNC_HUB_CONNECT_ADJUSTMENT_H

#include "sync/hub/connect/told.h"

#include "hal/database.h"

enum { ADJUSTMENT_KEY_MAX = 128 };

struct adjustment {
    const char *return_id;
    struct slice tax; /* [{jurisdiction, amount, rate?, type?, class?}]: more given back, or less */
    const char *by;   /* who decided */
    const char *reason;
    const char *key; /* the same again is answered as the first time */
    int64_t now_ms;
};

/*
 * ERR_NOT_FOUND: no such return. ERR_INVALID names the field. ERR_REFUSED says which jurisdiction
 * has how much left, or why the return can't be adjusted. ERR_CONFLICT: the key was used for
 * another adjustment of this return.
 */
enum err adjustment_record(struct database *db, const struct adjustment *adjustment,
                           struct told *told, struct fault *fault) MUST_CHECK;

#endif
