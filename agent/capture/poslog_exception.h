/*
 * The exception that a refused transaction of a POSLog document means, or a document that nobody
 * can read: who sent it may never read the answer, and the till may have paid out what no ledger
 * knows of. Pure, any thread.
 */
#ifndef AGENT_CAPTURE_POSLOG_EXCEPTION_H
#define AGENT_CAPTURE_POSLOG_EXCEPTION_H

#include "agent/capture/poslog_order.h"

enum { POSLOG_EXCEPTION_KEY_TEXT = 7 + 40 };

/*
 * Writes the order for CAPTURE_RAISE, and the key that the same refusal of the same transaction
 * has each time.
 */
void poslog_exception(const struct poslog_order *order, const char *code, const struct fault *why,
                      struct buf *body, char key[static POSLOG_EXCEPTION_KEY_TEXT + 1]);
/* The same of a whole document, called `name` where it lies. */
void poslog_exception_of_document(const char *name, struct slice xml, const struct fault *why,
                                  struct buf *body, char key[static POSLOG_EXCEPTION_KEY_TEXT + 1]);

#endif
