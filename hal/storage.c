#include "hal/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { CHUNK = 16 * 1024, PID_TEXT = 16 };

enum err storage_path(char *out, size_t size, const char *folder, const char *name)
{
    size_t folder_len = strlen(folder);
    const char *joint = folder_len && folder[folder_len - 1] == '/' ? "" : "/";
    if (folder_len + strlen(joint) + strlen(name) >= size)
        return ERR_TOO_LARGE;
    (void)snprintf(out, size, "%s%s%s", folder, joint, name);
    return ERR_OK;
}

enum err storage_make_scratch(char path[static STORAGE_SCRATCH_MAX], struct fault *fault)
{
    (void)snprintf(path, STORAGE_SCRATCH_MAX, "/tmp/tillback-XXXXXX");
    if (mkdtemp(path))
        return ERR_OK;
    path[0] = '\0';
    return fault_set(fault, ERR_IO, "/tmp", "no folder could be made");
}

enum err storage_sync_folder(const char *path, struct fault *fault)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fault_errno(fault, errno, path, "open folder");
    enum err err = ERR_OK;
    if (fsync(fd) != 0)
        err = fault_errno(fault, errno, path, "sync folder");
    (void)close(fd);
    return err;
}

/* Syncs the directory that holds `path`. */
static enum err sync_parent(const char *path, struct fault *fault)
{
    char parent[PATH_MAX];
    if (strlen(path) >= sizeof parent)
        return fault_set(fault, ERR_TOO_LARGE, path, "the path is too long");
    (void)snprintf(parent, sizeof parent, "%s", path);
    size_t len = strlen(parent);
    while (len > 1 && parent[len - 1] == '/')
        parent[--len] = '\0';
    char *slash = strrchr(parent, '/');
    if (!slash)
        return storage_sync_folder(".", fault);
    slash[slash == parent ? 1 : 0] = '\0';
    return storage_sync_folder(parent, fault);
}

enum err storage_make_folder(const char *path, struct fault *fault)
{
    if (mkdir(path, 0700) == 0)
        return sync_parent(path, fault);
    int error = errno;
    struct stat info;
    if (error == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return ERR_OK;
    return fault_errno(fault, error, path, "make folder");
}

static enum err write_all(int fd, struct slice content, const char *path, struct fault *fault)
{
    while (content.len) {
        ssize_t written = write(fd, content.data, content.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fault_errno(fault, errno, path, "write");
        content.data += written;
        content.len -= (size_t)written;
    }
    return ERR_OK;
}

static enum err write_new(const char *path, struct slice content, mode_t mode, struct fault *fault)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return fault_errno(fault, errno, path, "create");
    enum err err = write_all(fd, content, path, fault);
    if (!err && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
        err = fault_errno(fault, errno, path, "sync");
    if (close(fd) != 0 && !err)
        err = fault_errno(fault, errno, path, "close");
    return err;
}

enum err storage_replace(const char *path, struct slice content, mode_t mode, struct fault *fault)
{
    char beside[PATH_MAX];
    if (strlen(path) + sizeof ".new" > sizeof beside)
        return fault_set(fault, ERR_TOO_LARGE, path, "the path is too long");
    (void)snprintf(beside, sizeof beside, "%s.new", path);
    enum err err = write_new(beside, content, mode, fault);
    if (!err && rename(beside, path) != 0)
        err = fault_errno(fault, errno, path, "rename");
    if (err) {
        (void)unlink(beside);
        return err;
    }
    return sync_parent(path, fault);
}

enum err storage_read(const char *path, struct buf *out, struct fault *fault)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fault_errno(fault, errno, path, "open");
    char chunk[CHUNK];
    ssize_t got;
    do {
        got = read(fd, chunk, sizeof chunk);
        if (got > 0)
            buf_append(out, chunk, (size_t)got);
    } while ((got > 0 && !out->failed) || (got < 0 && errno == EINTR));
    enum err err = got < 0 ? fault_errno(fault, errno, path, "read") : buf_check(out, fault, path);
    (void)close(fd);
    return err;
}

static enum err next_chunk(void *context, uint8_t *data, size_t size, size_t *len)
{
    const int *fd = context;
    ssize_t got;
    while ((got = read(*fd, data, size)) < 0 && errno == EINTR) {
    }
    if (got < 0)
        return ERR_IO;
    *len = (size_t)got;
    return ERR_OK;
}

enum err storage_hash(const char *path, struct sha256 *hash, struct fault *fault)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fault_errno(fault, errno, path, "open");
    enum err err = sha256_of_source(next_chunk, &fd, hash);
    if (err)
        err = fault_errno(fault, errno, path, "read");
    (void)close(fd);
    return err;
}

enum err storage_remove(const char *path, struct fault *fault)
{
    if (unlink(path) != 0) {
        if (errno == ENOENT)
            return ERR_OK;
        return fault_errno(fault, errno, path, "remove");
    }
    return sync_parent(path, fault);
}

static enum err refuse_locked(int fd, const char *folder, struct fault *fault)
{
    char text[PID_TEXT] = "";
    ssize_t got = pread(fd, text, sizeof text - 1, 0);
    long long pid = got > 0 ? strtoll(text, NULL, 10) : 0;
    if (pid > 0)
        return fault_set(fault, ERR_LOCKED, folder, "in use by process %lld", pid);
    return fault_set(fault, ERR_LOCKED, folder, "in use by another process");
}

/* The lock holds all the same when this fails, as on a full disk; only the name is missing then. */
static void name_holder(int fd)
{
    char text[PID_TEXT];
    int len = snprintf(text, sizeof text, "%lld\n", (long long)getpid());
    ssize_t written = ftruncate(fd, 0) == 0 ? pwrite(fd, text, (size_t)len, 0) : 0;
    (void)written;
}

enum err storage_lock(const char *folder, int *lock, struct fault *fault)
{
    char path[PATH_MAX];
    if (storage_path(path, sizeof path, folder, "lock") != ERR_OK)
        return fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long");
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fault_errno(fault, errno, path, "open lock");
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum err err = errno == EWOULDBLOCK ? refuse_locked(fd, folder, fault)
                                            : fault_errno(fault, errno, path, "lock");
        (void)close(fd);
        return err;
    }
    name_holder(fd);
    *lock = fd;
    return ERR_OK;
}

void storage_unlock(int lock)
{
    if (lock >= 0)
        (void)close(lock);
}

enum err storage_free_bytes(const char *path, uint64_t *bytes, struct fault *fault)
{
    struct statvfs info;
    if (statvfs(path, &info) != 0)
        return fault_errno(fault, errno, path, "free space");
    *bytes = (uint64_t)info.f_bavail * info.f_frsize;
    return ERR_OK;
}
