/*
 * A fake disk for tests: an SQLite VFS over the real one that fails a chosen call, or cuts the
 * power at it and afterwards leaves on the disk what a real one might have left.
 *
 * What was not synced is kept apart. At power-on each unsynced write is kept, lost, or torn in
 * 512-byte sectors, some of them garbled, independently of the order of the writes; names made or
 * removed without a sync of the folder may come back or vanish. Real syncs are left out: only the
 * model decides what lasts. Any thread.
 */
#ifndef TESTS_SUPPORT_VFS_FAULT_H
#define TESTS_SUPPORT_VFS_FAULT_H

#include <stdbool.h>
#include <stdint.h>

struct vfs_fault;

/* Registers it with SQLite under `name`, which is borrowed. Aborts when there is no memory. */
struct vfs_fault *vfs_fault_open(const char *name);
void vfs_fault_close(struct vfs_fault *v);

enum vfs_fault_kind {
    VFS_FAULT_WRITE = 1, /* writes and truncations */
    VFS_FAULT_SYNC = 2,
    VFS_FAULT_NAME = 4, /* files made and removed */
    VFS_FAULT_ANY = 7,
};

/* Calls that changed something or synced, since the last arming. */
int vfs_fault_calls(struct vfs_fault *v);
/* The nth such call of those kinds from now on (1: the next) fails with an SQLite code. */
void vfs_fault_fail(struct vfs_fault *v, int kinds, int nth, int code, bool forever);
/* At the nth call from now on the power goes: it does nothing, and all calls after it fail. */
void vfs_fault_cut(struct vfs_fault *v, int nth);
/* Has it struck since it was armed? */
bool vfs_fault_struck(struct vfs_fault *v);
/* Nothing fails from now on. */
void vfs_fault_heal(struct vfs_fault *v);
/* A disk that says it has synced and has not: for showing that the model can lose data. */
void vfs_fault_lie(struct vfs_fault *v, bool lying);
/*
 * With every file closed: writes what the disk might hold after the power went, by `seed`, and
 * heals. Without a cut before it is a crash of the machine at this moment.
 */
void vfs_fault_power_on(struct vfs_fault *v, uint64_t seed);

#endif
