/*
 * The ledger's memory in the hub's database: the position of each return, and the journal's
 * entries. Inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_JOURNAL_H
#define SYNC_HUB_INGEST_JOURNAL_H

#include "hal/base/id.h"
#include "hal/database.h"
#include "sync/hub/ledger/position.h"

/*
 * The return's position; zeroed when there is none yet. Texts are borrowed from *document, which
 * the caller frees after the position. ERR_REFUSED when what is stored can't be read: damage to one
 * return is no reason to stop the others.
 */
enum err journal_position(struct database *db, const struct id *correlation, struct arena *arena,
                          struct cJSON **document, struct position *position,
                          struct fault *fault) MUST_CHECK;
/* The same of a text that was read already. */
enum err journal_read_position(struct slice text, struct arena *arena, struct cJSON **document,
                               struct position *position, struct fault *fault) MUST_CHECK;
enum err journal_keep_position(struct database *db, const struct id *correlation,
                               const struct position *position, struct fault *fault) MUST_CHECK;

/* Where an entry comes from. */
struct journal_origin {
    struct id correlation;
    int64_t event_no;
    int64_t received_ms;
};

/* A new entry; it is borrowed. */
struct journal_item {
    struct journal_origin origin;
    const struct entry *entry;
};

/*
 * Adds entries in their order, ready to be posted. ERR_CONFLICT, here or at the database's next
 * wait, when there is an entry of such a reference.
 */
enum err journal_add(struct database *db, const struct journal_item *items, size_t count,
                     struct fault *fault) MUST_CHECK;

#endif
