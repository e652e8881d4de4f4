/*
 * Fetches one large file over HTTP or HTTPS into a file, by libcurl: goes on where an earlier try
 * ended (Range, RFC 9110 section 14), holds itself to a rate and to a size, gives up when nothing
 * comes, and syncs what came. Redirects are not followed: the address is the one that was meant.
 * Whether the bytes are the right ones the caller judges, by their hash.
 *
 * Blocks until it has ended: for a thread of its own. `stop` is read while it runs.
 */
#ifndef SYNC_TRANSPORT_DOWNLOAD_H
#define SYNC_TRANSPORT_DOWNLOAD_H

#include "hal/base/fault.h"

#include <stdint.h>

struct download {
    const char *url;
    const char *path;    /* grows; what it holds at the start is taken as the beginning */
    const char *ca_file; /* PEM; NULL: the system's */
    int64_t bytes_max;
    int64_t bytes_per_s; /* 0: no limit */
    int64_t stall_s;     /* without a byte for so long, it ends; 60 when 0 */
    bool *stop;          /* set from another thread (atomically): ERR_CLOSED soon after */
    /* So much is in the file, of so much (0: not known). Same thread; often. */
    void (*progress)(void *context, int64_t bytes, int64_t total);
    void *context;
};

/*
 * ERR_OK: the server has sent all that it has. ERR_UNREACHABLE, ERR_TLS, ERR_TIMEOUT, ERR_CLOSED:
 * what is there may be gone on with. ERR_NOT_FOUND, ERR_REFUSED (with the status): it won't.
 * ERR_TOO_LARGE: more than `bytes_max`. ERR_DISK_FULL, ERR_IO: the file.
 */
enum err download_run(const struct download *download, struct fault *fault) MUST_CHECK;

#endif
