/*
 * A connector that keeps the books as a file of plain-text accounting, for companies that use
 * hledger or ledger and for trying things out. Entries are appended and synced, and read back from
 * the file before they count as posted. A transaction that a crash cut off is taken away at the
 * next opening; it was never told as posted. The file is locked against other hubs.
 *
 * Remembers 40 bytes in memory for each transaction.
 */
#ifndef SYNC_HUB_CONNECT_LEDGER_FILE_H
#define SYNC_HUB_CONNECT_LEDGER_FILE_H

#include "sync/hub/connect/connector.h"

/* ERR_LOCKED when another process has the file. */
enum err ledger_file_open(const char *path, struct connector *connector,
                          struct fault *fault) MUST_CHECK;

#endif
