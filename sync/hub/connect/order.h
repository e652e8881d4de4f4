/*
 * What shops, portals and warehouses bring to the centre: orders (sales that no till of ours made),
 * return authorisations, and goods that a warehouse received. Each becomes an event of the centre
 * and is pushed to the stores concerned. JSON, with limits; inside the caller's transaction.
 */
#ifndef SYNC_HUB_CONNECT_ORDER_H
#define SYNC_HUB_CONNECT_ORDER_H

#include "sync/hub/connect/told.h"

#include "hal/base/id.h"
#include "hal/base/json.h"
#include "hal/database.h"

enum { ORDER_BYTES_MAX = 128 * 1024, ORDER_STORES_MAX = 64, ORDER_SUBJECT_MAX = 128 };

struct order {
    struct slice text;  /* the document */
    const char *key;    /* what the caller names a notice of goods by; NULL: nothing */
    const char *stores; /* "0042,0043": whom to push it to; NULL: the store it names */
    int64_t now_ms;
    struct told *told;
    struct buf *answer; /* the members of what is answered are appended: one JSON object */
    char subject[ORDER_SUBJECT_MAX]; /* out: what it was about, for the audit */
};

/*
 * A sale, as sale.pushed says. The same again is known; ERR_CONFLICT when the receipt is known
 * with other content.
 */
enum err order_take(struct database *db, struct order *order, struct fault *fault) MUST_CHECK;

#endif
