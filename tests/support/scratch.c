#include "tests/support/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static void give_up(const char *doing)
{
    perror(doing);
    exit(1);
}

void scratch_make(struct scratch *scratch)
{
    const char *parent = getenv("TMPDIR");
    (void)snprintf(scratch->path, sizeof scratch->path, "%s/tillback-test-XXXXXX",
                   parent ? parent : "/tmp");
    if (!mkdtemp(scratch->path))
        give_up(scratch->path);
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

void scratch_remove(struct scratch *scratch)
{
    if (nftw(scratch->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
        give_up(scratch->path);
}

const char *scratch_path(const struct scratch *scratch, const char *name,
                         char path[static SCRATCH_PATH_MAX])
{
    (void)snprintf(path, SCRATCH_PATH_MAX, "%s/%s", scratch->path, name);
    return path;
}

void scratch_write(const char *path, const void *data, size_t len)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, len, file) != len || fclose(file) != 0)
        give_up(path);
}
