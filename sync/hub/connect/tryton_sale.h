/*
 * The debt of a return as Tryton's own documents: a sale with lines of negative quantity, under our
 * reference; the return shipment that it makes is received; the credit note that it makes is
 * posted.
 *
 * Amounts and tax are the entry's, never computed anew: the credit note is set to them while it is
 * a draft, compared by account with the entry before it is posted, and its move after. What was
 * begun is found by the reference and gone on with, whoever crashed; a sale that Tryton refuses is
 * deleted as long as it can be. The sale's origin is the one under the receipt's number, if Tryton
 * has it.
 */
#ifndef SYNC_HUB_CONNECT_TRYTON_SALE_H
#define SYNC_HUB_CONNECT_TRYTON_SALE_H

#include "sync/hub/connect/tryton_way.h"

/*
 * A sale can say all that the entry says: no suspense, one account for each role but taxes, and its
 * amounts are those of the document's lines.
 */
bool tryton_sale_can(const struct post_order *order);

/* One round (tryton_way_go). */
enum err tryton_sale_round(struct tryton_way *way, struct posted *posted, bool *done) MUST_CHECK;

#endif
