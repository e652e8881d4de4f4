/*
 * The credit note that a return sale made (tryton_sale.h): set to the entry's accounts, day and tax
 * while it is a draft, compared, posted, and read back. Inside of tryton_sale only; blocks.
 */
#ifndef SYNC_HUB_CONNECT_TRYTON_CREDIT_NOTE_H
#define SYNC_HUB_CONNECT_TRYTON_CREDIT_NOTE_H

#include "sync/hub/connect/tryton_way.h"

/* The next step of it; *done when it is posted and proven, and *posted says under which number. */
enum err tryton_credit_note(struct tryton_way *way, int64_t invoice, struct posted *posted,
                            bool *done) MUST_CHECK;

#endif
