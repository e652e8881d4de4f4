/*
 * The books of all companies, from the document that the settings name. Blocks.
 */
#ifndef SYNC_HUB_BOOKS_FILE_H
#define SYNC_HUB_BOOKS_FILE_H

#include "hal/settings.h"
#include "sync/hub/ledger/books.h"

/* What `ledger.books` names, or the default books; books_close them, after a failure too. */
enum err books_file_read(const struct settings *settings, struct books *books,
                         struct fault *fault) MUST_CHECK;

#endif
