/*
 * The hub's row of one log, and the ranges it holds above `through`. Inside the caller's
 * transaction.
 */
#ifndef SYNC_HUB_INGEST_STREAM_LOG_H
#define SYNC_HUB_INGEST_STREAM_LOG_H

#include "hal/database.h"
#include "sync/contract/ack.h"

struct stream_log {
    int64_t no; /* the database's own number */
    struct id id;
    char device[DEVICE_ID_MAX + 1];
    enum stream stream;
    bool has_parent;
    struct chain_parent parent;
    int64_t through;
    struct sha256 hash; /* the chain there; the log's origin at 0 */
    int64_t backed_up_through;
    int64_t ack_no;
    bool recalled; /* some of it was asked for again: see recall.h */
};

enum err stream_log_find(struct database *db, const struct id *id, bool *found,
                         struct stream_log *log, struct fault *fault) MUST_CHECK;
/* The one that the centre keeps itself. */
enum err stream_log_centre(struct database *db, bool *found, struct stream_log *log,
                           struct fault *fault) MUST_CHECK;
/* The same of a row that begins with the columns of centre_log. */
enum err stream_log_read_centre(struct statement *s, struct stream_log *log,
                                struct fault *fault) MUST_CHECK;
/* `log` with device, stream, id and parent set; fills the rest. */
enum err stream_log_insert(struct database *db, struct stream_log *log, int64_t now_ms,
                           struct fault *fault) MUST_CHECK;
enum err stream_log_update(struct database *db, const struct stream_log *log, int64_t now_ms,
                           struct fault *fault) MUST_CHECK;
/* The database's number of the device's newest log of a stream; 0 when it has none. */
enum err stream_log_newest(struct database *db, const char *device, enum stream stream, int64_t *no,
                           struct fault *fault) MUST_CHECK;
/* The chain hash of one place; *found false when nothing is there. */
enum err stream_log_hash_at(struct database *db, const struct stream_log *log, int64_t seq,
                            bool *found, struct sha256 *hash, struct fault *fault) MUST_CHECK;

/* Adds [first, last] to what is held, melting it with its neighbours. */
enum err held_add(struct database *db, const struct stream_log *log, struct ack_range range,
                  struct fault *fault) MUST_CHECK;
/* Takes everything up to `last` out of the held ranges. */
enum err held_cut(struct database *db, const struct stream_log *log, int64_t last,
                  struct fault *fault) MUST_CHECK;
/* Asks a server ahead for what held_list will want; nothing is added or cut in between. */
enum err held_ask(struct database *db, const struct stream_log *log, size_t max,
                  struct fault *fault) MUST_CHECK;
/* The lowest `max` ranges. */
enum err held_list(struct database *db, const struct stream_log *log, struct ack_range *ranges,
                   size_t max, size_t *count, struct fault *fault) MUST_CHECK;

#endif
