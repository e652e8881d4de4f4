/*
 * Bytes as lower-case hexadecimal (RFC 4648, section 8) and as base64 (sections 4 and 5). Pure, any
 * thread.
 */
#ifndef HAL_BASE_HEX_H
#define HAL_BASE_HEX_H

#include "hal/base/buf.h"

/* Writes 2 * len digits and a NUL. */
void hex_encode(const uint8_t *bytes, size_t len, char *text);
/* Takes exactly 2 * len digits of either case: ERR_INVALID otherwise. */
enum err hex_decode(struct slice text, uint8_t *bytes, size_t len) MUST_CHECK;

/* `url`: the alphabet for addresses and file names, without padding. */
void base64_encode(struct buf *out, const uint8_t *bytes, size_t len, bool url);
/* Takes either alphabet, with or without padding, and appends; white space is ERR_INVALID. */
enum err base64_decode(struct buf *out, struct slice text) MUST_CHECK;

#endif
