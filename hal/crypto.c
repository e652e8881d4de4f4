#include "hal/crypto.h"

#include "hal/base/random.h"

#include <mbedtls/error.h>
#include <mbedtls/pkcs5.h>
#include <string.h>

int crypto_random(void *unused_context, unsigned char *bytes, size_t len)
{
    random_fill(unused_context, bytes, len);
    return 0;
}

enum err crypto_fault(struct fault *fault, enum err err, const char *where, const char *doing,
                      int code)
{
    char text[128];
    mbedtls_strerror(code, text, sizeof text);
    if (code == MBEDTLS_ERR_PK_ALLOC_FAILED)
        err = ERR_NO_MEMORY;
    return fault_set(fault, err, where, "%s: %s (-0x%04x)", doing, text, (unsigned)-code);
}

int crypto_parse_key(mbedtls_pk_context *pk, const unsigned char *text, size_t len)
{
#if MBEDTLS_VERSION_MAJOR >= 3
    return mbedtls_pk_parse_key(pk, text, len, NULL, 0, crypto_random, NULL);
#else
    return mbedtls_pk_parse_key(pk, text, len, NULL, 0);
#endif
}

int crypto_sign(mbedtls_pk_context *pk, const uint8_t hash[static 32], uint8_t *signature,
                size_t size, size_t *len)
{
#if MBEDTLS_VERSION_MAJOR >= 3
    return mbedtls_pk_sign(pk, MBEDTLS_MD_SHA256, hash, 32, signature, size, len, crypto_random,
                           NULL);
#else
    if (size < MBEDTLS_PK_SIGNATURE_MAX_SIZE)
        return MBEDTLS_ERR_PK_BAD_INPUT_DATA;
    return mbedtls_pk_sign(pk, MBEDTLS_MD_SHA256, hash, 32, signature, len, crypto_random, NULL);
#endif
}

int crypto_pbkdf2(struct slice secret, struct slice salt, unsigned rounds, uint8_t *out,
                  uint32_t out_len)
{
    const unsigned char *password = (const unsigned char *)secret.data;
    const unsigned char *grains = (const unsigned char *)salt.data;
#if MBEDTLS_VERSION_MAJOR >= 3
    return mbedtls_pkcs5_pbkdf2_hmac_ext(MBEDTLS_MD_SHA256, password, secret.len, grains, salt.len,
                                         rounds, out_len, out);
#else
    mbedtls_md_context_t md;
    mbedtls_md_init(&md);
    int code = mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 1);
    if (code == 0)
        code = mbedtls_pkcs5_pbkdf2_hmac(&md, password, secret.len, grains, salt.len, rounds,
                                         out_len, out);
    mbedtls_md_free(&md);
    return code;
#endif
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *x = a, *y = b;
    uint8_t difference = 0;
    for (size_t i = 0; i < len; i++)
        difference |= x[i] ^ y[i];
    return difference == 0;
}

void crypto_wipe(void *secret, size_t len)
{
    if (len)
        explicit_bzero(secret, len);
}
