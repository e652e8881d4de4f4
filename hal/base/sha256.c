#include "hal/base/sha256.h"
#include "hal/base/hex.h"

#include <assert.h>
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>
#include <string.h>

#if MBEDTLS_VERSION_MAJOR < 3
#define mbedtls_sha256_starts mbedtls_sha256_starts_ret
#define mbedtls_sha256_update mbedtls_sha256_update_ret
#define mbedtls_sha256_finish mbedtls_sha256_finish_ret
#endif

enum { SOURCE_BYTES = 16 * 1024 };

struct sha256 sha256_of_all(const struct slice *parts, size_t count)
{
    struct sha256 hash;
    mbedtls_sha256_context context;
    mbedtls_sha256_init(&context);
    int failed = mbedtls_sha256_starts(&context, 0);
    for (size_t i = 0; i < count; i++)
        failed |=
            mbedtls_sha256_update(&context, (const unsigned char *)parts[i].data, parts[i].len);
    failed |= mbedtls_sha256_finish(&context, hash.bytes);
    mbedtls_sha256_free(&context);
    assert(!failed); /* the software implementation has no failing path */
    (void)failed;
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
    mbedtls_sha256_context digest;
    mbedtls_sha256_init(&digest);
    int failed = mbedtls_sha256_starts(&digest, 0);
    while (!(err = next(context, data, sizeof data, &len)) && len)
        failed |= mbedtls_sha256_update(&digest, data, len);
    if (!err)
        failed |= mbedtls_sha256_finish(&digest, hash->bytes);
    mbedtls_sha256_free(&digest);
    assert(!failed);
    (void)failed;
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
