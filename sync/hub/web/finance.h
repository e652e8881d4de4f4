/*
 * What finance asks: settlement files, refunds and their ages, payouts, exceptions, and how it
 * stands with the systems outside. Reads only.
 */
#ifndef SYNC_HUB_WEB_FINANCE_H
#define SYNC_HUB_WEB_FINANCE_H

#include "sync/hub/web/answers.h"

answers_write finance_files;          /* ?from= */
answers_write finance_lines;          /* ?from=, ?state= */
answers_write finance_refunds;        /* ?from=, ?state= */
answers_write finance_payments;       /* ?from=, ?state=: what the hub has paid out */
answers_write finance_connectors;     /* systems outside: do they answer, and what waits for them */
answers_write finance_outlets;        /* systems that are told events, and how far each is */
answers_write finance_deliveries;     /* ?from=, ?state=: what one of them did not take */
answers_write finance_batches;        /* ?from=, ?state=open: without the bank, or differing */
answers_write finance_reconciliation; /* what waits, by age, currency and kind */
answers_write finance_exceptions;     /* ?from=, ?resolved=yes: the settled ones instead */
answers_write finance_measures;       /* ?from_day=: money by day, times as histograms */
/* ?month=2026-11, ?from=: balances and accruals at its end, and what was posted later or not yet.
 */
answers_write finance_closing;

#endif
