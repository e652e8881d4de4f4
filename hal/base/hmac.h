/* HMAC-SHA256 (RFC 2104, FIPS 198-1). Pure, any thread. */
#ifndef HAL_BASE_HMAC_H
#define HAL_BASE_HMAC_H

#include "hal/base/sha256.h"

/* Of the slices one after the other. */
struct sha256 hmac_of_all(struct slice key, const struct slice *parts, size_t count);
/* In a time that doesn't tell where they differ. */
bool hmac_equal(const struct sha256 *a, const struct sha256 *b);

enum { HMAC_PARTS_MAX = 8 };

#endif
