/*
 * What a piece is, for returns that were accepted while nobody knew the sale: they name no line of
 * the receipt, so what came back of it is told apart by the item, its GTIN or its SKU. Inside the
 * caller's transaction.
 */
#ifndef SYNC_HUB_CONNECT_CLAIM_ITEM_H
#define SYNC_HUB_CONNECT_CLAIM_ITEM_H

#include "hal/base/id.h"
#include "hal/base/json.h"
#include "hal/database.h"

/* As a document has it; "": it says none. */
struct claim_item {
    const char *gtin;
    const char *sku;
};

/* Of a sale's line. */
struct claim_item claim_item_of_sale(const struct cJSON *sale, int64_t line);
/* Of a line of return.created: as its sale names it, else as it was asked for. */
struct claim_item claim_item_of(const struct cJSON *created, const struct cJSON *line);
/* Items that say nothing in common are different ones. */
bool claim_item_is_same(const struct claim_item *a, const struct claim_item *b);
/* How many of it the sale in return.created has; 0: there is no sale. */
int64_t claim_item_sold(const struct cJSON *created, const struct claim_item *item);

struct claim_item_found {
    int64_t quantity; /* that other returns of the receipt took back, and that still counts */
    struct id latest; /* of them */
    int64_t sold;     /* as the hub, or one of them, knows the sale; 0: nobody does */
};

enum err claim_item_find(struct database *db, const char *receipt, const struct id *except,
                         const struct claim_item *item, struct claim_item_found *found,
                         struct fault *fault) MUST_CHECK;

#endif
