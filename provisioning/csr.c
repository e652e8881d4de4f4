#include "provisioning/csr.h"

#include "provisioning/signature.h"
#include "provisioning/x509w.h"

#include <stdlib.h>
#include <string.h>

/* CertificationRequestInfo. */
static enum err make_body(const struct key *key, const char *device, struct buf *body,
                          struct fault *fault)
{
    struct derw w = derw_to(body);
    derw_begin(&w, DERW_SEQUENCE);
    derw_int(&w, 0); /* version 1 */
    x509w_name(&w, device);
    enum err err = x509w_public_key(&w, key_pk(key), fault);
    derw_begin(&w, DERW_CONTEXT_OF_PARTS | 0); /* no attributes */
    derw_end(&w);
    derw_end(&w);
    return err ? err : buf_check(body, fault, "request");
}

enum err csr_make(const struct key *key, const char *device, struct buf *pem, struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    struct buf der CLEANUP(buf_free);
    buf_init(&body, CSR_BYTES_MAX);
    buf_init(&der, CSR_BYTES_MAX);
    enum err err = device_id_check(slice_of(device), fault);
    if (!err)
        err = make_body(key, device, &body, fault);
    if (!err)
        err = x509w_sign(buf_slice(&body), key, &der, fault);
    if (err)
        return err;
    certificate_print(pem, "CERTIFICATE REQUEST", buf_slice(&der));
    return buf_check(pem, fault, "request");
}

/* The request's own signature, which mbedTLS leaves unchecked. */
static enum err check_possession(mbedtls_x509_csr *csr, struct fault *fault)
{
    if (!mbedtls_pk_can_do(&csr->pk, MBEDTLS_PK_ECKEY) || mbedtls_pk_get_bitlen(&csr->pk) != 256)
        return fault_set(fault, ERR_INVALID, "request", "the key is not on the curve P-256");
    if (csr->MBEDTLS_PRIVATE(sig_md) != MBEDTLS_MD_SHA256)
        return fault_set(fault, ERR_INVALID, "request", "not signed with SHA-256");
    struct slice body = {(const char *)csr->cri.p, csr->cri.len};
    const mbedtls_x509_buf *sig = &csr->MBEDTLS_PRIVATE(sig);
    struct slice signature = {(const char *)sig->p, sig->len};
    if (signature_check(&csr->pk, body, signature, fault) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "request", "not signed by the key that it is for");
    return ERR_OK;
}

enum err csr_parse(struct slice request, mbedtls_x509_csr **out, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, CSR_BYTES_MAX);
    buf_append(&text, request.data, request.len);
    enum err err = buf_check(&text, fault, "request");
    if (err)
        return err;
    mbedtls_x509_csr *csr CLEANUP(csr_cleanup) = malloc(sizeof *csr);
    if (!csr)
        return fault_set(fault, ERR_NO_MEMORY, "request", "out of memory");
    mbedtls_x509_csr_init(csr);
    bool pem = text.len > 5 && memcmp(text.data, "-----", 5) == 0;
    int code = mbedtls_x509_csr_parse(csr, (const unsigned char *)text.data, text.len + pem);
    if (code != 0)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): csr_cleanup frees it */
        return crypto_fault(fault, ERR_INVALID, "request", "not a signing request", code);
    char device[CERTIFICATE_NAME_MAX + 1];
    err = check_possession(csr, fault);
    if (!err)
        err = csr_device(csr, device, fault);
    if (err)
        return err;
    *out = csr;
    csr = NULL;
    return ERR_OK;
}

static void csr_free(mbedtls_x509_csr *csr)
{
    if (!csr)
        return;
    mbedtls_x509_csr_free(csr);
    free(csr);
}

void csr_cleanup(mbedtls_x509_csr **csr)
{
    csr_free(*csr);
}

enum err csr_device(const mbedtls_x509_csr *csr, char device[static CERTIFICATE_NAME_MAX + 1],
                    struct fault *fault)
{
    char name[CERTIFICATE_NAME_MAX + 1];
    enum err err = certificate_common_name(&csr->subject, name, fault);
    if (!err)
        err = device_id_check(slice_of(name), fault);
    if (!err)
        memcpy(device, name, sizeof name);
    return err;
}
