/*
 * A release that an appliance is to install: where its signed bundle is, what its bytes must hash
 * to, and when the appliance may restart into it. The same object is the command "update"'s
 * arguments and `updates.release` of a configuration. Whether a bundle is to be trusted its own
 * signature says, to the appliance's installer; the hash says that it is the one that was meant.
 * Pure; any thread.
 */
#ifndef SYNC_CONTRACT_RELEASE_H
#define SYNC_CONTRACT_RELEASE_H

#include "hal/base/jsonw.h"
#include "hal/base/sha256.h"

enum {
    RELEASE_VERSION_MAX = 32,
    RELEASE_URL_MAX = 512,
    RELEASE_TEXT_MAX = 2048,
    RELEASE_DAY_MINUTES = 24 * 60,
};

#define RELEASE_BYTES_MAX (INT64_C(2) << 30)

/* In UTC, every day; it may go over midnight. `from` equal to `to`: at any time. */
struct release_window {
    int from_minute; /* of the day */
    int to_minute;
};

struct release {
    char version[RELEASE_VERSION_MAX + 1];
    char url[RELEASE_URL_MAX + 1]; /* http or https */
    struct sha256 hash;
    int64_t bytes;     /* of the bundle; 0: not told, RELEASE_BYTES_MAX at most */
    int64_t kib_per_s; /* of the download; 0: as quick as it goes */
    struct release_window window;
};

/* Reads an object. ERR_INVALID with the member that is wrong. */
enum err release_read(struct slice text, struct release *release, struct fault *fault) MUST_CHECK;
/* Writes the members into the open object. */
void release_write(struct jsonw *w, const struct release *release);
/* The same bytes under the same version. */
bool release_equal(const struct release *a, const struct release *b);
/* Whether the window is open at that time. */
bool release_window_open(const struct release_window *window, int64_t wall_ms);

#endif
