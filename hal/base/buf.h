/*
 * A growing byte buffer with a cap, and a borrowed slice of bytes.
 *
 * Appending never fails loudly: once the cap or memory is exhausted the buffer is `failed` and
 * further appends do nothing, so that a writer checks once, at the end. One owner, no threading.
 */
#ifndef HAL_BASE_BUF_H
#define HAL_BASE_BUF_H

#include "hal/base/fault.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes that belong to somebody else. Not NUL-terminated. */
struct slice {
    const char *data;
    size_t len;
};

#define SLICE_LITERAL(text) ((struct slice){(text), sizeof(text) - 1})
struct slice slice_of(const char *text);
bool slice_equal(struct slice a, struct slice b);
/* True if the slice holds just the characters of `text`. */
bool slice_is(struct slice s, const char *text);
/* True if it is one of the words, which have a space between them. */
bool slice_among(struct slice s, const char *words);
/* Copies it into an array of `size` bytes as a text; what has no room is cut off. */
void slice_copy(struct slice s, char *to, size_t size);

struct buf {
    char *data; /* NUL-terminated whenever not NULL */
    size_t len;
    size_t capacity;
    size_t max; /* bytes, without the NUL */
    bool failed;
    bool starved; /* it failed for want of memory, not at the cap */
};

/* Allocates nothing yet. `max` is the most bytes the buffer may ever hold. */
void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b);
/* Empties, keeps the memory, forgets a failure. */
void buf_reset(struct buf *b);
/* Makes it longer by bytes that the caller fills at once; NULL when it failed. */
char *buf_extend(struct buf *b, size_t len);
void buf_append(struct buf *b, const void *data, size_t len);
void buf_append_text(struct buf *b, const char *text);
void buf_append_char(struct buf *b, char c);
void buf_append_int(struct buf *b, int64_t value);
/* With zeros before it up to `least` digits, at most 23. */
void buf_append_digits(struct buf *b, int64_t value, size_t least);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Drops the first `len` bytes. */
void buf_consume(struct buf *b, size_t len);
struct slice buf_slice(const struct buf *b);
/* ERR_OK, or ERR_TOO_LARGE / ERR_NO_MEMORY when an append failed since the last reset. */
enum err buf_check(const struct buf *b, struct fault *fault, const char *where) MUST_CHECK;

#endif
