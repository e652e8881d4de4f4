#include "hal/base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool slice_is(struct slice s, const char *text)
{
    return slice_equal(s, slice_of(text));
}

bool slice_among(struct slice s, const char *words)
{
    while (*words) {
        size_t len = strcspn(words, " ");
        if (slice_equal(s, (struct slice){words, len}))
            return true;
        words += len + (words[len] == ' ');
    }
    return false;
}

void slice_copy(struct slice s, char *to, size_t size)
{
    assert(size > 0);
    size_t len = s.len < size ? s.len : size - 1;
    if (len)
        memcpy(to, s.data, len);
    to[len] = '\0';
}

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_free(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    b->starved = false;
    if (b->data)
        b->data[0] = '\0';
}

/* Makes room for `more` bytes and the NUL; on failure marks the buffer and returns false. */
static bool reserve(struct buf *b, size_t more)
{
    if (b->failed || more > b->max - b->len) {
        b->failed = true;
        return false;
    }
    size_t need = b->len + more + 1;
    if (need <= b->capacity)
        return true;
    size_t capacity = b->capacity ? b->capacity : 256;
    while (capacity < need)
        capacity *= 2;
    char *data = realloc(b->data, capacity);
    if (!data) {
        b->failed = true;
        b->starved = true;
        return false;
    }
    b->data = data;
    b->capacity = capacity;
    return true;
}

char *buf_extend(struct buf *b, size_t len)
{
    if (!reserve(b, len))
        return NULL;
    char *added = b->data + b->len;
    b->len += len;
    b->data[b->len] = '\0';
    return added;
}

void buf_append(struct buf *b, const void *data, size_t len)
{
    char *to = buf_extend(b, len);
    if (to && len)
        memcpy(to, data, len);
}

void buf_append_text(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

void buf_append_char(struct buf *b, char c)
{
    char *to = buf_extend(b, 1);
    if (to)
        *to = c;
}

void buf_append_int(struct buf *b, int64_t value)
{
    buf_append_digits(b, value, 1);
}

void buf_append_digits(struct buf *b, int64_t value, size_t least)
{
    enum { TEXT = 24 };
    char text[TEXT];
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    size_t at = TEXT;
    for (; at > 1 && (rest || TEXT - at < least); rest /= 10)
        text[--at] = (char)('0' + rest % 10);
    if (value < 0)
        text[--at] = '-';
    buf_append(b, text + at, TEXT - at);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len >= 0 && reserve(b, (size_t)len)) {
        (void)vsnprintf(b->data + b->len, (size_t)len + 1, format, again);
        b->len += (size_t)len;
    }
    va_end(again);
}

void buf_consume(struct buf *b, size_t len)
{
    assert(len <= b->len);
    if (len == 0)
        return;
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
    b->data[b->len] = '\0';
}

struct slice buf_slice(const struct buf *b)
{
    return (struct slice){b->data ? b->data : "", b->len};
}

enum err buf_check(const struct buf *b, struct fault *fault, const char *where)
{
    if (!b->failed)
        return ERR_OK;
    if (b->starved)
        return fault_set(fault, ERR_NO_MEMORY, where, "out of memory");
    return fault_set(fault, ERR_TOO_LARGE, where, "larger than the limit of %zu bytes", b->max);
}
