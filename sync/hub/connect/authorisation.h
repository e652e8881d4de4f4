/*
 * Return authorisations, as a portal or a call centre gives them (order.h says how they are
 * brought). Inside the caller's transaction.
 */
#ifndef SYNC_HUB_CONNECT_AUTHORISATION_H
#define SYNC_HUB_CONNECT_AUTHORISATION_H

#include "sync/hub/connect/acceptance_sale.h"
#include "sync/hub/connect/order.h"

/*
 * {number, receipt, lines[{line, quantity, reason?}], channel?, valid_until?, fee?{rate, taxed?}}:
 * a restocking fee of so many percent of the net. The same again is
 * known; ERR_CONFLICT when the number is known with other content. ERR_REFUSED: more than is left.
 */
enum err authorisation_take(struct database *db, struct order *order,
                            struct fault *fault) MUST_CHECK;
/* Reads the fee from the authorisation's document. ERR_INVALID: no percentage. */
enum err authorisation_fee_read(const struct cJSON *json, struct arena *arena,
                                struct acceptance_fee *fee, struct fault *fault) MUST_CHECK;
/* The return that is authorised under a number. */
struct id authorisation_id(const char *number);

#endif
