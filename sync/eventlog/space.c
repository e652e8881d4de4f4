#include "sync/eventlog/space.h"
#include "hal/storage.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Below this the next group may not fit, with its write-ahead log and the pages of its indexes. */
enum { LOW_BYTES = 1024 * 1024, TIGHT_BYTES = 8 * LOW_BYTES };

static int64_t free_bytes(const struct space *space)
{
    uint64_t bytes;
    if (storage_free_bytes(space->folder, &bytes, NULL))
        return 0;
    return bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
}

void space_give_up(struct space *space)
{
    space->held = false;
    int fd = open(space->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    /* A file system may keep freed blocks until its journal is written. */
    if (ftruncate(fd, 0) == 0)
        (void)fsync(fd);
    (void)close(fd);
}

static bool lay_down(const struct space *space)
{
    int fd = open(space->path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool laid = posix_fallocate(fd, 0, space->reserve_bytes) == 0;
    if (!laid)
        laid = ftruncate(fd, 0) != 0;
    (void)close(fd);
    return laid;
}

enum err space_open(struct space *space, const char *folder, int64_t reserve_bytes,
                    struct fault *fault)
{
    *space = (struct space){.reserve_bytes = reserve_bytes};
    if (storage_path(space->path, sizeof space->path, folder, "reserve") ||
        storage_path(space->folder, sizeof space->folder, folder, "."))
        return fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long");
    struct stat info;
    space->held = stat(space->path, &info) == 0 && info.st_blocks * 512 >= reserve_bytes;
    space_look(space);
    return ERR_OK;
}

void space_look(struct space *space)
{
    bool before = space->held;
    space->free_bytes = free_bytes(space);
    if (before && space->free_bytes < LOW_BYTES)
        space_give_up(space);
    else if (!before && space->free_bytes >= space->reserve_bytes + 2 * LOW_BYTES)
        space->held = lay_down(space);
    space->tight = !space->held || space->free_bytes < (space->tight ? 2 : 1) * TIGHT_BYTES;
}
