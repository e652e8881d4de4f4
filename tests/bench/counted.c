#include "tests/bench/counted.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 4096 };

static int64_t counted;

/* Lies behind the lower VFS's file, which has these methods: its own, but for some. */
struct file {
    sqlite3_io_methods methods;
    const sqlite3_io_methods *lower;
    bool *written; /* each block, since the last sync */
    size_t blocks;
};

static sqlite3_vfs vfs;

static const sqlite3_vfs *lower_vfs(void)
{
    return vfs.pAppData;
}

static size_t lower_size(void)
{
    size_t align = _Alignof(max_align_t);
    return ((size_t)lower_vfs()->szOsFile + align - 1) / align * align;
}

/* By its place: a VFS above this one may have put its methods before ours. */
static struct file *file_of(sqlite3_file *file)
{
    return (struct file *)(void *)((char *)file + lower_size());
}

static bool make_room(struct file *f, size_t blocks)
{
    if (blocks <= f->blocks)
        return true;
    bool *grown = realloc(f->written, 2 * blocks);
    if (!grown)
        return false;
    memset(grown + f->blocks, 0, 2 * blocks - f->blocks);
    f->written = grown;
    f->blocks = 2 * blocks;
    return true;
}

static int write_counted(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
    struct file *f = file_of(file);
    size_t first = (size_t)(offset / BLOCK);
    size_t end = (size_t)((offset + len + BLOCK - 1) / BLOCK);
    if (!make_room(f, end))
        return SQLITE_NOMEM;
    for (size_t i = first; i < end; i++) {
        if (!f->written[i])
            __atomic_add_fetch(&counted, BLOCK, __ATOMIC_RELAXED);
        f->written[i] = true;
    }
    return f->lower->xWrite(file, data, len, offset);
}

static int sync_counted(sqlite3_file *file, int flags)
{
    struct file *f = file_of(file);
    if (f->written)
        memset(f->written, 0, f->blocks);
    return f->lower->xSync(file, flags);
}

static int close_counted(sqlite3_file *file)
{
    struct file *f = file_of(file);
    free(f->written);
    return f->lower->xClose(file);
}

static int open_counted(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags,
                        int *out_flags)
{
    sqlite3_vfs *lower = self->pAppData;
    int rc = lower->xOpen(lower, name, file, flags, out_flags);
    if (rc != SQLITE_OK)
        return rc;
    struct file *f = file_of(file);
    *f = (struct file){.methods = *file->pMethods, .lower = file->pMethods};
    f->methods.xWrite = write_counted;
    f->methods.xSync = sync_counted;
    f->methods.xClose = close_counted;
    file->pMethods = &f->methods;
    return SQLITE_OK;
}

static void set_up(void)
{
    /* As hal/database has it; after the next call it could be set no more. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_vfs *lower = sqlite3_vfs_find(NULL);
    vfs = *lower; /* all but opening is the lower one's */
    vfs.pNext = NULL;
    vfs.zName = "counted";
    vfs.pAppData = lower;
    vfs.szOsFile = (int)(lower_size() + sizeof(struct file));
    vfs.xOpen = open_counted;
    if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
        abort();
}

const char *counted_vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, set_up);
    return vfs.zName;
}

int64_t counted_bytes(void)
{
    return __atomic_load_n(&counted, __ATOMIC_RELAXED);
}
