/*
 * SHA-256 (FIPS 180-4) by Nettle, which uses the processor's own instructions for it where there
 * are any: mbedTLS, which does all else in cryptography here, knows none of x86, and takes eight
 * times as long over the chain of an event. Hashing can't fail. Any thread.
 */
#ifndef HAL_BASE_SHA256_H
#define HAL_BASE_SHA256_H

#include "hal/base/buf.h"

enum { SHA256_BYTES = 32, SHA256_TEXT = 64 };

struct sha256 {
    uint8_t bytes[SHA256_BYTES];
};

struct sha256 sha256_of(struct slice data);
/* The hash of the slices one after the other. */
struct sha256 sha256_of_all(const struct slice *parts, size_t count);
/* Gives the next bytes, at most `size`; *len is 0 at the end. */
typedef enum err sha256_source(void *context, uint8_t *data, size_t size, size_t *len);
/* The hash of all that `next` gives; its error is the only one there is. */
enum err sha256_of_source(sha256_source *next, void *context, struct sha256 *hash) MUST_CHECK;
bool sha256_equal(const struct sha256 *a, const struct sha256 *b);
/* Lower-case digits and a NUL. */
void sha256_format(const struct sha256 *hash, char text[static SHA256_TEXT + 1]);
enum err sha256_parse(struct slice text, struct sha256 *hash) MUST_CHECK;

#endif
