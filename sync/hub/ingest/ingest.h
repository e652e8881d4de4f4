/*
 * Takes batches into the hub's database: every event once, byte for byte, the chain verified.
 *
 * A batch may come twice, late, overlapping or far ahead; the same set of batches in any order
 * leaves the same events, logs and watermarks. What is contiguous moves `through`; what is ahead is
 * held, told in `also`, and verified when the gap before it closes. Of two events that claim the
 * same seq the one that the chain from below leads to stands; the other side is told by the
 * acknowledgement's hash that it has forked, and a person by an exception. An event that can't be
 * read, is of an unknown type or takes another's id is kept and parked alone; it blocks nothing.
 *
 * What can be known of a batch without the database is found out beforehand, by ingest_read on any
 * thread. ingest_batch runs inside the caller's transaction and never commits: the acknowledgement
 * may be sent only after COMMIT. One handle, one thread.
 */
#ifndef SYNC_HUB_INGEST_INGEST_H
#define SYNC_HUB_INGEST_INGEST_H

#include "sync/contract/ack.h"
#include "sync/contract/parked_ask.h"
#include "sync/hub/ingest/hubdb.h"
#include "sync/hub/ingest/reading.h"

struct ingest_batch {
    const char *device; /* whose topic it came on: the broker vouches for that */
    struct batch_header header;
    const struct slice *bodies; /* as batch_cut found them */
    size_t count;
    int64_t received_ms;
    struct reading *readings;    /* of the bodies; the database's thread may park more of them */
    const struct sha256 *hashes; /* the chain at each */
    struct fault unfit;          /* why it is refused, and answered; code 0: it is not */
};

enum { INGEST_ARENA_MAX = 1024 * 1024 }; /* enough to read any batch */

struct ingest_rules {
    int64_t hub_epoch;
    bool backups; /* false: nobody makes backups, and what is durable counts as backed up */
};

enum ingest_verdict {
    INGEST_TAKEN,    /* at least one place in the log was new */
    INGEST_KNOWN,    /* all of it was here before */
    INGEST_CONFLICT, /* it contradicts what is here; the acknowledgement tells the sender */
    INGEST_REFUSED,  /* it is no batch of this device's log */
};

struct ingest_result {
    enum ingest_verdict verdict;
    bool has_ack; /* a refused batch of no known log has none */
    struct ack ack;
    bool newest; /* the device's newest log of this stream: its acknowledgement is retained */
    enum stream stream;
    int64_t taken;  /* places in the log that were new */
    int64_t events; /* events that the hub had never seen */
    int64_t parked;
    struct fault why; /* a conflict's or refusal's */
};

/*
 * Fills in what the bodies are, in the arena, or that they aren't what the header says. Pure; any
 * thread. ERR_NO_MEMORY.
 */
enum err ingest_read(struct ingest_batch *batch, struct arena *arena,
                     struct fault *fault) MUST_CHECK;

/*
 * Stores a batch that ingest_read has read. Errors are the database's; what is wrong with the batch
 * itself is in the verdict.
 */
enum err ingest_batch(struct database *db, const struct ingest_rules *rules,
                      const struct ingest_batch *batch, struct ingest_result *result,
                      struct fault *fault) MUST_CHECK;

/* The acknowledgement as it stands, to be told without a batch. ERR_NOT_FOUND. */
enum err ingest_acknowledgement(struct database *db, const struct ingest_rules *rules,
                                const struct id *log, struct ingest_result *result,
                                struct fault *fault) MUST_CHECK;

/*
 * What else is parked of a log of that device, as an acknowledgement. ERR_NOT_FOUND when it has no
 * such log.
 */
enum err ingest_parked_page(struct database *db, const struct ingest_rules *rules,
                            const char *device, const struct parked_ask *ask, struct ack *ack,
                            struct fault *fault) MUST_CHECK;

/*
 * For a log that a device says it has, and that isn't known here: an acknowledgement up to 0, so
 * that it is sent again from its beginning. Without has_ack when there is nothing to say.
 */
enum err ingest_unknown_log(struct database *db, const struct ingest_rules *rules,
                            enum stream stream, const struct id *log, struct ingest_result *result,
                            struct fault *fault) MUST_CHECK;

#endif
