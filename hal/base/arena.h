/*
 * Memory that is freed all at once: what was parsed from one request, one message, one file.
 * Nothing in it is freed by itself. One owner at a time; it may be handed from thread to thread.
 */
#ifndef HAL_BASE_ARENA_H
#define HAL_BASE_ARENA_H

#include "hal/base/buf.h"

struct arena_block;

struct arena {
    struct arena_block *newest;
    size_t used; /* bytes handed out */
    size_t max;  /* bytes that may be handed out */
};

void arena_init(struct arena *a, size_t max);
void arena_free(struct arena *a);
/* Zeroed and aligned for any type; NULL when `max` or memory is exhausted. */
void *arena_alloc(struct arena *a, size_t count, size_t size);
/* NUL-terminated copies; NULL when exhausted. */
char *arena_text(struct arena *a, const char *text);
char *arena_slice_text(struct arena *a, struct slice s);

#endif
