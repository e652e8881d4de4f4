#include "hal/time_floor.h"
#include "hal/base/cleanup.h"
#include "hal/base/rfc3339.h"
#include "hal/storage.h"

#include <limits.h>
#include <string.h>

enum { TEXT_MAX = 64 };

static enum err path_of(const char *folder, char *path, struct fault *fault)
{
    return storage_path(path, PATH_MAX, folder, "clock")
               ? fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long")
               : ERR_OK;
}

int64_t time_floor_read(const char *folder, int64_t build_ms)
{
    char path[PATH_MAX];
    struct buf text CLEANUP(buf_free);
    buf_init(&text, TEXT_MAX);
    int64_t written_ms;
    if (path_of(folder, path, NULL) || storage_read(path, &text, NULL))
        return build_ms;
    struct slice line = buf_slice(&text);
    if (line.len && line.data[line.len - 1] == '\n')
        line.len--;
    if (rfc3339_parse(line, &written_ms) || written_ms < build_ms)
        return build_ms;
    return written_ms;
}

enum err time_floor_write(const char *folder, int64_t wall_ms, struct fault *fault)
{
    char path[PATH_MAX];
    char text[RFC3339_TEXT + 2];
    rfc3339_format(wall_ms, text);
    text[strlen(text) + 1] = '\0';
    text[strlen(text)] = '\n';
    enum err err = path_of(folder, path, fault);
    return err ? err : storage_replace(path, slice_of(text), 0600, fault);
}
