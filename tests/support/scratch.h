/* A folder of its own for a test, made under TMPDIR (or /tmp) and removed with all it holds. */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

#include <stddef.h>

enum { SCRATCH_PATH_MAX = 512 };

struct scratch {
    char path[256];
};

/* Ends the test program when no folder can be made. */
void scratch_make(struct scratch *scratch);
void scratch_remove(struct scratch *scratch);
/* The path of `name` in it; `path` has room for SCRATCH_PATH_MAX bytes. Returns `path`. */
const char *scratch_path(const struct scratch *scratch, const char *name,
                         char path[static SCRATCH_PATH_MAX]);
/* Writes a whole file. */
void scratch_write(const char *path, const void *data, size_t len);

#endif
