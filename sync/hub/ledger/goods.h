/*
 * The goods and their cost: into quarantine when they come, and out of it to where they go.
 * Inside of the ledger only. Pure.
 */
#ifndef SYNC_HUB_LEDGER_GOODS_H
#define SYNC_HUB_LEDGER_GOODS_H

#include "sync/hub/ledger/booking.h"

/* item.received. ERR_REFUSED: more units than the return has. */
enum err goods_receive(struct booking *b) MUST_CHECK;
/* item.dispositioned. ERR_BUSY: the goods haven't been received. */
enum err goods_dispose(struct booking *b) MUST_CHECK;
/* inventory.restocked; units whose disposition said so before are not booked again. */
enum err goods_restock(struct booking *b) MUST_CHECK;

#endif
