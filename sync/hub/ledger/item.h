/*
 * What of a return's lines an entry books the debt for: pieces and their amounts, for a system that
 * takes a return as a document with lines and not as a journal entry. Stands beside the entry and
 * is no part of it. Texts and lists live in an arena. Pure, any thread.
 */
#ifndef SYNC_HUB_LEDGER_ITEM_H
#define SYNC_HUB_LEDGER_ITEM_H

#include "hal/base/json.h"
#include "hal/base/jsonw.h"
#include "sync/hub/ledger/milestone.h"

/* Amounts in the entry's currency. */
struct entry_item {
    int64_t line;
    int64_t quantity;
    bool goods; /* come back; else the customer keeps them, or there are none */
    int64_t net_minor;
    struct tax_list tax;
    int64_t fee_net_minor; /* kept back */
    struct tax_list fee_tax;
};

struct entry_items {
    struct entry_item *items;
    size_t count;
};

/*
 * {"items":[{"line","quantity","goods","net","tax":[{"jurisdiction","rate","amount"}],
 *            "fee_net"?,"fee_tax"?}]}
 */
void entry_items_write(struct jsonw *w, const char *key, const struct entry_items *items);
/* Reads what entry_items_write wrote. Texts are borrowed. */
enum err entry_items_read(const struct cJSON *object, struct arena *arena,
                          struct entry_items *items, struct fault *fault) MUST_CHECK;

#endif
