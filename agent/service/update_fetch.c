#include "agent/service/update_fetch.h"
#include "hal/storage.h"
#include "sync/transport/download.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { KIB = 1024 };

/* Left free beside a bundle: what a store's returns need comes first. */
#define SPARE_BYTES (INT64_C(64) << 20)

struct update_fetch {
    struct worker_job job; /* first: the job is the fetch */
    struct release release;
    char part[PATH_MAX];
    char bundle[PATH_MAX];
    char ca_file[PATH_MAX];
    update_fetch_ended *ended;
    void *context;
    bool stop; /* set on the loop's thread, read on the worker's */
    enum err err;
    struct fault fault;
};

/* --- Worker's thread ------------------------------------------------------------------------- */

static enum err take_bundle(struct update_fetch *fetch)
{
    struct sha256 hash;
    char found[SHA256_TEXT + 1];
    enum err err = storage_hash(fetch->part, &hash, &fetch->fault);
    if (err)
        return err;
    sha256_format(&hash, found);
    if (!sha256_equal(&hash, &fetch->release.hash))
        return fault_set(&fetch->fault, ERR_CONFLICT, "sha256",
                         "what came has another hash: %.16s...", found);
    return rename(fetch->part, fetch->bundle) == 0
               ? ERR_OK
               : fault_errno(&fetch->fault, errno, fetch->bundle, "rename");
}

/* How large the file may become. */
static int64_t room(const struct update_fetch *fetch)
{
    uint64_t left;
    struct stat there;
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", fetch->part);
    *strrchr(folder, '/') = '\0';
    if (storage_free_bytes(folder, &left, NULL) != ERR_OK)
        return 0;
    return (int64_t)left - SPARE_BYTES + (stat(fetch->part, &there) == 0 ? there.st_size : 0);
}

static void run(struct worker_job *job)
{
    struct update_fetch *fetch = (struct update_fetch *)job;
    const struct release *release = &fetch->release;
    const int64_t most = release->bytes ? release->bytes : RELEASE_BYTES_MAX;
    const int64_t may = room(fetch);
    const struct download download = {
        .url = release->url,
        .path = fetch->part,
        .ca_file = fetch->ca_file[0] ? fetch->ca_file : NULL,
        .bytes_max = most < may ? most : may,
        .bytes_per_s = release->kib_per_s * KIB,
        .stop = &fetch->stop,
    };
    fetch->err = download_run(&download, &fetch->fault);
    if (fetch->err == ERR_TOO_LARGE && may < most)
        fetch->err = fault_set(&fetch->fault, ERR_DISK_FULL, "update",
                               "there is no room for the bundle beside the returns");
    if (!fetch->err)
        fetch->err = take_bundle(fetch);
}

/* --- Loop's thread --------------------------------------------------------------------------- */

static void done(struct worker_job *job)
{
    struct update_fetch *fetch = (struct update_fetch *)job;
    if (job->ran && !fetch->stop)
        fetch->ended(fetch->context, fetch->err, &fetch->fault);
    free(fetch);
}

enum err update_fetch_begin(struct update_fetch **out, struct worker *worker,
                            const struct update_fetch_order *order, update_fetch_ended *ended,
                            void *context, struct fault *fault)
{
    struct update_fetch *fetch = calloc(1, sizeof *fetch);
    if (!fetch)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    fetch->job = (struct worker_job){.run = run, .done = done};
    fetch->release = *order->release;
    fetch->ended = ended;
    fetch->context = context;
    (void)snprintf(fetch->part, sizeof fetch->part, "%s", order->part);
    (void)snprintf(fetch->bundle, sizeof fetch->bundle, "%s", order->bundle);
    (void)snprintf(fetch->ca_file, sizeof fetch->ca_file, "%s",
                   order->ca_file ? order->ca_file : "");
    worker_submit(worker, &fetch->job);
    *out = fetch;
    return ERR_OK;
}

void update_fetch_stop(struct update_fetch *fetch)
{
    if (fetch)
        __atomic_store_n(&fetch->stop, true, __ATOMIC_RELAXED);
}
