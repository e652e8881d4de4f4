#include "provisioning/verify.h"

#include "provisioning/crl.h"

#include <string.h>

static bool same_name(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
    return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

static uint32_t judge(int64_t now_ms, const mbedtls_x509_time *from, const mbedtls_x509_time *to,
                      uint32_t early, uint32_t late)
{
    if (now_ms < certificate_time_ms(from))
        return early;
    /* the second named is the last one that counts */
    if (now_ms >= certificate_time_ms(to) + 1000)
        return late;
    return 0;
}

/* The times of the lists that speak of this certificate. */
static uint32_t judge_lists(const struct verify_rules *rules, const mbedtls_x509_crt *crt)
{
    uint32_t flags = 0;
    if (same_name(&crt->issuer_raw, &crt->subject_raw))
        return flags;
    for (const mbedtls_x509_crl *crl = rules->crl; crl; crl = crl->next)
        if (crl->version != 0 && same_name(&crl->issuer_raw, &crt->issuer_raw))
            flags |= judge(rules->now_ms, &crl->this_update, &crl->next_update,
                           MBEDTLS_X509_BADCRL_FUTURE,
                           rules->old_crl_is_enough ? 0 : MBEDTLS_X509_BADCRL_EXPIRED);
    return flags;
}

int verify_callback(void *context, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    const struct verify_rules *rules = context;
    *flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_FUTURE | MBEDTLS_X509_BADCERT_EXPIRED |
                          MBEDTLS_X509_BADCRL_FUTURE | MBEDTLS_X509_BADCRL_EXPIRED);
    *flags |= judge(rules->now_ms, &crt->valid_from, &crt->valid_to, MBEDTLS_X509_BADCERT_FUTURE,
                    MBEDTLS_X509_BADCERT_EXPIRED);
    *flags |= judge_lists(rules, crt);
    if (depth == 0 && rules->host) {
        *flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_CN_MISMATCH;
        if (!certificate_names_host(crt, rules->host))
            *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    }
    return 0;
}

static const struct {
    uint32_t flag;
    const char *text;
} reasons[] = {
    {MBEDTLS_X509_BADCERT_EXPIRED, "the certificate has expired"},
    {MBEDTLS_X509_BADCERT_FUTURE, "the certificate is not valid yet"},
    {MBEDTLS_X509_BADCERT_REVOKED, "the certificate was revoked"},
    {MBEDTLS_X509_BADCERT_CN_MISMATCH, "the certificate is for another host name"},
    {MBEDTLS_X509_BADCERT_NOT_TRUSTED, "the certificate is not from a trusted authority"},
    {MBEDTLS_X509_BADCRL_NOT_TRUSTED, "the revocation list is not from a trusted authority"},
    {MBEDTLS_X509_BADCRL_EXPIRED, "the revocation list is past its next update"},
    {MBEDTLS_X509_BADCRL_FUTURE, "the revocation list is not valid yet"},
    {MBEDTLS_X509_BADCERT_MISSING, "no certificate was shown"},
    {MBEDTLS_X509_BADCERT_SKIP_VERIFY, "the certificate was not checked"},
    {MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE |
         MBEDTLS_X509_BADCERT_NS_CERT_TYPE,
     "the certificate is for another purpose"},
    {MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY |
         MBEDTLS_X509_BADCRL_BAD_MD | MBEDTLS_X509_BADCRL_BAD_PK | MBEDTLS_X509_BADCRL_BAD_KEY,
     "the certificate is signed with an algorithm too weak"},
};

void verify_explain(struct buf *text, uint32_t flags)
{
    const char *between = "";
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (!(flags & reasons[i].flag))
            continue;
        buf_printf(text, "%s%s", between, reasons[i].text);
        between = "; ";
        flags &= ~reasons[i].flag;
    }
    if (flags)
        buf_printf(text, "%srefused for reason 0x%x", between, (unsigned)flags);
}

static enum err refuse(uint32_t flags, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, FAULT_TEXT_MAX);
    verify_explain(&text, flags);
    return fault_set(fault, ERR_REFUSED, "", "%s", text.data ? text.data : "");
}

enum err verify_chain(const struct verify_rules *rules, mbedtls_x509_crt *chain,
                      enum certificate_purpose purpose, struct fault *fault)
{
    struct verify_rules kept = *rules;
    uint32_t flags = 0;
    int code =
        mbedtls_x509_crt_verify(chain, kept.ca, kept.crl, NULL, &flags, verify_callback, &kept);
    if (code != 0 && code != MBEDTLS_ERR_X509_CERT_VERIFY_FAILED)
        return crypto_fault(fault, ERR_REFUSED, "", "checking a certificate", code);
    if (!certificate_fits(chain, purpose))
        flags |= MBEDTLS_X509_BADCERT_EXT_KEY_USAGE;
    return flags ? refuse(flags, fault) : ERR_OK;
}
