#include "sync/eventlog/head.h"
#include "hal/storage.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* The slots lie in different 4 KiB sectors; a slot fits the smallest sector. */
enum { SLOT_BYTES = 512, SLOT_APART = 4096, SLOTS = 2 };

static const char magic[8] = "tbhead1";

/* One slot as it lies in the file; it never leaves the machine, so byte order is the machine's. */
struct slot {
    char magic[sizeof magic];
    struct head head;
    struct sha256 checksum; /* of what stands before it */
};

_Static_assert(sizeof(struct slot) <= SLOT_BYTES, "a slot fits one sector");

struct head_file {
    sqlite3_file *handle;
    int64_t number; /* of the newest slot */
    char path[PATH_MAX];
};

static struct sha256 checksum(const struct slot *slot)
{
    return sha256_of((struct slice){(const char *)slot, offsetof(struct slot, checksum)});
}

static enum err fail(int rc, const char *path, const char *doing, struct fault *fault)
{
    enum err code = rc == SQLITE_FULL ? ERR_DISK_FULL : ERR_IO;
    return fault_set(fault, code, path, "%s: %s (%d)", doing, sqlite3_errstr(rc), rc);
}

static enum err fill(struct head_file *file, struct fault *fault)
{
    sqlite3_int64 size = 0;
    int rc = file->handle->pMethods->xFileSize(file->handle, &size);
    if (rc == SQLITE_OK && size >= SLOT_APART * SLOTS)
        return ERR_OK;
    static const char zeros[SLOT_APART * SLOTS];
    if (rc == SQLITE_OK)
        rc = file->handle->pMethods->xWrite(file->handle, zeros, sizeof zeros, 0);
    return rc == SQLITE_OK ? ERR_OK : fail(rc, file->path, "preallocating", fault);
}

enum err head_open(struct head_file **out, const char *folder, const char *vfs, bool read_only,
                   struct fault *fault)
{
    sqlite3_vfs *system = sqlite3_vfs_find(vfs);
    struct head_file *file = system ? calloc(1, sizeof *file) : NULL;
    sqlite3_file *handle = file ? calloc(1, (size_t)system->szOsFile) : NULL;
    if (!handle) {
        free(file);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    enum err err = storage_path(file->path, sizeof file->path, folder, "head");
    /* To SQLite a super-journal is a plain file whose name must last, too. */
    int flags = SQLITE_OPEN_SUPER_JOURNAL |
                (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    int rc = err ? SQLITE_OK : system->xOpen(system, file->path, handle, flags, &flags);
    if (rc != SQLITE_OK)
        err = read_only ? fault_set(fault, ERR_NOT_FOUND, file->path, "there is no head file")
                        : fail(rc, file->path, "opening", fault);
    if (err) {
        free(handle);
        free(file);
        return err;
    }
    file->handle = handle;
    err = read_only ? ERR_OK : fill(file, fault);
    if (err) {
        head_close(file);
        return err;
    }
    *out = file;
    return ERR_OK;
}

void head_close(struct head_file *file)
{
    if (!file)
        return;
    if (file->handle->pMethods)
        file->handle->pMethods->xClose(file->handle);
    free(file->handle);
    free(file);
}

enum err head_read(struct head_file *file, struct head *head, bool *found, struct fault *fault)
{
    bool any = false;
    struct head newest = {0};
    for (int i = 0; i < SLOTS; i++) {
        struct slot slot;
        int rc = file->handle->pMethods->xRead(file->handle, &slot, sizeof slot, i * SLOT_APART);
        if (rc == SQLITE_IOERR_SHORT_READ)
            continue;
        if (rc != SQLITE_OK)
            return fail(rc, file->path, "reading", fault);
        struct sha256 expected = checksum(&slot);
        if (memcmp(slot.magic, magic, sizeof magic) != 0 ||
            !sha256_equal(&slot.checksum, &expected))
            continue;
        if (!any || slot.head.number > newest.number)
            newest = slot.head;
        any = true;
    }
    file->number = newest.number;
    *found = any;
    if (any)
        *head = newest;
    return ERR_OK;
}

enum err head_write(struct head_file *file, struct head *head, struct fault *fault)
{
    struct slot slot;
    memset(&slot, 0, sizeof slot); /* padding is part of the checksum */
    memcpy(slot.magic, magic, sizeof magic);
    head->number = file->number + 1;
    slot.head.number = head->number;
    for (size_t i = 0; i < STREAMS_OF_APPLIANCE; i++) {
        slot.head.streams[i].log = head->streams[i].log;
        slot.head.streams[i].seq = head->streams[i].seq;
        slot.head.streams[i].hash = head->streams[i].hash;
    }
    slot.checksum = checksum(&slot);
    int64_t offset = head->number % SLOTS * SLOT_APART;
    const sqlite3_io_methods *io = file->handle->pMethods;
    int rc = io->xWrite(file->handle, &slot, sizeof slot, offset);
    if (rc != SQLITE_OK)
        return fail(rc, file->path, "writing", fault);
    file->number = head->number;
    return ERR_OK;
}

enum err head_sync(struct head_file *file, struct fault *fault)
{
    const sqlite3_io_methods *io = file->handle->pMethods;
    int rc = io->xSync(file->handle, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
    return rc == SQLITE_OK ? ERR_OK : fail(rc, file->path, "syncing", fault);
}
