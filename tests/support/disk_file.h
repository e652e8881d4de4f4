/*
 * One file on a fake disk, as vfs_fault keeps it: what was synced, and each change since. At
 * power-on a change is kept, lost, or torn in 512-byte sectors, some of them garbled.
 */
#ifndef TESTS_SUPPORT_DISK_FILE_H
#define TESTS_SUPPORT_DISK_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DISK_PATH_MAX = 600 };

struct disk_change;

struct disk_file {
    struct disk_file *next; /* the owner's list */
    char path[DISK_PATH_MAX];
    char *synced; /* the content as of the last sync */
    size_t synced_len;
    struct disk_change *changes; /* since, oldest first */
    struct disk_change **last;
    bool named;        /* its name is there now */
    bool named_synced; /* and was at the last sync of the folder */
};

/* Reads the file if there is one: what was there before counts as synced. Never NULL. */
struct disk_file *disk_file_make(const char *path);
void disk_file_free(struct disk_file *file);
/* A write, or with `data` NULL a truncation to `offset`, that is not synced. */
void disk_file_change(struct disk_file *file, int64_t offset, const void *data, size_t len);
/* Empty, with nothing of what was there before. */
void disk_file_empty(struct disk_file *file);
void disk_file_sync(struct disk_file *file);
/* The power is back: settles each change by `seed`, and writes the real file. */
void disk_file_power_on(struct disk_file *file, uint64_t *seed);

#endif
