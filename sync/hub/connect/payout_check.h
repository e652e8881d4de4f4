/*
 * Payouts: the lines of a provider's batch must sum to what it says it pays out, and that must come
 * in at the bank. Inside the caller's transaction; for reconcile.c.
 */
#ifndef SYNC_HUB_CONNECT_PAYOUT_CHECK_H
#define SYNC_HUB_CONNECT_PAYOUT_CHECK_H

#include "hal/database.h"
#include "sync/hub/connect/settlement.h"

/* A provider's line counts towards its batch. */
enum err payout_add(struct database *db, const char *format, const struct settlement_line *line,
                    struct fault *fault) MUST_CHECK;
/* All lines of the file were added: what the bank said around its days is to be asked anew. */
enum err payout_release(struct database *db, int64_t file_no, struct fault *fault) MUST_CHECK;
/*
 * What the bank says: the payout that came in, by its reference or batch in the bank's text, else
 * by its amount; of what the bank took from us, the payout below zero of that amount. One that the
 * bank took back is waited for again. *found false: none is known yet. Lines come by their days,
 * so that the end doesn't depend on which file came first.
 */
enum err payout_bank(struct database *db, int64_t line_no, const struct settlement_line *line,
                     bool *found, struct fault *fault) MUST_CHECK;
/* Nothing waits to be looked at: payouts of which something was said since must be whole. */
enum err payout_check(struct database *db, int64_t now_ms, struct fault *fault) MUST_CHECK;

#endif
