#include "agent/service/not_started.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum err find(char path[static PATH_MAX], const char *folder, struct fault *fault)
{
    return storage_path(path, PATH_MAX, folder, "not-started.txt") == ERR_OK
               ? ERR_OK
               : fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long");
}

enum err not_started_note(const char *folder, enum err why, const struct fault *told,
                          struct fault *fault)
{
    char path[PATH_MAX];
    char before[NOT_STARTED_MAX];
    char line[NOT_STARTED_MAX];
    (void)snprintf(line, sizeof line, "%s%s%s", told->where, told->where[0] ? ": " : "",
                   told->text);
    if (why == ERR_LOCKED || access(folder, F_OK) != 0)
        return ERR_OK;
    if (not_started_read(folder, before) && strcmp(before, line) == 0)
        return ERR_OK; /* the supervisor tries each second, and the disk is to be spared */
    enum err err = find(path, folder, fault);
    return err ? err : storage_replace(path, slice_of(line), 0600, fault);
}

bool not_started_read(const char *folder, char why[static NOT_STARTED_MAX])
{
    char path[PATH_MAX];
    struct buf text CLEANUP(buf_free);
    buf_init(&text, NOT_STARTED_MAX - 1);
    if (find(path, folder, NULL) != ERR_OK || storage_read(path, &text, NULL) != ERR_OK)
        return false;
    (void)snprintf(why, NOT_STARTED_MAX, "%.*s", (int)text.len, text.len ? text.data : "");
    return true;
}

enum err not_started_forget(const char *folder, struct fault *fault)
{
    char path[PATH_MAX];
    enum err err = find(path, folder, fault);
    return err ? err : storage_remove(path, fault);
}
