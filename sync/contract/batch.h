/*
 * A batch of events on the road: a CloudEvents JSON batch (application/cloudevents-batch+json),
 * the stored bodies byte for byte, contiguous in one log, and its header in MQTT 5 user
 * properties: log_id, stream, first, last, prev, hash; for a fork also parent_log, parent_seq and
 * parent_hash; content-encoding when compressed (compression.h). Pure; any thread.
 */
#ifndef SYNC_CONTRACT_BATCH_H
#define SYNC_CONTRACT_BATCH_H

#include "sync/contract/chain.h"
#include "sync/contract/event.h"

enum {
    BATCH_EVENTS_MAX = 500,
    BATCH_BYTES_MAX = 512 * 1024,
};

struct batch_header {
    struct id log;
    enum stream stream;
    int64_t first;
    int64_t last;
    struct sha256 prev; /* the chain before `first` */
    struct sha256 hash; /* the chain at `last` */
    bool has_parent;
    struct chain_parent parent;
};

/* Calls `put` once for each property that the header needs. */
typedef void batch_put(void *context, const char *name, const char *value);
void batch_header_write(const struct batch_header *header, batch_put *put, void *context);

/* Reads properties through `get`, which returns NULL for one that is not there. */
typedef const char *batch_get(void *context, const char *name);
enum err batch_header_read(struct batch_header *header, batch_get *get, void *context,
                           struct fault *fault) MUST_CHECK;

/* Body: begin, one add for each event, end. Failure is the buffer's. */
void batch_begin(struct buf *out);
void batch_add(struct buf *out, struct slice body);
void batch_end(struct buf *out);

/*
 * Cuts a batch's body into its events' exact bytes, without re-serialising: `bodies` gets at most
 * `max` slices into `text`. Checks size, depth, count and that each item is one JSON object with
 * nothing but ',' between. Does not read the events.
 */
enum err batch_cut(struct slice text, struct slice *bodies, size_t max, size_t *count,
                   struct fault *fault) MUST_CHECK;
/*
 * Checks that the bodies lead from header->prev to header->hash and are last - first + 1.
 * `hashes`, unless NULL, gets the chain at each of them, as far as it was reckoned.
 */
enum err batch_verify(const struct batch_header *header, const struct slice *bodies, size_t count,
                      struct sha256 *hashes, struct fault *fault) MUST_CHECK;

#endif
