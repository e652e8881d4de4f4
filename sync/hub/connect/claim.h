/*
 * Who returned how much of a receipt, over all stores: what was accepted in two stores that
 * couldn't talk to each other is found here, and what was accepted pending a check is checked. An
 * authorisation is used up once, too, wherever it is shown.
 *
 * What was accepted while its sale wasn't known is told apart by the item. Of a receipt whose sale
 * nobody knows at all it can only be asked whether it is the same piece: that is an exception, and
 * no conflict.
 *
 * The return that came to the hub later is the one that conflicts: return.conflicted says what of
 * it no sale stands behind, which the ledger moves to suspense. The money that was paid is never
 * taken back here; an exception says what a person must decide. Inside the caller's transaction.
 */
#ifndef SYNC_HUB_CONNECT_CLAIM_H
#define SYNC_HUB_CONNECT_CLAIM_H

#include "sync/hub/connect/claim_item.h"
#include "sync/hub/connect/told.h"
#include "sync/hub/ingest/exception.h"

enum { CLAIM_LINES_MAX = 200 };

struct claim_line {
    int64_t line; /* of the receipt; without a sale, of the return alone */
    int64_t quantity;
    int64_t sold; /* of the line on the receipt; 0: no sale is known */
    struct claim_item item;
    int64_t item_sold; /* of the item on the whole receipt; 0: no sale is known */
};

struct claim {
    struct id correlation;
    const char *receipt;
    const char *number;             /* of the return, for people */
    const struct id *authorisation; /* under which it was returned; NULL: none */
    const struct claim_line *lines;
    size_t count;
    bool pending_check; /* return.checked answers it */
    int64_t expires_ms; /* of what is authorised: it is promised until then; 0: until it is used */
    int64_t now_ms;
    struct told *told;
};

/* A return was accepted. */
enum err claim_return(struct database *db, const struct claim *claim,
                      struct fault *fault) MUST_CHECK;
/*
 * How many pieces of the line others than `correlation` returned under the authorisation.
 */
enum err claim_used(struct database *db, const struct claim *claim, int64_t line, int64_t *quantity,
                    struct fault *fault) MUST_CHECK;
/* It was voided, declined, or failed its check: its goods may come back once more. */
enum err claim_end(struct database *db, const struct id *correlation,
                   struct fault *fault) MUST_CHECK;
/*
 * Somebody outside asks to allow one: ERR_REFUSED names the line of which nothing is left, with
 * what was authorised before, and has not expired, counted as well. Counts it.
 */
enum err claim_authorise(struct database *db, const struct claim *claim,
                         struct fault *fault) MUST_CHECK;

#endif
