#include "tests/support/fuzz_ground.h"

#include <stdio.h>
#include <stdlib.h>

static struct scratch folder;

/* Threads of a target may still be at work in it. */
static void clear_away(void)
{
    char command[SCRATCH_PATH_MAX];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder.path);
    (void)!system(command);
}

const struct scratch *fuzz_folder(void)
{
    if (!*folder.path) {
        scratch_make(&folder);
        (void)atexit(clear_away);
    }
    return &folder;
}

void fuzz_must(enum err err, const struct fault *fault)
{
    if (!err)
        return;
    (void)fprintf(stderr, "%s: %s\n", fault->where, fault->text);
    abort();
}
