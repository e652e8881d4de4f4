/*
 * One try to fetch a release's bundle on a worker's thread: what is there already is gone on with,
 * returns keep room on the disk, and what came is taken for the bundle only with the right hash.
 * Loop thread; the file's growth is the progress.
 */
#ifndef AGENT_SERVICE_UPDATE_FETCH_H
#define AGENT_SERVICE_UPDATE_FETCH_H

#include "hal/worker.h"
#include "sync/contract/release.h"

struct update_fetch;

struct update_fetch_order {
    const struct release *release;
    const char *part;    /* an absolute path: what is not whole yet; may be there */
    const char *bundle;  /* a path on the same file system: becomes the bundle */
    const char *ca_file; /* NULL: the system's */
};

/*
 * Comes once, unless it was stopped. ERR_OK: the bundle is there. ERR_CONFLICT: another file came.
 * Else as download_run (sync/transport/download.h); ERR_DISK_FULL also when returns need the room.
 */
typedef void update_fetch_ended(void *context, enum err err, const struct fault *fault);

/* Everything of the order is copied. */
enum err update_fetch_begin(struct update_fetch **fetch, struct worker *worker,
                            const struct update_fetch_order *order, update_fetch_ended *ended,
                            void *context, struct fault *fault) MUST_CHECK;
/* Nothing comes any more. Takes NULL; not to be called after `ended`. */
void update_fetch_stop(struct update_fetch *fetch);

#endif
