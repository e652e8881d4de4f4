#include "tests/support/names.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int __real_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __real_mkdir(const char *path, mode_t mode);
int __real_open(const char *path, int flags, ...);
int __real_fsync(int fd);

enum { CHANGES_MAX = 256 };

/* A name that came or went, in the folder that must be synced for it to last. */
struct change {
    bool came;
    char path[PATH_MAX];
    int other; /* the other half of a rename; -1: none */
    int kept;  /* number in the attic of what it was, or overwrote; -1: nothing */
    bool synced;
};

/* A file that was opened to be written, and not synced since. */
struct content {
    ino_t inode;
    char path[PATH_MAX];
    char before[PATH_MAX]; /* its name before the last rename; "": the same */
};

static struct {
    pthread_mutex_t lock;
    bool watching;
    bool struck;
    bool lying;
    int in;
    const char *folder;
    const char *attic;
    int in_attic;
    int count;
    struct change changes[CHANGES_MAX];
    int unsynced_count;
    struct content unsynced[CHANGES_MAX];
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_watched(const char *path)
{
    return disk.watching && strncmp(path, disk.folder, strlen(disk.folder)) == 0;
}

void names_watch(const char *folder, const char *attic, int nth)
{
    pthread_mutex_lock(&disk.lock);
    disk.watching = true;
    disk.struck = false;
    disk.in = nth;
    disk.folder = folder;
    disk.attic = attic;
    disk.in_attic = 0;
    disk.count = 0;
    disk.unsynced_count = 0;
    pthread_mutex_unlock(&disk.lock);
}

void names_lie(bool lying)
{
    disk.lying = lying;
}

bool names_struck(void)
{
    pthread_mutex_lock(&disk.lock);
    bool struck = disk.struck;
    pthread_mutex_unlock(&disk.lock);
    return struck;
}

/* Under the lock. */
static bool power_is_off(void)
{
    if (!disk.struck && --disk.in == 0)
        disk.struck = true;
    if (disk.struck)
        errno = EIO;
    return disk.struck;
}

static void attic_path(int number, char path[static PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "%s/%d", disk.attic, number);
}

/* Keeps a file by another name; -1: there was none. */
static int keep(const char *path)
{
    char kept[PATH_MAX];
    attic_path(disk.in_attic, kept);
    return link(path, kept) == 0 ? disk.in_attic++ : -1;
}

static int note(bool came, const char *path, int kept)
{
    if (disk.count == CHANGES_MAX)
        abort();
    struct change *change = &disk.changes[disk.count];
    *change = (struct change){.came = came, .other = -1, .kept = kept};
    (void)snprintf(change->path, sizeof change->path, "%s", path);
    return disk.count++;
}

static void note_content(int fd, const char *path)
{
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        return;
    for (int i = 0; i < disk.unsynced_count; i++)
        if (disk.unsynced[i].inode == info.st_ino)
            return;
    if (disk.unsynced_count == CHANGES_MAX)
        abort();
    struct content *content = &disk.unsynced[disk.unsynced_count++];
    *content = (struct content){.inode = info.st_ino};
    (void)snprintf(content->path, sizeof content->path, "%s", path);
}

static void drop_content(ino_t inode)
{
    for (int i = disk.unsynced_count; i-- > 0;)
        if (disk.unsynced[i].inode == inode)
            disk.unsynced[i] = disk.unsynced[--disk.unsynced_count];
}

static void rename_content(const char *from, const char *to)
{
    for (int i = 0; i < disk.unsynced_count; i++) {
        struct content *content = &disk.unsynced[i];
        if (strcmp(content->path, from) != 0)
            continue;
        memcpy(content->before, content->path, sizeof content->before);
        (void)snprintf(content->path, sizeof content->path, "%s", to);
    }
}

int names_rename(const char *from, const char *to)
{
    if (!is_watched(from))
        return __real_rename(from, to);
    pthread_mutex_lock(&disk.lock);
    int done = -1;
    if (!power_is_off()) {
        int source = keep(from);
        int target = keep(to);
        done = __real_rename(from, to);
        if (done == 0) {
            rename_content(from, to);
            int went = note(false, from, source);
            int came = note(true, to, target);
            disk.changes[went].other = came;
            disk.changes[came].other = went;
        }
    }
    pthread_mutex_unlock(&disk.lock);
    return done;
}

int names_unlink(const char *path)
{
    if (!is_watched(path))
        return __real_unlink(path);
    pthread_mutex_lock(&disk.lock);
    int done = -1;
    if (!power_is_off()) {
        int kept = keep(path);
        done = __real_unlink(path);
        if (done == 0)
            (void)note(false, path, kept);
    }
    pthread_mutex_unlock(&disk.lock);
    return done;
}

int names_mkdir(const char *path, mode_t mode)
{
    if (!is_watched(path))
        return __real_mkdir(path, mode);
    pthread_mutex_lock(&disk.lock);
    int done = power_is_off() ? -1 : __real_mkdir(path, mode);
    if (done == 0)
        (void)note(true, path, -1);
    pthread_mutex_unlock(&disk.lock);
    return done;
}

int names_open(const char *path, int flags, mode_t mode)
{
    bool makes = (flags & O_CREAT) && access(path, F_OK) != 0;
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (!is_watched(path) || (!makes && !writes))
        return __real_open(path, flags, mode);
    pthread_mutex_lock(&disk.lock);
    int fd = makes && power_is_off() ? -1 : __real_open(path, flags, mode);
    if (fd >= 0 && makes)
        (void)note(true, path, -1);
    if (fd >= 0 && writes)
        note_content(fd, path);
    pthread_mutex_unlock(&disk.lock);
    return fd;
}

static bool is_in(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 && path[len] == '/' && !strchr(path + len + 1, '/');
}

static void sync_folder(const char *path)
{
    for (int i = 0; !disk.lying && i < disk.count; i++)
        if (is_in(disk.changes[i].path, path))
            disk.changes[i].synced = true;
}

int names_fsync(int fd)
{
    char link[64];
    char path[PATH_MAX];
    struct stat info;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (len < 0 || fstat(fd, &info) != 0)
        return __real_fsync(fd);
    path[len] = '\0';
    if (!is_watched(path))
        return __real_fsync(fd);
    pthread_mutex_lock(&disk.lock);
    int done = power_is_off() ? -1 : 0;
    if (done == 0 && S_ISDIR(info.st_mode))
        sync_folder(path);
    else if (done == 0)
        drop_content(info.st_ino);
    pthread_mutex_unlock(&disk.lock);
    return done;
}

/* --- Afterwards ------------------------------------------------------------------------------ */

static uint64_t draw(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static void remove_name(const char *path)
{
    char words[PATH_MAX + 16];
    struct stat info;
    if (lstat(path, &info) != 0)
        return;
    if (!S_ISDIR(info.st_mode)) {
        (void)__real_unlink(path);
        return;
    }
    (void)snprintf(words, sizeof words, "rm -rf '%s'", path);
    if (system(words) != 0)
        abort();
}

static void undo(const struct change *change)
{
    char kept[PATH_MAX];
    if (change->came)
        remove_name(change->path);
    if (change->kept < 0)
        return;
    attic_path(change->kept, kept);
    if (link(kept, change->path) != 0 && errno != EEXIST) /* something is there now */
        abort();
}

static bool empty_it(const struct content *content, const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0 && info.st_ino == content->inode && truncate(path, 0) == 0;
}

/* Of what wasn't synced nothing may have been written. */
static void lose_contents(uint64_t *seed)
{
    for (int i = 0; i < disk.unsynced_count; i++)
        if (draw(seed) % 2 && !empty_it(&disk.unsynced[i], disk.unsynced[i].path))
            (void)empty_it(&disk.unsynced[i], disk.unsynced[i].before);
}

void names_power_on(uint64_t seed)
{
    bool lost[CHANGES_MAX] = {false};
    for (int i = disk.count; i-- > 0;) {
        const struct change *change = &disk.changes[i];
        int other = change->other;
        if (change->synced || (other >= 0 && disk.changes[other].synced))
            continue;
        lost[i] = other > i ? lost[other] : draw(&seed) % 2 != 0;
        if (lost[i])
            undo(change);
    }
    lose_contents(&seed);
    disk.watching = false;
    disk.struck = false;
}
