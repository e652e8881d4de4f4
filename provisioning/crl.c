#include "provisioning/crl.h"

#include "provisioning/signature.h"
#include "provisioning/x509w.h"

#include <mbedtls/oid.h>
#include <stdlib.h>
#include <string.h>

static const struct slice reason_oid = SLICE_LITERAL(MBEDTLS_OID_ID_CE "\x15");

static void add_entry(struct derw *w, const struct crl_entry *entry)
{
    derw_begin(w, DERW_SEQUENCE);
    derw_unsigned(w, entry->serial, sizeof entry->serial);
    derw_time(w, entry->revoked_ms);
    if (entry->reason != CRL_UNSPECIFIED) {
        char reason = (char)entry->reason;
        derw_begin(w, DERW_SEQUENCE);
        x509w_extension(w, reason_oid, false);
        derw_bytes(w, DERW_ENUMERATED, (struct slice){&reason, 1});
        x509w_extension_end(w);
        derw_end(w);
    }
    derw_end(w);
}

static enum err add_extensions(struct derw *w, int64_t number, const struct key *issuer,
                               struct fault *fault)
{
    uint8_t id[X509W_KEY_ID_BYTES];
    enum err err = x509w_key_id(key_pk(issuer), id, fault);
    if (err)
        return err;
    derw_begin(w, DERW_CONTEXT_OF_PARTS | 0);
    derw_begin(w, DERW_SEQUENCE);
    x509w_authority_key_id(w, id);
    x509w_extension(w, SLICE_LITERAL(MBEDTLS_OID_CRL_NUMBER), false);
    derw_int(w, number);
    x509w_extension_end(w);
    derw_end(w);
    derw_end(w);
    return ERR_OK;
}

/* TBSCertList. */
static enum err make_body(const struct crl_order *order, const mbedtls_x509_crt *issuer,
                          const struct key *issuer_key, struct buf *body, struct fault *fault)
{
    struct derw w = derw_to(body);
    derw_begin(&w, DERW_SEQUENCE);
    derw_int(&w, 1); /* version 2 */
    x509w_algorithm(&w);
    derw_raw(&w, (struct slice){(const char *)issuer->subject_raw.p, issuer->subject_raw.len});
    derw_time(&w, order->this_update_ms);
    derw_time(&w, order->next_update_ms);
    if (order->count) { /* an empty sequence is not allowed here */
        derw_begin(&w, DERW_SEQUENCE);
        for (size_t i = 0; i < order->count; i++)
            add_entry(&w, &order->entries[i]);
        derw_end(&w);
    }
    enum err err = add_extensions(&w, order->number, issuer_key, fault);
    derw_end(&w);
    return err ? err : buf_check(body, fault, "revocation list");
}

enum err crl_make(const struct crl_order *order, const mbedtls_x509_crt *issuer,
                  const struct key *issuer_key, struct buf *der, struct fault *fault)
{
    if (order->this_update_ms >= order->next_update_ms)
        return fault_set(fault, ERR_INVALID, "next update", "must be after this update");
    struct buf body CLEANUP(buf_free);
    buf_init(&body, CRL_BYTES_MAX);
    enum err err = make_body(order, issuer, issuer_key, &body, fault);
    if (err)
        return err;
    return x509w_sign(buf_slice(&body), issuer_key, der, fault);
}

enum err crl_parse(struct slice pem, const char *where, mbedtls_x509_crl **out, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, CRL_PEM_MAX);
    buf_append(&text, pem.data, pem.len);
    enum err err = buf_check(&text, fault, where);
    if (err)
        return err;
    mbedtls_x509_crl *crl = malloc(sizeof *crl);
    if (!crl)
        return fault_set(fault, ERR_NO_MEMORY, where, "out of memory");
    mbedtls_x509_crl_init(crl);
    int code = mbedtls_x509_crl_parse(crl, (const unsigned char *)text.data, text.len + 1);
    if (code != 0 || crl->version == 0) {
        crl_free(crl);
        return crypto_fault(fault, ERR_INVALID, where, "not a revocation list", code);
    }
    *out = crl;
    return ERR_OK;
}

void crl_free(mbedtls_x509_crl *crl)
{
    if (!crl)
        return;
    mbedtls_x509_crl_free(crl);
    free(crl);
}

void crl_cleanup(mbedtls_x509_crl **crl)
{
    crl_free(*crl);
}

enum err crl_check(const mbedtls_x509_crl *crl, mbedtls_x509_crt *ca, struct fault *fault)
{
    if (crl->MBEDTLS_PRIVATE(sig_md) != MBEDTLS_MD_SHA256)
        return fault_set(fault, ERR_REFUSED, "", "the revocation list is not signed with SHA-256");
    const mbedtls_x509_buf *sig = &crl->MBEDTLS_PRIVATE(sig);
    struct slice body = {(const char *)crl->tbs.p, crl->tbs.len};
    struct slice signature = {(const char *)sig->p, sig->len};
    for (; ca; ca = ca->next)
        if (ca->subject_raw.len == crl->issuer_raw.len &&
            memcmp(ca->subject_raw.p, crl->issuer_raw.p, ca->subject_raw.len) == 0 &&
            mbedtls_x509_crt_check_key_usage(ca, MBEDTLS_X509_KU_CRL_SIGN) == 0 &&
            signature_check(&ca->pk, body, signature, NULL) == ERR_OK)
            return ERR_OK;
    return fault_set(fault, ERR_REFUSED, "", "the revocation list is not from a trusted authority");
}

int64_t crl_next_update_ms(const mbedtls_x509_crl *crl)
{
    int64_t first = INT64_MAX;
    for (; crl; crl = crl->next) {
        int64_t next = certificate_time_ms(&crl->next_update);
        if (next < first)
            first = next;
    }
    return first;
}

bool crl_holds(const mbedtls_x509_crl *crl, const mbedtls_x509_crt *crt)
{
    for (; crl; crl = crl->next)
        if (crl->issuer_raw.len == crt->issuer_raw.len &&
            memcmp(crl->issuer_raw.p, crt->issuer_raw.p, crt->issuer_raw.len) == 0 &&
            mbedtls_x509_crt_is_revoked(crt, crl))
            return true;
    return false;
}
