#include "tests/support/small_disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static bool mount_image(const char *image, const char *path)
{
    char command[4 * SCRATCH_PATH_MAX];
    (void)snprintf(command, sizeof command,
                   "mkfs.ext4 -q -m 0 -F '%s' && mount -o loop '%s' '%s' 2>/dev/null", image, image,
                   path);
    return system(command) == 0; /* NOLINT(cert-env33-c): a test's own paths */
}

bool small_disk_make(struct small_disk *disk, int megabytes)
{
    char image[SCRATCH_PATH_MAX];
    scratch_make(&disk->scratch);
    scratch_path(&disk->scratch, "image", image);
    scratch_path(&disk->scratch, "disk", disk->path);
    int fd = open(image, O_CREAT | O_RDWR, 0600);
    bool made = fd >= 0 && ftruncate(fd, (off_t)megabytes << 20) == 0 &&
                mkdir(disk->path, 0700) == 0 && geteuid() == 0 && mount_image(image, disk->path);
    (void)close(fd);
    if (made)
        return true;
    (void)printf("skipped: needs root and a loop device, for a file system of its own\n");
    scratch_remove(&disk->scratch);
    return false;
}

void small_disk_remove(struct small_disk *disk)
{
    if (umount2(disk->path, MNT_DETACH) != 0)
        perror(disk->path);
    scratch_remove(&disk->scratch);
}

static void filler_path(const struct small_disk *disk, char path[static SCRATCH_PATH_MAX])
{
    (void)snprintf(path, SCRATCH_PATH_MAX, "%.*s/filler", SCRATCH_PATH_MAX - 16, disk->path);
}

void small_disk_fill(const struct small_disk *disk)
{
    char path[SCRATCH_PATH_MAX];
    static char zeros[65536];
    filler_path(disk, path);
    int fd = open(path, O_CREAT | O_WRONLY | O_APPEND, 0600);
    for (size_t part = sizeof zeros; part >= 512; part /= 2)
        while (write(fd, zeros, part) == (ssize_t)part)
            continue;
    (void)fsync(fd);
    (void)close(fd);
}

void small_disk_relieve(const struct small_disk *disk)
{
    char path[SCRATCH_PATH_MAX];
    filler_path(disk, path);
    (void)unlink(path);
    sync();
}

int64_t small_disk_free(const struct small_disk *disk)
{
    struct statvfs info;
    return statvfs(disk->path, &info) == 0 ? (int64_t)(info.f_bavail * info.f_frsize) : -1;
}
