/*
 * Writes JSON (RFC 8259) into a buffer, compact, keys in the order of the calls, so that the same
 * calls always make the same bytes. Failure is the buffer's: check it once, at the end.
 *
 *     struct jsonw w = jsonw_to(&out);
 *     jsonw_object(&w, NULL);
 *     jsonw_text(&w, "receipt", receipt);
 *     jsonw_array(&w, "lines");
 *     jsonw_int(&w, NULL, 1);
 *     jsonw_end(&w);
 *     jsonw_end(&w);
 */
#ifndef HAL_BASE_JSONW_H
#define HAL_BASE_JSONW_H

#include "hal/base/buf.h"

enum { JSONW_DEPTH_MAX = 24 };

struct jsonw {
    struct buf *out;
    unsigned depth;
    char closers[JSONW_DEPTH_MAX]; /* what jsonw_end writes at each depth */
    bool comma;
};

struct jsonw jsonw_to(struct buf *out);
/* `key` is NULL for an array's items and the outermost value. */
void jsonw_object(struct jsonw *w, const char *key);
void jsonw_array(struct jsonw *w, const char *key);
/* Closes the innermost object or array. */
void jsonw_end(struct jsonw *w);
/* Bytes that are not UTF-8 become U+FFFD. NULL text is written as null. */
void jsonw_text(struct jsonw *w, const char *key, const char *text);
void jsonw_slice(struct jsonw *w, const char *key, struct slice text);
void jsonw_int(struct jsonw *w, const char *key, int64_t value);
/* A number as a text, as buf_append_digits. */
void jsonw_digits(struct jsonw *w, const char *key, int64_t value, size_t least);
void jsonw_bool(struct jsonw *w, const char *key, bool value);
void jsonw_null(struct jsonw *w, const char *key);
/* JSON that is already written, byte for byte. */
void jsonw_raw(struct jsonw *w, const char *key, struct slice json);
/* A time, RFC 3339 with milliseconds, UTC. */
void jsonw_time(struct jsonw *w, const char *key, int64_t ms);

#endif
