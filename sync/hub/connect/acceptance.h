/*
 * The centre accepts a return that no appliance captured: one that was authorised for a portal or
 * a call centre, when the first of its goods come to a warehouse. It takes the place of the
 * authorisation: all that was authorised, goods still expected. What it gives back, less the fee
 * that was agreed, and on what, says acceptance_sale.h; the hub pays it. Inside the caller's
 * transaction.
 */
#ifndef SYNC_HUB_CONNECT_ACCEPTANCE_H
#define SYNC_HUB_CONNECT_ACCEPTANCE_H

#include "sync/hub/connect/told.h"

#include "hal/database.h"

/*
 * Records return.created. ERR_NOT_FOUND: no such return was authorised. ERR_REFUSED: its time is
 * over, and it must be authorised anew; or a store must take it, with the reason: nothing is left
 * of a line, a price was adjusted, it was sold on a marketplace, or paid in cash or by cheque.
 */
enum err acceptance_record(struct database *db, const struct id *correlation, int64_t now_ms,
                           struct told *told, struct fault *fault) MUST_CHECK;
/* Whether the books have all of its goods, and it stands: only then is it paid. */
enum err acceptance_is_whole(struct database *db, const struct id *correlation, bool *whole,
                             struct fault *fault) MUST_CHECK;

#endif
