/*
 * Tax that was taken back against money that was given back: a return whose tax was reversed and
 * whose customer still waits for money is told as an exception some days after it was accepted, and
 * some days after a refund of it failed or came back, settled or not; and settled when no money is
 * owed any more, or no tax is taken back. More money than the return is worth is finding.h's.
 * Inside the caller's transaction.
 */
#ifndef SYNC_HUB_CONNECT_UNPAID_H
#define SYNC_HUB_CONNECT_UNPAID_H

#include "sync/hub/connect/told.h"
#include "sync/hub/ingest/exception.h"

/*
 * Looks at what came to be owed before `before_ms`, each once, a few at a time. *more: there may be
 * further ones.
 */
enum err unpaid_tell(struct database *db, int64_t before_ms, int64_t now_ms, struct told *told,
                     bool *more, struct fault *fault) MUST_CHECK;
/* Money or tax was given, or taken back. Nothing happens while there is a mismatch, or none was
 * told.
 */
enum err unpaid_end(struct database *db, const struct id *correlation, int64_t now_ms,
                    struct fault *fault) MUST_CHECK;

#endif
