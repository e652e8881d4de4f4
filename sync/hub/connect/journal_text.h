/*
 * A journal entry as text for accountants' programs: rows of CSV (RFC 4180), or a transaction of
 * plain-text accounting that both hledger and ledger read. Pure, any thread; failure is the
 * buffer's.
 */
#ifndef SYNC_HUB_CONNECT_JOURNAL_TEXT_H
#define SYNC_HUB_CONNECT_JOURNAL_TEXT_H

#include "sync/hub/ledger/entry.h"

/* What became of the entry; `number` may be "". */
struct journal_status {
    const char *state; /* ready, posted, parked, discarded */
    const char *number;
};

/*
 * "2026-11-22 * (<reference>) <text>", comments, a posting for each line, and an empty line, which
 * ends a transaction: without one it is cut off. Characters that mean something to these programs
 * are replaced in texts and account names. Posted entries are marked cleared, others pending.
 */
void journal_text_ledger(struct buf *out, const struct entry *entry, int64_t day,
                         const struct journal_status *status);
void journal_text_csv_head(struct buf *out);
/* A row for each line. Texts that a spreadsheet would take for a formula begin with '. */
void journal_text_csv(struct buf *out, const struct entry *entry,
                      const struct journal_status *status);

#endif
