/*
 * Goods that a warehouse received, as an event of the centre (order.h says how notices of them are
 * brought). Inside the caller's transaction.
 */
#ifndef SYNC_HUB_CONNECT_GOODS_RECEIVED_H
#define SYNC_HUB_CONNECT_GOODS_RECEIVED_H

#include "sync/hub/connect/order.h"

/*
 * {return, lines[{line, quantity, condition?}], notice?}: the return by id or number;
 * ERR_NOT_FOUND. One that was authorised and that no store took is accepted by the centre, by its
 * id (acceptance.h). ERR_REFUSED: it was taken back (revocation.h), or a store must decide. A
 * notice is known again by its number, else by the caller's key, else by what it says: two parcels
 * of the same content need the one or the other. ERR_CONFLICT when number or key are known with
 * other content.
 */
enum err goods_received_take(struct database *db, struct order *order,
                             struct fault *fault) MUST_CHECK;

#endif
