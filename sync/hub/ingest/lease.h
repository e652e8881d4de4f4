/*
 * A receipt that an appliance has in hand: nobody else takes it back meanwhile. Who asked for it
 * has it for LEASE_MS, or until a return of it has come from there. The appliance of the store that
 * wrote the receipt, its holder, asks nobody about it, and is therefore asked before another is
 * told yes (sync/contract/reservation.h): the store from which the sale came here, or, of one that
 * never did, the store that the receipt's number names. All of that is in the database, so that the
 * answer may come to another hub than the one that asked. Inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_LEASE_H
#define SYNC_HUB_INGEST_LEASE_H

#include "hal/database.h"
#include "sync/contract/reservation.h"

enum { LEASE_MS = 120 * 1000, LEASES_REMINDED_MAX = 64 };

/* What a holder is to be told, under down/reserve. */
struct lease_ask {
    char holder[DEVICE_ID_MAX + 1];
    struct reservation reservation;
};

/* *until_ms: another has it until then; 0: it is this device's now. */
enum err lease_take(struct database *db, const char *receipt, const char *device, int64_t now_ms,
                    int64_t *until_ms, struct fault *fault) MUST_CHECK;
/* A return of the receipt came, at that time: whoever sent it is done with it. */
enum err lease_end(struct database *db, const char *receipt, const struct id *correlation,
                   int64_t received_ms, struct fault *fault) MUST_CHECK;

/*
 * The device has the lease, and is about to decide: *asks, and `ask` is for the holder, unless
 * there is none to be asked, or one that has been asked for HOLDER_PATIENCE_MS and doesn't answer.
 */
enum err lease_ask_holder(struct database *db, const struct sale_query *query, const char *device,
                          int64_t now_ms, bool *asks, struct lease_ask *ask,
                          struct fault *fault) MUST_CHECK;
/* It has answered: `device`, if not "", waits for that. */
enum err lease_answered(struct database *db, const char *receipt, const char *holder,
                        int64_t now_ms, char device[static DEVICE_ID_MAX + 1],
                        struct fault *fault) MUST_CHECK;
/* Whether all of what the holder has of the receipt is here. */
enum err lease_has_all(struct database *db, const struct reserved *reserved, bool *all,
                       struct fault *fault) MUST_CHECK;

/* What the holder was told and may have forgotten, the newest first. */
enum err lease_reminders(struct database *db, const char *holder, int64_t now_ms,
                         struct lease_ask asks[static LEASES_REMINDED_MAX], size_t *count,
                         struct fault *fault) MUST_CHECK;

#endif
