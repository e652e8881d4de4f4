/*
 * A return as a document with lines, for an accounting system that has documents of its own for
 * returns: what an entry books (ledger/item.h), and what the store's event calls the goods.
 */
#ifndef SYNC_HUB_CONNECT_DOCUMENT_H
#define SYNC_HUB_CONNECT_DOCUMENT_H

#include "hal/database.h"
#include "sync/hub/ledger/item.h"

/* What the store doesn't say is "". */
struct document_line {
    struct entry_item item;
    const char *sku;
    const char *gtin;
    const char *description;
    const char *unit; /* each, g, ml, mm */
    bool to_stock;    /* what was sold comes back: not kept by the customer, no other goods */
};

struct document {
    const char *receipt;
    struct document_line *lines;
    size_t count;
};

enum { DOCUMENT_TEXTS = 2 };

/*
 * Reads the document behind an entry; count is 0 where there is none, as behind an entry that books
 * no debt. Lists are in the arena; texts are borrowed from `texts`, which the caller frees, after a
 * failure too. In the caller's transaction.
 */
enum err document_load(struct database *db, const char *reference, struct arena *arena,
                       struct cJSON *texts[static DOCUMENT_TEXTS], struct document *document,
                       struct fault *fault) MUST_CHECK;

#endif
