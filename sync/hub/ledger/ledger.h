/*
 * The ledger: what an event of a return means in the books. A function from (the return's
 * position, its next event, the company's books) to (its next position, balanced entries); no
 * clock, no input or output, no memory of its own. The same events in the same order give the same
 * entries, byte for byte. Any thread.
 *
 * The order: each source of events (an appliance, the centre) numbers its events of a return from
 * 1 without a gap. Events of the centre are applied where the centre makes them; a rebuild applies
 * all in the order in which they were applied first.
 *
 * What is promised of the entries: debits equal credits; a reference occurs once; a void, a
 * refusal or a failed check takes back exactly what was booked; what is paid on a return that was
 * taken back goes to suspense and never stays on refunds payable; what no sale stands behind goes
 * to suspense and never reverses tax.
 */
#ifndef SYNC_HUB_LEDGER_LEDGER_H
#define SYNC_HUB_LEDGER_LEDGER_H

#include "sync/hub/ledger/books.h"
#include "sync/hub/ledger/position.h"

enum ledger_turn {
    LEDGER_NEXT, /* apply it now */
    LEDGER_HELD, /* an earlier event, or return.created, isn't there yet */
    LEDGER_DONE, /* applied before */
};

enum ledger_turn ledger_turn(const struct position *position, const struct milestone *milestone);

/* New entries: the last `count` of after->entries. */
struct ledger_result {
    struct position after;
    struct entry *entries;
    size_t count;
};

/*
 * Applies an event. LEDGER_DONE gives the same position and no entries. ERR_BUSY: not yet, hold it
 * (its turn hasn't come, or it speaks of goods that weren't received yet). ERR_NOT_FOUND: the
 * chart lacks an account or the books a company. ERR_INVALID, ERR_REFUSED, ERR_CONFLICT,
 * ERR_TOO_LARGE: park it. `before` and the milestone's texts are copied where needed: the result
 * lives in `arena` and borrows from `before` and `books` only.
 */
enum err ledger_apply(const struct books *books, const struct position *before,
                      const struct milestone *milestone, struct arena *arena,
                      struct ledger_result *result, struct fault *fault) MUST_CHECK;

#endif
