/*
 * Files that survive the plug being pulled: whole-file replacement, directory syncs, the lock on a
 * state directory, free space. Every call blocks on the disk. Any thread.
 */
#ifndef HAL_STORAGE_H
#define HAL_STORAGE_H

#include "hal/base/sha256.h"

#include <sys/types.h>

/* Makes a directory (0700) and syncs its parent; fine if it is there. */
enum err storage_make_folder(const char *path, struct fault *fault) MUST_CHECK;
enum { STORAGE_SCRATCH_MAX = 32 };
/*
 * Makes a directory of our own (0700) below /tmp, for what isn't kept. Its path is short: that of a
 * Unix socket in it has at most 107 bytes. The caller removes it; "" after a failure.
 */
enum err storage_make_scratch(char path[static STORAGE_SCRATCH_MAX],
                              struct fault *fault) MUST_CHECK;
/* Syncs a directory, so that names made or removed in it last. */
enum err storage_sync_folder(const char *path, struct fault *fault) MUST_CHECK;

/*
 * Replaces a file as a whole: written beside it, synced, renamed, directory synced. A crash leaves
 * the old or the new, never a mixture. One writer at a time for a path: what is written beside it
 * is named PATH.new.
 */
enum err storage_replace(const char *path, struct slice content, mode_t mode,
                         struct fault *fault) MUST_CHECK;
/* Reads a whole file into `out` (appended); ERR_TOO_LARGE above the buffer's cap. */
enum err storage_read(const char *path, struct buf *out, struct fault *fault) MUST_CHECK;
/* The hash of a file that may be large. */
enum err storage_hash(const char *path, struct sha256 *hash, struct fault *fault) MUST_CHECK;
/* Removes and syncs the directory; ERR_OK if it was not there. */
enum err storage_remove(const char *path, struct fault *fault) MUST_CHECK;

/*
 * The lock that keeps a second process out of a state directory (flock on DIR/lock, which also
 * tells the holder's process id). ERR_LOCKED names that process. Released by storage_unlock or by
 * the process's end, however it ends.
 */
enum err storage_lock(const char *folder, int *lock, struct fault *fault) MUST_CHECK;
void storage_unlock(int lock);

/* Bytes that an unprivileged writer may still use on the file system of `path`. */
enum err storage_free_bytes(const char *path, uint64_t *bytes, struct fault *fault) MUST_CHECK;

/* Joins folder and name into `out` (a buffer of `size` bytes): ERR_TOO_LARGE if it doesn't fit. */
enum err storage_path(char *out, size_t size, const char *folder, const char *name) MUST_CHECK;

#endif
