#include "hal/base/sha256.h"
#include "hal/base/hex.h"

#include <nettle/sha2.h>
#include <string.h>

enum { SOURCE_BYTES = 16 * 1024 };

struct sha256 sha256_of_all(const struct slice *parts, size_t count)
{
    struct sha256 hash;
    struct sha256_ctx context;
    sha256_init(&context);
    for (size_t i = 0; i < count; i++)
        if (parts[i].len)
            sha256_update(&context, parts[i].len, (const uint8_t *)parts[i].data);
    sha256_digest(&context, SHA256_BYTES, hash.bytes);
    return hash;
}

struct sha256 sha256_of(struct slice data)
{
    return sha256_of_all(&data, 1);
}

enum err sha256_of_source(sha256_source *next, void *context, struct sha256 *hash)
{
    uint8_t data[SOURCE_BYTES];
    size_t len = sizeof data;
    enum err err = ERR_OK;
    struct sha256_ctx digest;
    sha256_init(&digest);
    while (!(err = next(context, data, sizeof data, &len)) && len)
        sha256_update(&digest, len, data);
    if (!err)
        sha256_digest(&digest, SHA256_BYTES, hash->bytes);
    return err;
}

bool sha256_equal(const struct sha256 *a, const struct sha256 *b)
{
    return memcmp(a->bytes, b->bytes, SHA256_BYTES) == 0;
}

void sha256_format(const struct sha256 *hash, char text[static SHA256_TEXT + 1])
{
    hex_encode(hash->bytes, SHA256_BYTES, text);
}

enum err sha256_parse(struct slice text, struct sha256 *hash)
{
    return hex_decode(text, hash->bytes, SHA256_BYTES);
}
