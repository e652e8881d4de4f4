/*
 * The debt to the customer: when it arises, what no sale stands behind, and how it is taken back.
 * Inside of the ledger only. Pure.
 */
#ifndef SYNC_HUB_LEDGER_DEBT_H
#define SYNC_HUB_LEDGER_DEBT_H

#include "sync/hub/ledger/booking.h"

/* return.created: fills the position. */
enum err debt_open(struct booking *b) MUST_CHECK;
/* Books what is owed by now and wasn't booked yet. */
enum err debt_recognise(struct booking *b) MUST_CHECK;
/* return.conflicted, before or after return.created. */
enum err debt_conflict(struct booking *b) MUST_CHECK;
/* Takes back all that a void takes back, in one entry, and closes the position. */
enum err debt_take_back(struct booking *b, const char *rule) MUST_CHECK;
/* What was paid on a closed position is nobody's debt: to suspense. */
enum err debt_settle_closed(struct booking *b) MUST_CHECK;
/* The part of what is owed that an amount of the entitlement pays. */
enum err debt_cleared_by(const struct booking *b, int64_t amount_minor,
                         int64_t *cleared_minor) MUST_CHECK;

#endif
