#include "hal/crypto.h"

#include "hal/base/random.h"

#include <mbedtls/error.h>
#include <mbedtls/gcm.h>
#include <mbedtls/md.h>
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

int crypto_seal(const uint8_t key[static CRYPTO_KEY_BYTES], struct slice context,
                struct slice plain, uint8_t nonce[static CRYPTO_NONCE_BYTES], uint8_t *sealed)
{
    mbedtls_gcm_context gcm;
    mbedtls_gcm_init(&gcm);
    random_fill(NULL, nonce, CRYPTO_NONCE_BYTES);
    int code = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key, CRYPTO_KEY_BYTES * 8);
    if (code == 0)
        code = mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, plain.len, nonce,
                                         CRYPTO_NONCE_BYTES, (const unsigned char *)context.data,
                                         context.len, (const unsigned char *)plain.data, sealed,
                                         CRYPTO_TAG_BYTES, sealed + plain.len);
    mbedtls_gcm_free(&gcm);
    return code;
}

int crypto_open(const uint8_t key[static CRYPTO_KEY_BYTES], struct slice context,
                const uint8_t nonce[static CRYPTO_NONCE_BYTES], struct slice sealed, uint8_t *plain)
{
    if (sealed.len < CRYPTO_TAG_BYTES)
        return MBEDTLS_ERR_GCM_AUTH_FAILED;
    mbedtls_gcm_context gcm;
    mbedtls_gcm_init(&gcm);
    const unsigned char *bytes = (const unsigned char *)sealed.data;
    size_t len = sealed.len - CRYPTO_TAG_BYTES;
    int code = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key, CRYPTO_KEY_BYTES * 8);
    if (code == 0)
        code = mbedtls_gcm_auth_decrypt(&gcm, len, nonce, CRYPTO_NONCE_BYTES,
                                        (const unsigned char *)context.data, context.len,
                                        bytes + len, CRYPTO_TAG_BYTES, bytes, plain);
    mbedtls_gcm_free(&gcm);
    return code;
}

int crypto_derive(mbedtls_pk_context *pk, const char *purpose,
                  uint8_t secret[static CRYPTO_KEY_BYTES])
{
    if (!mbedtls_pk_can_do(pk, MBEDTLS_PK_ECKEY))
        return MBEDTLS_ERR_PK_TYPE_MISMATCH;
    uint8_t number[CRYPTO_KEY_BYTES];
    mbedtls_ecp_keypair *pair = mbedtls_pk_ec(*pk);
    int code = mbedtls_mpi_write_binary(&pair->MBEDTLS_PRIVATE(d), number, sizeof number);
    if (code == 0)
        code = mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), number, sizeof number,
                               (const unsigned char *)purpose, strlen(purpose), secret);
    crypto_wipe(number, sizeof number);
    return code;
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
