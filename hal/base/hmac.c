#include "hal/base/hmac.h"

#include <assert.h>
#include <string.h>

enum { BLOCK_BYTES = 64, INNER = 0x36, OUTER = 0x5c };

static void pad(const uint8_t key[static BLOCK_BYTES], uint8_t with,
                uint8_t padded[static BLOCK_BYTES])
{
    for (size_t i = 0; i < BLOCK_BYTES; i++)
        padded[i] = key[i] ^ with;
}

struct sha256 hmac_of_all(struct slice key, const struct slice *parts, size_t count)
{
    uint8_t block[BLOCK_BYTES] = {0};
    uint8_t padded[BLOCK_BYTES];
    struct slice all[1 + HMAC_PARTS_MAX] = {{(const char *)padded, BLOCK_BYTES}};
    assert(count <= HMAC_PARTS_MAX);
    if (key.len > BLOCK_BYTES) {
        const struct sha256 hash = sha256_of(key);
        memcpy(block, hash.bytes, SHA256_BYTES);
    } else if (key.len) {
        memcpy(block, key.data, key.len);
    }
    memcpy(&all[1], parts, count * sizeof *parts);
    pad(block, INNER, padded);
    const struct sha256 inner = sha256_of_all(all, 1 + count);
    all[1] = (struct slice){(const char *)inner.bytes, SHA256_BYTES};
    pad(block, OUTER, padded);
    return sha256_of_all(all, 2);
}

bool hmac_equal(const struct sha256 *a, const struct sha256 *b)
{
    unsigned differs = 0;
    for (size_t i = 0; i < SHA256_BYTES; i++)
        differs |= (unsigned)(a->bytes[i] ^ b->bytes[i]);
    return differs == 0;
}
