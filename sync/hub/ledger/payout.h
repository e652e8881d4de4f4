/*
 * Money on its way: refunds paid, failed and settled, exchanges, chargebacks, and what else moves
 * with a return but isn't its debt. Inside of the ledger only. Pure.
 */
#ifndef SYNC_HUB_LEDGER_PAYOUT_H
#define SYNC_HUB_LEDGER_PAYOUT_H

#include "sync/hub/ledger/booking.h"

enum err payout_issue(struct booking *b) MUST_CHECK;
/* A refund that was never booked as issued needs no reversal. ERR_REFUSED: it was settled. */
enum err payout_fail(struct booking *b) MUST_CHECK;
enum err payout_settle(struct booking *b) MUST_CHECK;
enum err payout_exchange(struct booking *b) MUST_CHECK;
/* ERR_REFUSED: something is lost or won, and nothing was disputed. */
enum err payout_dispute(struct booking *b) MUST_CHECK;
enum err payout_adjust_tax(struct booking *b) MUST_CHECK;
enum err payout_reverse_commission(struct booking *b) MUST_CHECK;

#endif
