/*
 * The journal as a file for accountants: read from the database some entries at a time, written as
 * CSV or plain-text accounting. Reads only, in short transactions: an entry that is made meanwhile
 * for a day that was passed is in the next export. Blocks on the disk.
 */
#ifndef SYNC_HUB_CONNECT_EXPORT_H
#define SYNC_HUB_CONNECT_EXPORT_H

#include "hal/database.h"

enum export_format { EXPORT_CSV, EXPORT_LEDGER };

/* "csv", "ledger": ERR_INVALID for others. */
enum err export_format_find(const char *name, enum export_format *format,
                            struct fault *fault) MUST_CHECK;

/* Takes each piece of text; an error ends the export. */
typedef enum err export_sink(void *context, struct slice text, struct fault *fault);

/* Entries of document days `from_day` to `to_day`, both included, since 1970-01-01; by day. */
enum err export_journal(struct database *db, enum export_format format, int64_t from_day,
                        int64_t to_day, export_sink *sink, void *context,
                        struct fault *fault) MUST_CHECK;

#endif
