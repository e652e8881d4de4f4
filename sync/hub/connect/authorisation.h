/*
 * Return authorisations, as a portal or a call centre gives them (order.h says how they are
 * brought). Inside the caller's transaction.
 */
#ifndef SYNC_HUB_CONNECT_AUTHORISATION_H
#define SYNC_HUB_CONNECT_AUTHORISATION_H

#include "sync/hub/connect/order.h"

/*
 * {number, receipt, lines[{line, quantity, reason?}], channel?, valid_until?}. The same again is
 * known; ERR_CONFLICT when the number is known with other content. ERR_REFUSED: more than is left.
 */
enum err authorisation_take(struct database *db, struct order *order,
                            struct fault *fault) MUST_CHECK;
/* The return that is authorised under a number. */
struct id authorisation_id(const char *number);

#endif
