/* UTF-8 (RFC 3629): checks and repairs. Pure, any thread. */
#ifndef HAL_BASE_UTF8_H
#define HAL_BASE_UTF8_H

#include "hal/base/buf.h"

/* True if every byte belongs to a shortest-form, non-surrogate character. */
bool utf8_valid(struct slice text);
/* Appends one character, U+0001 to U+FFFF. */
void utf8_append(struct buf *out, unsigned character);
/* The length in bytes of the character at the start, 0 if there is none. */
size_t utf8_char_len(struct slice text);

#endif
