#include "hal/base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *older;
    size_t size;
    size_t used;
    alignas(max_align_t) char bytes[];
};

enum { BLOCK_MIN = 4096 };

void arena_init(struct arena *a, size_t max)
{
    *a = (struct arena){.max = max};
}

void arena_free(struct arena *a)
{
    while (a->newest) {
        struct arena_block *older = a->newest->older;
        free(a->newest);
        a->newest = older;
    }
    a->used = 0;
}

static struct arena_block *block_with_room(struct arena *a, size_t bytes)
{
    if (a->newest && a->newest->size - a->newest->used >= bytes)
        return a->newest;
    size_t size = bytes > BLOCK_MIN ? bytes : BLOCK_MIN;
    struct arena_block *block = malloc(sizeof *block + size);
    if (!block)
        return NULL;
    block->older = a->newest;
    block->size = size;
    block->used = 0;
    a->newest = block;
    return block;
}

void *arena_alloc(struct arena *a, size_t count, size_t size)
{
    size_t align = alignof(max_align_t);
    if (size && count > (SIZE_MAX - align) / size)
        return NULL;
    size_t bytes = (count * size + align - 1) / align * align;
    if (bytes > a->max - a->used)
        return NULL;
    struct arena_block *block = block_with_room(a, bytes);
    if (!block)
        return NULL;
    void *memory = block->bytes + block->used;
    block->used += bytes;
    a->used += bytes;
    memset(memory, 0, bytes);
    return memory;
}

char *arena_slice_text(struct arena *a, struct slice s)
{
    char *copy = arena_alloc(a, s.len + 1, 1);
    if (copy && s.len)
        memcpy(copy, s.data, s.len);
    return copy;
}

char *arena_text(struct arena *a, const char *text)
{
    return arena_slice_text(a, slice_of(text));
}
