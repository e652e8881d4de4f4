#include "provisioning/signature.h"

#include "hal/base/sha256.h"

#include <string.h>

enum err signature_make(const struct key *key, struct slice data, struct signature *signature,
                        struct fault *fault)
{
    struct sha256 hash = sha256_of(data);
    uint8_t bytes[MBEDTLS_PK_SIGNATURE_MAX_SIZE];
    size_t len;
    int code = crypto_sign(key_pk(key), hash.bytes, bytes, sizeof bytes, &len);
    if (code != 0)
        return crypto_fault(fault, ERR_IO, "", "signing", code);
    if (len > sizeof signature->bytes)
        return fault_set(fault, ERR_INVALID, "", "signing: not a P-256 key");
    memcpy(signature->bytes, bytes, len);
    signature->len = len;
    return ERR_OK;
}

enum err signature_check(mbedtls_pk_context *signer, struct slice data, struct slice signature,
                         struct fault *fault)
{
    if (!mbedtls_pk_can_do(signer, MBEDTLS_PK_ECDSA) || mbedtls_pk_get_bitlen(signer) != 256)
        return fault_set(fault, ERR_REFUSED, "", "the signer's key is not on the curve P-256");
    struct sha256 hash = sha256_of(data);
    int code = mbedtls_pk_verify(signer, MBEDTLS_MD_SHA256, hash.bytes, sizeof hash.bytes,
                                 (const unsigned char *)signature.data, signature.len);
    if (code != 0)
        return fault_set(fault, ERR_REFUSED, "", "the signature doesn't fit what is signed");
    return ERR_OK;
}
