/* A real file system of a few megabytes, for tests that fill it: ext4 on a loop device. Needs root.
 */
#ifndef TESTS_SUPPORT_SMALL_DISK_H
#define TESTS_SUPPORT_SMALL_DISK_H

#include "tests/support/scratch.h"

#include <stdbool.h>
#include <stdint.h>

struct small_disk {
    struct scratch scratch;
    char path[SCRATCH_PATH_MAX]; /* where it is mounted */
};

/* False, with a message, when this process may not mount. */
bool small_disk_make(struct small_disk *disk, int megabytes);
void small_disk_remove(struct small_disk *disk);
/* Takes all the space that is left, and gives it back. */
void small_disk_fill(const struct small_disk *disk);
void small_disk_relieve(const struct small_disk *disk);
int64_t small_disk_free(const struct small_disk *disk);

#endif
