/* What a backslash means in a text of JSON (RFC 8259, section 7). Pure. */
#ifndef HAL_BASE_JSON_ESCAPE_H
#define HAL_BASE_JSON_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The character that the escape at `at` (behind its backslash) stands for, and its length without
 * the backslash; false for what is no escape, NUL, or half a surrogate pair.
 */
bool json_escape_read(const char *at, const char *end, uint32_t *character, size_t *len);

#endif
