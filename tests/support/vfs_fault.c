#include "tests/support/vfs_fault.h"
#include "tests/support/disk_file.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct vfs_fault {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    pthread_mutex_t lock;
    struct disk_file *files;
    int calls;
    int armed_kinds;
    int armed_in; /* calls until it strikes; 0: not armed */
    int code;
    bool forever;
    bool cutting;
    bool struck;
    bool dead;
    bool lying;
};

struct open_file {
    sqlite3_file base;
    struct vfs_fault *v;
    struct disk_file *disk; /* NULL for a temporary file */
    bool names_on_sync;     /* the real VFS syncs the folder with it */
    sqlite3_file *real;
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void *take(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    must(memory != NULL);
    return memory;
}

static void sync_names(struct vfs_fault *v)
{
    for (struct disk_file *f = v->files; f; f = f->next)
        f->named_synced = f->named;
}

void vfs_fault_power_on(struct vfs_fault *v, uint64_t seed)
{
    pthread_mutex_lock(&v->lock);
    for (struct disk_file *f = v->files; f; f = f->next) {
        disk_file_power_on(f, &seed);
        char shm[DISK_PATH_MAX + 8];
        (void)snprintf(shm, sizeof shm, "%s-shm", f->path);
        (void)unlink(shm);
    }
    pthread_mutex_unlock(&v->lock);
    vfs_fault_heal(v);
}

/* --- Striking -------------------------------------------------------------------------------- */

/* Called with the lock held: what this call is to answer. */
static int strike(struct vfs_fault *v, int kind)
{
    if (v->dead)
        return v->code;
    v->calls++;
    if (!v->armed_in || !(v->armed_kinds & kind) || --v->armed_in > 0)
        return SQLITE_OK;
    v->struck = true;
    v->dead = v->cutting;
    if (v->forever)
        v->armed_in = 1;
    return v->code;
}

static void arm(struct vfs_fault *v, int kinds, int nth, int code, bool forever, bool cutting)
{
    pthread_mutex_lock(&v->lock);
    v->calls = 0;
    v->armed_kinds = kinds;
    v->armed_in = nth;
    v->code = code;
    v->forever = forever;
    v->cutting = cutting;
    v->struck = false;
    v->dead = false;
    pthread_mutex_unlock(&v->lock);
}

void vfs_fault_fail(struct vfs_fault *v, int kinds, int nth, int code, bool forever)
{
    arm(v, kinds, nth, code, forever, false);
}

void vfs_fault_cut(struct vfs_fault *v, int nth)
{
    arm(v, VFS_FAULT_ANY, nth, SQLITE_IOERR, false, true);
}

void vfs_fault_heal(struct vfs_fault *v)
{
    arm(v, 0, 0, SQLITE_OK, false, false);
}

void vfs_fault_lie(struct vfs_fault *v, bool lying)
{
    pthread_mutex_lock(&v->lock);
    v->lying = lying;
    pthread_mutex_unlock(&v->lock);
}

int vfs_fault_calls(struct vfs_fault *v)
{
    pthread_mutex_lock(&v->lock);
    int calls = v->calls;
    pthread_mutex_unlock(&v->lock);
    return calls;
}

bool vfs_fault_struck(struct vfs_fault *v)
{
    pthread_mutex_lock(&v->lock);
    bool struck = v->struck;
    pthread_mutex_unlock(&v->lock);
    return struck;
}

/* --- Files ----------------------------------------------------------------------------------- */

static struct open_file *of(sqlite3_file *file)
{
    return (struct open_file *)(void *)file;
}

static int file_close(sqlite3_file *file)
{
    struct open_file *f = of(file);
    return f->real->pMethods->xClose(f->real);
}

static int file_read(sqlite3_file *file, void *data, int len, sqlite3_int64 offset)
{
    struct open_file *f = of(file);
    pthread_mutex_lock(&f->v->lock);
    bool dead = f->v->dead;
    pthread_mutex_unlock(&f->v->lock);
    return dead ? SQLITE_IOERR_READ : f->real->pMethods->xRead(f->real, data, len, offset);
}

static int file_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
    struct open_file *f = of(file);
    if (!f->disk)
        return f->real->pMethods->xWrite(f->real, data, len, offset);
    pthread_mutex_lock(&f->v->lock);
    bool alive = !f->v->dead;
    int rc = strike(f->v, VFS_FAULT_WRITE);
    bool in_flight = alive && f->v->dead; /* the power went while it was written */
    if (rc == SQLITE_OK || in_flight)
        disk_file_change(f->disk, offset, data, (size_t)len);
    pthread_mutex_unlock(&f->v->lock);
    return rc ? rc : f->real->pMethods->xWrite(f->real, data, len, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct open_file *f = of(file);
    if (!f->disk)
        return f->real->pMethods->xTruncate(f->real, size);
    pthread_mutex_lock(&f->v->lock);
    int rc = strike(f->v, VFS_FAULT_WRITE);
    if (rc == SQLITE_OK)
        disk_file_change(f->disk, size, NULL, 0);
    pthread_mutex_unlock(&f->v->lock);
    return rc ? rc : f->real->pMethods->xTruncate(f->real, size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    struct open_file *f = of(file);
    if (!f->disk)
        return SQLITE_OK;
    pthread_mutex_lock(&f->v->lock);
    int rc = strike(f->v, VFS_FAULT_SYNC);
    if (rc == SQLITE_OK && !f->v->lying) {
        disk_file_sync(f->disk);
        if (f->names_on_sync)
            sync_names(f->v);
        f->names_on_sync = false;
    }
    pthread_mutex_unlock(&f->v->lock);
    return rc ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    struct open_file *f = of(file);
    return f->real->pMethods->xFileSize(f->real, size);
}

static int file_lock(sqlite3_file *file, int level)
{
    struct open_file *f = of(file);
    return f->real->pMethods->xLock(f->real, level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    struct open_file *f = of(file);
    return f->real->pMethods->xUnlock(f->real, level);
}

static int file_reserved(sqlite3_file *file, int *out)
{
    struct open_file *f = of(file);
    return f->real->pMethods->xCheckReservedLock(f->real, out);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
    struct open_file *f = of(file);
    return f->real->pMethods->xFileControl(f->real, op, arg);
}

static int file_sector(sqlite3_file *file)
{
    struct open_file *f = of(file);
    return f->real->pMethods->xSectorSize(f->real);
}

static int file_traits(sqlite3_file *file)
{
    struct open_file *f = of(file);
    return f->real->pMethods->xDeviceCharacteristics(f->real);
}

static int shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    struct open_file *f = of(file);
    return f->real->pMethods->xShmMap(f->real, region, size, extend, out);
}

static int shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    struct open_file *f = of(file);
    return f->real->pMethods->xShmLock(f->real, offset, n, flags);
}

static void shm_barrier(sqlite3_file *file)
{
    struct open_file *f = of(file);
    f->real->pMethods->xShmBarrier(f->real);
}

static int shm_unmap(sqlite3_file *file, int delete)
{
    struct open_file *f = of(file);
    return f->real->pMethods->xShmUnmap(f->real, delete);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, /* no memory mapping: each write passes here */
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

/* --- The file system ------------------------------------------------------------------------- */

static struct disk_file *find_file(struct vfs_fault *v, const char *path)
{
    struct disk_file *f = v->files;
    while (f && strcmp(f->path, path) != 0)
        f = f->next;
    if (f)
        return f;
    f = disk_file_make(path);
    f->next = v->files;
    v->files = f;
    return f;
}

static int make_name(struct vfs_fault *v, struct disk_file *disk)
{
    int rc = strike(v, VFS_FAULT_NAME);
    if (rc)
        return rc == SQLITE_FULL ? rc : SQLITE_CANTOPEN;
    disk->named = true;
    if (!disk->named_synced) { /* a new file, not the old one back */
        disk_file_empty(disk);
    } else {
        disk_file_change(disk, 0, NULL, 0);
    }
    return SQLITE_OK;
}

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out)
{
    struct vfs_fault *v = vfs->pAppData;
    struct open_file *f = of(file);
    memset(f, 0, sizeof *f);
    f->v = v;
    f->real = (sqlite3_file *)(void *)(f + 1);
    int rc = SQLITE_OK;
    bool temporary = !path || (flags & SQLITE_OPEN_DELETEONCLOSE);
    if (!temporary) {
        pthread_mutex_lock(&v->lock);
        f->disk = find_file(v, path);
        bool makes = !f->disk->named && (flags & SQLITE_OPEN_CREATE);
        if (v->dead)
            rc = SQLITE_CANTOPEN;
        else if (makes)
            rc = make_name(v, f->disk);
        f->names_on_sync =
            makes &&
            (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL));
        pthread_mutex_unlock(&v->lock);
    }
    if (rc == SQLITE_OK)
        rc = v->real->xOpen(v->real, path, f->real, flags, out);
    if (rc == SQLITE_OK)
        f->base.pMethods = &methods;
    return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
    struct vfs_fault *v = vfs->pAppData;
    pthread_mutex_lock(&v->lock);
    struct disk_file *disk = find_file(v, path);
    int rc = strike(v, VFS_FAULT_NAME);
    if (rc == SQLITE_OK) {
        disk->named = false;
        if (sync_folder && !v->lying)
            sync_names(v);
    }
    pthread_mutex_unlock(&v->lock);
    return rc ? SQLITE_IOERR_DELETE : v->real->xDelete(v->real, path, 0);
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *out)
{
    struct vfs_fault *v = vfs->pAppData;
    return v->real->xAccess(v->real, path, flags, out);
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int size, char *out)
{
    struct vfs_fault *v = vfs->pAppData;
    return v->real->xFullPathname(v->real, path, size, out);
}

static int vfs_randomness(sqlite3_vfs *vfs, int len, char *out)
{
    struct vfs_fault *v = vfs->pAppData;
    return v->real->xRandomness(v->real, len, out);
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    struct vfs_fault *v = vfs->pAppData;
    return v->real->xSleep(v->real, microseconds);
}

static int vfs_time(sqlite3_vfs *vfs, double *out)
{
    struct vfs_fault *v = vfs->pAppData;
    return v->real->xCurrentTime(v->real, out);
}

static int vfs_error(sqlite3_vfs *vfs, int len, char *out)
{
    struct vfs_fault *v = vfs->pAppData;
    return v->real->xGetLastError(v->real, len, out);
}

struct vfs_fault *vfs_fault_open(const char *name)
{
    struct vfs_fault *v = take(sizeof *v);
    v->real = sqlite3_vfs_find(NULL);
    pthread_mutex_init(&v->lock, NULL);
    v->vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = (int)sizeof(struct open_file) + v->real->szOsFile,
        .mxPathname = v->real->mxPathname,
        .zName = name,
        .pAppData = v,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_error,
    };
    must(sqlite3_vfs_register(&v->vfs, 0) == SQLITE_OK);
    return v;
}

void vfs_fault_close(struct vfs_fault *v)
{
    if (!v)
        return;
    sqlite3_vfs_unregister(&v->vfs);
    while (v->files) {
        struct disk_file *next = v->files->next;
        disk_file_free(v->files);
        v->files = next;
    }
    pthread_mutex_destroy(&v->lock);
    free(v);
}
