/*
 * A log as an appliance would make it, in memory: bodies, chain, and the batches of it that the
 * uplink would send.
 */
#ifndef TESTS_SUPPORT_SENT_LOG_H
#define TESTS_SUPPORT_SENT_LOG_H

#include "sync/hub/ingest/ingest.h"

enum { SENT_LOG_MAX = 200 };

struct sent_log {
    struct id log;
    enum stream stream;
    bool has_parent;
    struct chain_parent parent;
    size_t count;
    char *bodies[SENT_LOG_MAX];             /* [0] is seq 1 */
    struct sha256 hashes[SENT_LOG_MAX + 1]; /* [n] is the chain at seq n */
    struct slice slices[SENT_LOG_MAX];
};

/* A made-up id: 1 are logs, 2 events, 3 returns. */
struct id sent_id(int kind, int number);
/* A log of the stream returns. `parent`: NULL, or where it forks from. */
void sent_log_init(struct sent_log *log, int number, const struct chain_parent *parent);
void sent_log_free(struct sent_log *log);
void sent_log_add_body(struct sent_log *log, const char *body);
/* An event of that number; the same number and text make the same bytes. */
void sent_log_add(struct sent_log *log, int number, const char *text);
void sent_event_write(struct buf *out, int number, const char *text);
/* Events numbered from `first` on. */
void sent_log_fill(struct sent_log *log, int first, int count);
/* Borrows from the log. */
struct ingest_batch sent_log_batch(const struct sent_log *log, const char *device, int64_t first,
                                   int64_t last);

#endif
