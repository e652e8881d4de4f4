#include "provisioning/x509w.h"

#include "provisioning/signature.h"

#include <mbedtls/oid.h>
#include <string.h>

enum { SPKI_MAX = 256, POINT_BYTES = 65 };

void x509w_algorithm(struct derw *w)
{
    derw_begin(w, DERW_SEQUENCE);
    derw_oid(w, SLICE_LITERAL(MBEDTLS_OID_ECDSA_SHA256));
    derw_end(w);
}

void x509w_name(struct derw *w, const char *common_name)
{
    derw_begin(w, DERW_SEQUENCE);
    derw_begin(w, DERW_SET);
    derw_begin(w, DERW_SEQUENCE);
    derw_oid(w, SLICE_LITERAL(MBEDTLS_OID_AT_CN));
    derw_text(w, common_name);
    derw_end(w);
    derw_end(w);
    derw_end(w);
}

/* mbedTLS writes at the buffer's end: *at is where. */
static enum err public_key(mbedtls_pk_context *pk, unsigned char space[static SPKI_MAX],
                           struct slice *spki, struct fault *fault)
{
    int len = mbedtls_pk_write_pubkey_der(pk, space, SPKI_MAX);
    if (len < POINT_BYTES)
        return crypto_fault(fault, ERR_INVALID, "", "reading a public key", len);
    *spki = (struct slice){(const char *)space + SPKI_MAX - len, (size_t)len};
    return ERR_OK;
}

enum err x509w_public_key(struct derw *w, mbedtls_pk_context *pk, struct fault *fault)
{
    unsigned char space[SPKI_MAX];
    struct slice spki = {"", 0};
    enum err err = public_key(pk, space, &spki, fault);
    if (!err)
        derw_raw(w, spki);
    return err;
}

enum err x509w_key_id(mbedtls_pk_context *pk, uint8_t id[static X509W_KEY_ID_BYTES],
                      struct fault *fault)
{
    unsigned char space[SPKI_MAX];
    struct slice spki = {"", 0};
    enum err err = public_key(pk, space, &spki, fault);
    if (err)
        return err;
    /* of P-256 the point, which is what the identifier is over, comes last */
    struct slice point = {spki.data + spki.len - POINT_BYTES, POINT_BYTES};
    struct sha256 hash = sha256_of(point);
    memcpy(id, hash.bytes, X509W_KEY_ID_BYTES);
    return ERR_OK;
}

void x509w_extension(struct derw *w, struct slice oid, bool critical)
{
    derw_begin(w, DERW_SEQUENCE);
    derw_oid(w, oid);
    if (critical)
        derw_bool(w, true);
    derw_begin(w, DERW_OCTET_STRING);
}

void x509w_extension_end(struct derw *w)
{
    derw_end(w);
    derw_end(w);
}

void x509w_authority_key_id(struct derw *w, const uint8_t id[static X509W_KEY_ID_BYTES])
{
    x509w_extension(w, SLICE_LITERAL(MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER), false);
    derw_begin(w, DERW_SEQUENCE);
    derw_bytes(w, DERW_CONTEXT | 0, (struct slice){(const char *)id, X509W_KEY_ID_BYTES});
    derw_end(w);
    x509w_extension_end(w);
}

enum err x509w_sign(struct slice body, const struct key *key, struct buf *out, struct fault *fault)
{
    struct signature signature;
    enum err err = signature_make(key, body, &signature, fault);
    if (err)
        return err;
    struct derw w = derw_to(out);
    derw_begin(&w, DERW_SEQUENCE);
    derw_raw(&w, body);
    x509w_algorithm(&w);
    derw_bits(&w, (struct slice){(const char *)signature.bytes, signature.len}, 0);
    derw_end(&w);
    return buf_check(out, fault, "");
}
