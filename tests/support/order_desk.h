/*
 * What shops, portals and warehouses bring to a hub's database at work, for tests, and what stores
 * give back of it.
 */
#ifndef TESTS_SUPPORT_ORDER_DESK_H
#define TESTS_SUPPORT_ORDER_DESK_H

#include "sync/hub/connect/order.h"
#include "tests/support/hub_run.h"

typedef enum err order_run(struct database *db, struct order *order, struct fault *fault);

/* One more document, in a transaction of its own; the fault is the run's. */
enum err bring_order(struct hub_run *run, order_run *take, struct order *order);
enum err bring(struct hub_run *run, order_run *take, const char *text, const char *stores,
               struct told *told);

/* The member of a return that came under an authorisation. */
#define UNDER(number) "\"authorisation\":\"" number "\","

/* A return of `quantity` of line 1, of which `sold` were sold; `authorisation` is UNDER one or "".
 */
void give_back_under(struct hub_run *run, int store, int number, const char *receipt, int quantity,
                     int sold, const char *decision, const char *authorisation);
void give_back(struct hub_run *run, int store, int number, const char *receipt, int quantity,
               int sold, const char *decision);

/* How many events of the centre are of this type. */
int64_t told_of(struct hub_run *run, const char *type);

#endif
