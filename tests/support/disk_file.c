#include "tests/support/disk_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECTOR = 512 };

/* A write (data) or a truncation (no data) that was not synced. */
struct disk_change {
    struct disk_change *next;
    int64_t offset;
    size_t len;
    char *data;
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

static void forget_changes(struct disk_file *file)
{
    while (file->changes) {
        struct disk_change *next = file->changes->next;
        free(file->changes->data);
        free(file->changes);
        file->changes = next;
    }
    file->last = &file->changes;
}

void disk_file_change(struct disk_file *file, int64_t offset, const void *data, size_t len)
{
    struct disk_change *change = take(sizeof *change);
    change->offset = offset;
    change->len = len;
    if (data) {
        change->data = take(len);
        memcpy(change->data, data, len);
    }
    *file->last = change;
    file->last = &change->next;
}

static void grow(struct disk_file *file, size_t len)
{
    if (len <= file->synced_len)
        return;
    file->synced = realloc(file->synced, len);
    must(file->synced != NULL);
    memset(file->synced + file->synced_len, 0, len - file->synced_len);
    file->synced_len = len;
}

static void apply_bytes(struct disk_file *file, int64_t offset, const char *data, size_t len)
{
    grow(file, (size_t)offset + len);
    memcpy(file->synced + offset, data, len);
}

static void apply_whole(struct disk_file *file, const struct disk_change *change)
{
    if (change->data) {
        apply_bytes(file, change->offset, change->data, change->len);
    } else {
        grow(file, (size_t)change->offset);
        file->synced_len = (size_t)change->offset;
    }
}

void disk_file_sync(struct disk_file *file)
{
    for (const struct disk_change *c = file->changes; c; c = c->next)
        apply_whole(file, c);
    forget_changes(file);
}

static uint64_t draw(uint64_t *seed)
{
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = *seed;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* Each sector for itself: there, not there, or garbage. */
static void apply_torn(struct disk_file *file, const struct disk_change *change, uint64_t *seed)
{
    int64_t end = change->offset + (int64_t)change->len;
    for (int64_t at = change->offset; at < end;) {
        int64_t next = (at / SECTOR + 1) * SECTOR;
        size_t len = (size_t)((next < end ? next : end) - at);
        char garbage[SECTOR];
        for (size_t i = 0; i < len; i++)
            garbage[i] = (char)draw(seed);
        uint64_t luck = draw(seed) % 8;
        if (luck)
            apply_bytes(file, at, luck == 1 ? garbage : change->data + (at - change->offset), len);
        at += (int64_t)len;
    }
}

static void lose_some(struct disk_file *file, uint64_t *seed)
{
    for (const struct disk_change *c = file->changes; c; c = c->next) {
        uint64_t luck = draw(seed) % 3;
        if (luck == 0)
            apply_whole(file, c);
        else if (luck == 1 && c->data)
            apply_torn(file, c, seed);
    }
    forget_changes(file);
}

static void write_back(const struct disk_file *file)
{
    if (!file->named) {
        (void)unlink(file->path);
        return;
    }
    FILE *out = fopen(file->path, "wb");
    if (!out && errno == ENOENT)
        return; /* its folder was moved away, which is not this disk's to see */
    must(out != NULL);
    if (file->synced_len)
        must(fwrite(file->synced, 1, file->synced_len, out) == file->synced_len);
    must(fclose(out) == 0);
}

struct disk_file *disk_file_make(const char *path)
{
    struct disk_file *f = take(sizeof *f);
    must(strlen(path) < sizeof f->path);
    (void)snprintf(f->path, sizeof f->path, "%s", path);
    f->last = &f->changes;
    FILE *in = fopen(path, "rb");
    if (!in)
        return f;
    f->named = f->named_synced = true;
    must(fseek(in, 0, SEEK_END) == 0);
    grow(f, (size_t)ftell(in));
    rewind(in);
    must(fread(f->synced, 1, f->synced_len, in) == f->synced_len);
    (void)fclose(in);
    return f;
}

void disk_file_empty(struct disk_file *file)
{
    forget_changes(file);
    free(file->synced);
    file->synced = NULL;
    file->synced_len = 0;
}

void disk_file_free(struct disk_file *file)
{
    disk_file_empty(file);
    free(file);
}

void disk_file_power_on(struct disk_file *file, uint64_t *seed)
{
    lose_some(file, seed);
    if (file->named != file->named_synced)
        file->named = file->named_synced = draw(seed) % 2;
    write_back(file);
}
