#include "provisioning/outside_key.h"
#include "hal/base/cleanup.h"
#include "hal/base/hmac.h"
#include "provisioning/derw.h"

#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <stdlib.h>
#include <string.h>

#if MBEDTLS_VERSION_MAJOR == 2
#include <mbedtls/pk_internal.h>
#elif MBEDTLS_VERSION_NUMBER >= 0x03060000 && MBEDTLS_VERSION_NUMBER < 0x03070000 &&               \
    !defined(MBEDTLS_ECP_RESTARTABLE) && !defined(MBEDTLS_USE_PSA_CRYPTO)
/* As mbedTLS 3.6 has it, which keeps it to itself; the order of what stands here is what counts. */
struct mbedtls_pk_info_t {
    mbedtls_pk_type_t type;
    const char *name;
    size_t (*get_bitlen)(mbedtls_pk_context *pk);
    int (*can_do)(mbedtls_pk_type_t type);
    int (*verify_func)(mbedtls_pk_context *pk, mbedtls_md_type_t md, const unsigned char *hash,
                       size_t hash_len, const unsigned char *sig, size_t sig_len);
    int (*sign_func)(mbedtls_pk_context *pk, mbedtls_md_type_t md, const unsigned char *hash,
                     size_t hash_len, unsigned char *sig, size_t sig_size, size_t *sig_len,
                     int (*random)(void *, unsigned char *, size_t), void *random_context);
    void (*decrypt_func)(void);
    void (*encrypt_func)(void);
    void (*check_pair_func)(void);
    void *(*ctx_alloc_func)(void);
    void (*ctx_free_func)(void *ctx);
    void (*debug_func)(void);
};
#else
#error "how this mbedTLS keeps a key's operations is not known here: see outside_key.h"
#endif

enum { SIGNATURE_DER_MAX = 80, POINT_HALF = PKCS11_SIGNATURE_BYTES / 2 };

/* What mbedTLS holds on to: the public half first, since it takes it for a pair of its own. */
struct outside {
    mbedtls_ecp_keypair pair;
    struct pkcs11_key *key;
};

static void *outside_alloc(void)
{
    struct outside *outside = calloc(1, sizeof *outside);
    if (outside)
        mbedtls_ecp_keypair_init(&outside->pair);
    return outside;
}

static void outside_free(void *context)
{
    struct outside *outside = context;
    mbedtls_ecp_keypair_free(&outside->pair);
    pkcs11_close(outside->key);
    free(outside);
}

static int can_do(mbedtls_pk_type_t type)
{
    return type == MBEDTLS_PK_ECKEY || type == MBEDTLS_PK_ECDSA;
}

/* --- Signing --------------------------------------------------------------------------------- */

/* ECDSA-Sig-Value (RFC 3279, section 2.2.3). */
static int write_signature(const uint8_t raw[static PKCS11_SIGNATURE_BYTES], unsigned char *out,
                           size_t size, size_t *len)
{
    struct buf der CLEANUP(buf_free);
    buf_init(&der, SIGNATURE_DER_MAX);
    struct derw w = derw_to(&der);
    derw_begin(&w, DERW_SEQUENCE);
    derw_unsigned(&w, raw, POINT_HALF);
    derw_unsigned(&w, raw + POINT_HALF, POINT_HALF);
    derw_end(&w);
    if (der.failed || der.len > size)
        return MBEDTLS_ERR_PK_ALLOC_FAILED;
    memcpy(out, der.data, der.len);
    *len = der.len;
    return 0;
}

/* ECDSA takes the leftmost bits of a hash that is longer than the curve's order. */
static int sign(const struct outside *outside, const unsigned char *hash, size_t hash_len,
                unsigned char *out, size_t size, size_t *len)
{
    uint8_t raw[PKCS11_SIGNATURE_BYTES];
    if (hash_len < PKCS11_HASH_BYTES)
        return MBEDTLS_ERR_PK_BAD_INPUT_DATA;
    if (pkcs11_sign(outside->key, hash, raw, NULL) != ERR_OK)
        return MBEDTLS_ERR_PK_FILE_IO_ERROR;
    return write_signature(raw, out, size, len);
}

#if MBEDTLS_VERSION_MAJOR >= 3
static size_t bit_length(mbedtls_pk_context *pk)
{
    (void)pk;
    return 256;
}

static int sign_call(mbedtls_pk_context *pk, mbedtls_md_type_t md, const unsigned char *hash,
                     size_t hash_len, unsigned char *sig, size_t sig_size, size_t *sig_len,
                     int (*random)(void *, unsigned char *, size_t), void *random_context)
{
    (void)md;
    (void)random;
    (void)random_context;
    return sign(pk->MBEDTLS_PRIVATE(pk_ctx), hash, hash_len, sig, sig_size, sig_len);
}
#else
static size_t bit_length(const void *context)
{
    (void)context;
    return 256;
}

static int sign_call(void *context, mbedtls_md_type_t md, const unsigned char *hash,
                     size_t hash_len, unsigned char *sig, size_t *sig_len,
                     int (*random)(void *, unsigned char *, size_t), void *random_context)
{
    (void)md;
    (void)random;
    (void)random_context;
    return sign(context, hash, hash_len, sig, MBEDTLS_PK_SIGNATURE_MAX_SIZE, sig_len);
}
#endif

static const mbedtls_pk_info_t operations = {
    .type = MBEDTLS_PK_ECKEY,
    .name = "outside",
    .get_bitlen = bit_length,
    .can_do = can_do,
    .sign_func = sign_call,
    .ctx_alloc_func = outside_alloc,
    .ctx_free_func = outside_free,
};

/* --- The face -------------------------------------------------------------------------------- */

int outside_key_setup(mbedtls_pk_context *pk, struct pkcs11_key *key)
{
    int code = mbedtls_pk_setup(pk, &operations);
    if (code)
        return code;
    struct outside *outside = pk->MBEDTLS_PRIVATE(pk_ctx);
    mbedtls_ecp_group *group = &outside->pair.MBEDTLS_PRIVATE(grp);
    mbedtls_ecp_point *public = &outside->pair.MBEDTLS_PRIVATE(Q);
    code = mbedtls_ecp_group_load(group, MBEDTLS_ECP_DP_SECP256R1);
    if (!code)
        code = mbedtls_ecp_point_read_binary(group, public, pkcs11_point(key), PKCS11_POINT_BYTES);
    if (!code)
        code = mbedtls_ecp_check_pubkey(group, public);
    if (!code)
        outside->key = key;
    return code;
}

struct pkcs11_key *outside_key_of(const mbedtls_pk_context *pk)
{
    if (pk->MBEDTLS_PRIVATE(pk_info) != &operations)
        return NULL;
    const struct outside *outside = pk->MBEDTLS_PRIVATE(pk_ctx);
    return outside->key;
}

/* SHA-256 of "tillback outside key 2" as x, the first of 0, 1, 2 that lies on the curve; y even. */
static const uint8_t nobodys_point[PKCS11_POINT_BYTES] = {
    0x04, 0xb6, 0x1c, 0xbc, 0x04, 0xa4, 0x3b, 0x41, 0x69, 0xb1, 0xb4, 0xbb, 0x7e,
    0x45, 0xc5, 0xdb, 0x08, 0x39, 0x7a, 0x25, 0x38, 0xfd, 0xcd, 0x5b, 0x6d, 0xde,
    0x2d, 0x3a, 0xc0, 0xea, 0x0c, 0xca, 0x12, 0x6d, 0x1a, 0xae, 0x92, 0x22, 0xb0,
    0x74, 0x3c, 0x84, 0x9b, 0xa1, 0x75, 0xd4, 0x15, 0x90, 0x92, 0x8a, 0x6a, 0xea,
    0x71, 0x80, 0x50, 0xcb, 0xcb, 0xf3, 0x98, 0xae, 0x12, 0xcd, 0xcf, 0x98, 0x7c,
};

enum err outside_key_derive(struct pkcs11_key *key, const char *purpose,
                            uint8_t secret[static CRYPTO_KEY_BYTES], struct fault *fault)
{
    uint8_t beneath[PKCS11_SECRET_BYTES];
    enum err err = pkcs11_agree(key, nobodys_point, beneath, fault);
    if (err)
        return err;
    const struct slice parts[] = {slice_of(purpose)};
    struct sha256 mac =
        hmac_of_all((struct slice){(const char *)beneath, sizeof beneath}, parts, 1);
    memcpy(secret, mac.bytes, CRYPTO_KEY_BYTES);
    crypto_wipe(beneath, sizeof beneath);
    crypto_wipe(&mac, sizeof mac);
    return ERR_OK;
}
