#include "hal/wal_join.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Frames of a header and a page. SQLite's own VFS takes the length of a write modulo 128 KiB, and
 * calls the disk full when that is nothing.
 */
enum { ROOM_BYTES = 31 * (24 + 4096), NAME_MAX_BYTES = 80 };

_Static_assert(ROOM_BYTES < 128 * 1024, "one write");

/* Lies behind the lower VFS's file, which has these methods: its own, but for some. */
struct joined {
    sqlite3_io_methods methods;
    const sqlite3_io_methods *lower;
    sqlite3_file *file;
    struct joined *other; /* of a database its log, of a log its database; NULL: not open */
    char *bytes;          /* kept back, of a log only */
    size_t len;
    sqlite3_int64 start;
};

/* Its methods are its first member, though SQLite may only read them. */
static struct joined *joined_of(sqlite3_file *file)
{
    union {
        const sqlite3_io_methods *methods;
        struct joined *joined;
    } of = {.methods = file->pMethods};
    return of.joined;
}

static int write_out(struct joined *log)
{
    if (log->len == 0)
        return SQLITE_OK;
    int len = (int)log->len;
    log->len = 0;
    return log->lower->xWrite(log->file, log->bytes, len, log->start);
}

/* --- The log --------------------------------------------------------------------------------- */

static bool has_room(struct joined *log, size_t len)
{
    if (!log->bytes)
        log->bytes = malloc(ROOM_BYTES);
    return log->bytes && len <= ROOM_BYTES - log->len;
}

static int log_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
    struct joined *log = joined_of(file);
    size_t size = (size_t)len;
    if (log->len && (offset != log->start + (sqlite3_int64)log->len || !has_room(log, size))) {
        int rc = write_out(log);
        if (rc != SQLITE_OK)
            return rc;
    }
    if (!has_room(log, size))
        return log->lower->xWrite(file, data, len, offset);
    if (log->len == 0)
        log->start = offset;
    memcpy(log->bytes + log->len, data, size);
    log->len += size;
    return SQLITE_OK;
}

static int log_read(sqlite3_file *file, void *data, int len, sqlite3_int64 offset)
{
    struct joined *log = joined_of(file);
    bool kept = offset < log->start + (sqlite3_int64)log->len && offset + len > log->start;
    int rc = kept ? write_out(log) : SQLITE_OK;
    return rc == SQLITE_OK ? log->lower->xRead(file, data, len, offset) : rc;
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct joined *log = joined_of(file);
    int rc = write_out(log);
    return rc == SQLITE_OK ? log->lower->xTruncate(file, size) : rc;
}

static int log_sync(sqlite3_file *file, int flags)
{
    struct joined *log = joined_of(file);
    int rc = write_out(log);
    return rc == SQLITE_OK ? log->lower->xSync(file, flags) : rc;
}

static int log_size(sqlite3_file *file, sqlite3_int64 *size)
{
    struct joined *log = joined_of(file);
    int rc = write_out(log);
    return rc == SQLITE_OK ? log->lower->xFileSize(file, size) : rc;
}

static int log_close(sqlite3_file *file)
{
    struct joined *log = joined_of(file);
    (void)write_out(log);
    free(log->bytes);
    if (log->other)
        log->other->other = NULL;
    return log->lower->xClose(file);
}

/* --- The database ---------------------------------------------------------------------------- */

/* What fails here was never committed: SQLite syncs a commit before it comes to this. */
static void let_out(const struct joined *database)
{
    if (database->other)
        (void)write_out(database->other);
}

static int database_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    if (flags == (SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE))
        let_out(joined_of(file));
    return joined_of(file)->lower->xShmLock(file, offset, n, flags);
}

static void database_shm_barrier(sqlite3_file *file)
{
    let_out(joined_of(file));
    joined_of(file)->lower->xShmBarrier(file);
}

static int database_close_file(sqlite3_file *file)
{
    struct joined *database = joined_of(file);
    if (database->other)
        database->other->other = NULL;
    return database->lower->xClose(file);
}

/* --- Opening --------------------------------------------------------------------------------- */

static sqlite3_vfs *lower_of(const sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static size_t lower_size(const sqlite3_vfs *lower)
{
    size_t align = _Alignof(max_align_t);
    return ((size_t)lower->szOsFile + align - 1) / align * align;
}

static void join_log(struct joined *log, const char *name)
{
    sqlite3_file *database = sqlite3_database_file_object(name);
    log->other = joined_of(database);
    log->other->other = log;
    log->methods.xWrite = log_write;
    log->methods.xRead = log_read;
    log->methods.xTruncate = log_truncate;
    log->methods.xSync = log_sync;
    log->methods.xFileSize = log_size;
    log->methods.xClose = log_close;
}

static void join_database(struct joined *database)
{
    database->methods.xShmLock = database_shm_lock;
    database->methods.xShmBarrier = database_shm_barrier;
    database->methods.xClose = database_close_file;
}

static int open_joined(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                       int *out_flags)
{
    sqlite3_vfs *lower = lower_of(vfs);
    int rc = lower->xOpen(lower, name, file, flags, out_flags);
    bool is_log = flags & SQLITE_OPEN_WAL;
    if (rc != SQLITE_OK || !(is_log || flags & SQLITE_OPEN_MAIN_DB))
        return rc;
    struct joined *joined = (struct joined *)(void *)((char *)file + lower_size(lower));
    *joined = (struct joined){.methods = *file->pMethods, .lower = file->pMethods, .file = file};
    if (is_log)
        join_log(joined, name);
    else
        join_database(joined);
    file->pMethods = &joined->methods;
    return SQLITE_OK;
}

static int delete_file(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    return lower_of(vfs)->xDelete(lower_of(vfs), name, sync_folder);
}

static int has_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    return lower_of(vfs)->xAccess(lower_of(vfs), name, flags, out);
}

static int full_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    return lower_of(vfs)->xFullPathname(lower_of(vfs), name, size, out);
}

static int random_bytes(sqlite3_vfs *vfs, int size, char *out)
{
    return lower_of(vfs)->xRandomness(lower_of(vfs), size, out);
}

static int sleep_for(sqlite3_vfs *vfs, int microseconds)
{
    return lower_of(vfs)->xSleep(lower_of(vfs), microseconds);
}

static int day_now(sqlite3_vfs *vfs, double *day)
{
    return lower_of(vfs)->xCurrentTime(lower_of(vfs), day);
}

static int last_error(sqlite3_vfs *vfs, int size, char *out)
{
    return lower_of(vfs)->xGetLastError(lower_of(vfs), size, out);
}

struct named {
    sqlite3_vfs vfs;
    char name[NAME_MAX_BYTES];
};

static sqlite3_vfs *make(const sqlite3_vfs *lower, const char *name)
{
    struct named *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    (void)snprintf(made->name, sizeof made->name, "%s", name);
    made->vfs = (sqlite3_vfs){
        .iVersion = 1,
        .mxPathname = lower->mxPathname,
        .zName = made->name,
        .xOpen = open_joined,
        .xDelete = delete_file,
        .xAccess = has_access,
        .xFullPathname = full_path,
        .xRandomness = random_bytes,
        .xSleep = sleep_for,
        .xCurrentTime = day_now,
        .xGetLastError = last_error,
    };
    if (sqlite3_vfs_register(&made->vfs, 0) == SQLITE_OK)
        return &made->vfs;
    free(made);
    return NULL;
}

const char *wal_join_vfs(const char *vfs)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    sqlite3_vfs *lower = sqlite3_vfs_find(vfs);
    char name[NAME_MAX_BYTES];
    if (!lower || snprintf(name, sizeof name, "joined-%s", lower->zName) >= (int)sizeof name)
        return NULL;
    pthread_mutex_lock(&lock);
    sqlite3_vfs *found = sqlite3_vfs_find(name);
    if (!found)
        found = make(lower, name);
    if (found && found->pAppData != lower) { /* a test's: another one of the same name */
        found->pAppData = lower;
        found->szOsFile = (int)(lower_size(lower) + sizeof(struct joined));
    }
    pthread_mutex_unlock(&lock);
    return found ? found->zName : NULL;
}
