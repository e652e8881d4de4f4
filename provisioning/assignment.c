#include "provisioning/assignment.h"

#include "hal/storage.h"

#include <limits.h>

static enum err path_of(const char *folder, enum assignment_slot slot, char path[static PATH_MAX],
                        struct fault *fault)
{
    const char *name = slot == ASSIGNMENT_PENDING ? "pending.json" : "assignment.json";
    return storage_path(path, PATH_MAX, folder, name)
               ? fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long")
               : ERR_OK;
}

enum err assignment_read(const char *folder, enum assignment_slot slot, struct arena *arena,
                         struct bundle *assignment, struct fault *fault)
{
    char path[PATH_MAX];
    struct buf text CLEANUP(buf_free);
    buf_init(&text, ASSIGNMENT_MAX);
    enum err err = path_of(folder, slot, path, fault);
    if (!err)
        err = storage_read(path, &text, fault);
    if (err)
        return err;
    err = bundle_read(buf_slice(&text), arena, assignment, fault);
    if (!err)
        return ERR_OK;
    fault_within(fault, path);
    if (fault)
        fault->code = ERR_CORRUPT;
    return ERR_CORRUPT;
}

enum err assignment_write(const char *folder, enum assignment_slot slot,
                          const struct bundle *assignment, struct fault *fault)
{
    char path[PATH_MAX];
    struct bundle kept = *assignment;
    struct buf text CLEANUP(buf_free);
    buf_init(&text, ASSIGNMENT_MAX);
    if (slot == ASSIGNMENT_CURRENT)
        kept.code = NULL;
    enum err err = path_of(folder, slot, path, fault);
    if (!err)
        err = storage_make_folder(folder, fault);
    if (!err)
        err = bundle_write(&kept, &text, fault);
    return err ? err : storage_replace(path, buf_slice(&text), 0600, fault);
}

enum err assignment_settle(const char *folder, struct fault *fault)
{
    struct bundle pending;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ASSIGNMENT_MAX);
    enum err err = assignment_read(folder, ASSIGNMENT_PENDING, &arena, &pending, fault);
    if (err)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    err = assignment_write(folder, ASSIGNMENT_CURRENT, &pending, fault);
    return err ? err : assignment_abandon(folder, fault);
}

enum err assignment_abandon(const char *folder, struct fault *fault)
{
    char path[PATH_MAX];
    enum err err = path_of(folder, ASSIGNMENT_PENDING, path, fault);
    return err ? err : storage_remove(path, fault);
}
