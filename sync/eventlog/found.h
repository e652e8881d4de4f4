/*
 * What a scan of damaged files found: candidates, before salvage judges them. In temporary tables
 * of the database that is being made; one thread, in its caller's transaction.
 */
#ifndef SYNC_EVENTLOG_FOUND_H
#define SYNC_EVENTLOG_FOUND_H

#include "sync/eventlog/logs.h"

struct found_event {
    int64_t ordinal;
    struct slice correlation;
    struct slice key;
    struct slice body;
    struct slice digest; /* of the body */
};

/*
 * Scans both files. Messages, which no chain proves, go in their table, and so do the notes of
 * earlier losses, by their proofs where there are any.
 */
enum err found_scan(struct database *db, struct database_statements *sql, const char *database_path,
                    const char *wal_path, struct fault *fault) MUST_CHECK;
/* Sets the inbox's watermark to what is contiguous, and drops the temporary tables. */
enum err found_end_scan(struct database *db, struct database_statements *sql,
                        struct fault *fault) MUST_CHECK;

/*
 * The numbers of a stream's logs, oldest first, of which anything was found; `newest` (NULL: nobody
 * knows) is the id of the newest.
 */
enum err found_numbers(struct database_statements *sql, enum stream stream, const struct id *newest,
                       int64_t *numbers, size_t max, size_t *count, struct fault *fault) MUST_CHECK;
/*
 * The log's row, if one was found: the newest whose origin is right, or which tells what was before
 * an event that is here. That event is its first, whatever the row says.
 */
enum err found_log(struct database_statements *sql, int64_t no, struct log_row *row, bool *found,
                   struct fault *fault) MUST_CHECK;
/* Where the log ended: at its fork, or with the last row found; 0 when nothing was. */
enum err found_end(struct database_statements *sql, int64_t no, int64_t *end,
                   struct fault *fault) MUST_CHECK;
/* Rows of (row, pos, hash, body), by pos; the caller steps and resets. */
enum err found_events(struct database_statements *sql, int64_t no, int64_t first, int64_t last,
                      struct statement **events, struct fault *fault) MUST_CHECK;
/* One row, as borrowed from *statement until the caller resets it. */
enum err found_event(struct database_statements *sql, int64_t row, struct statement **statement,
                     struct found_event *event, struct fault *fault) MUST_CHECK;
/* Notes a body as taken; *fresh is false when it was taken before. */
enum err found_take(struct database_statements *sql, struct slice digest, bool *fresh,
                    struct fault *fault) MUST_CHECK;
/* Puts the row into the log table as it was, with nothing acknowledged. */
enum err found_keep_log(struct database_statements *sql, const struct log_row *row,
                        struct fault *fault) MUST_CHECK;

#endif
