/*
 * The rows of the log table: which logs there are, where each begins, how far it is acknowledged,
 * and the chain at any seq of one. Works on whatever database handle it is given, on its thread.
 */
#ifndef SYNC_EVENTLOG_LOGS_H
#define SYNC_EVENTLOG_LOGS_H

#include "hal/database.h"
#include "sync/contract/chain.h"
#include "sync/contract/event_type.h"
#include "sync/eventlog/log.sql.h"

struct log_row {
    int64_t no; /* stream << 16 | forks before it */
    struct id id;
    bool forked;
    struct chain_parent parent;
    int64_t first_kept;
    struct sha256 before_hash; /* the chain before first_kept */
    int64_t through;
    int64_t backed_up_through;
    int64_t ack_no;
    int64_t hub_epoch;
};

/* Where an event is stored: the order of positions is that of streams, forks, seqs. */
int64_t log_position(int64_t no, int64_t seq);
int64_t log_position_seq(int64_t position);
enum stream log_stream(int64_t no);

/* Reads the row that a statement stands on, with the columns of log_newest. */
enum err log_row_read(struct statement *s, struct log_row *row, struct fault *fault) MUST_CHECK;

/* *found tells whether there is one; `row` is untouched if not. */
enum err log_newest(struct database *db, enum stream stream, struct log_row *row, bool *found,
                    struct fault *fault) MUST_CHECK;
/* The next one by `no`; start with -1. */
enum err log_after(struct database *db, int64_t no, struct log_row *row, bool *found,
                   struct fault *fault) MUST_CHECK;
enum err log_by_id(struct database *db, const struct id *id, struct log_row *row, bool *found,
                   struct fault *fault) MUST_CHECK;

/* Adds an empty log to the table. `parent` may be NULL. */
enum err log_add(struct database *db, int64_t no, const struct id *id,
                 const struct chain_parent *parent, struct log_row *row,
                 struct fault *fault) MUST_CHECK;
/* Writes the four numbers of the acknowledgement. */
enum err log_save_ack(struct database *db, const struct log_row *row,
                      struct fault *fault) MUST_CHECK;

/* The last seq that is there and the chain at it; first_kept - 1 for an empty log. */
enum err log_head(struct database *db, const struct log_row *row, int64_t *seq, struct sha256 *hash,
                  struct fault *fault) MUST_CHECK;
/* The chain at a seq from first_kept - 1 on; *found is false outside. */
enum err log_hash_at(struct database *db, const struct log_row *row, int64_t seq,
                     struct sha256 *hash, bool *found, struct fault *fault) MUST_CHECK;

#endif
