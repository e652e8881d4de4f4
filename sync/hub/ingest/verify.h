/*
 * Whether the hub's database still holds what was put into it: its tables, pages and references are
 * sound, each event is the one whose hash was kept, and each log's chain leads from its origin to
 * its watermark, with nothing above it but what is said to be held. Beside a running hub, in short
 * snapshots; the one look at all pages of a file, which takes long, gives way when the write-ahead
 * log has grown too far meanwhile, and begins anew later. Blocks on the disk for as long as there
 * are events. Changes nothing.
 *
 * It can't tell that a table is wrong of which no hash is kept; what follows from the events is
 * made again by a rebuild.
 */
#ifndef SYNC_HUB_INGEST_VERIFY_H
#define SYNC_HUB_INGEST_VERIFY_H

#include "sync/hub/ingest/hubdb.h"

struct verify_finding {
    const char *what; /* wal, pages, reference, event, chain, unreadable */
    char text[FAULT_TEXT_MAX];
};

struct verified {
    int64_t events;
    int64_t logs;
    int64_t findings;
    int64_t gave_way; /* looks that were begun anew */
};

struct verify_wish {
    void (*report)(void *context, const struct verify_finding *finding);
    /* NULL: to the end. False ends it early. Asked on a thread of its own, too. */
    bool (*goes_on)(void *context);
    void *context;
};

/* An error only when it could not look; what it sees is reported. `hub` is no one else's meanwhile.
 */
enum err verify_hub(struct hubdb *hub, const struct verify_wish *wish, struct verified *verified,
                    struct fault *fault) MUST_CHECK;
/* What came last: the newest events, and where each log's chain stands. Quick. */
enum err verify_tail(struct hubdb *hub, const struct verify_wish *wish,
                     struct fault *fault) MUST_CHECK;
/* The write-ahead log beside a database file: before it is opened, or beside a running hub. */
enum err verify_wal(const char *database, const struct verify_wish *wish, int64_t *findings,
                    struct fault *fault) MUST_CHECK;

#endif
