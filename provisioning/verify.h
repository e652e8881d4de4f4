/*
 * Judges a certificate chain at a time that the caller gives.
 *
 * mbedTLS alone would ask the system's clock, which on an appliance may stand at 1970, and 2.28
 * doesn't know IP addresses in certificates. verify_callback corrects both inside mbedTLS's own
 * check, for use in TLS too (mbedtls_ssl_conf_verify). It only judges times and addresses anew; it
 * never forgives a signature, a purpose, an authority or a revocation. Any thread.
 */
#ifndef PROVISIONING_VERIFY_H
#define PROVISIONING_VERIFY_H

#include "provisioning/certificate.h"

struct verify_rules {
    int64_t now_ms;
    const char *host;      /* the name dialled, or NULL when none is checked */
    mbedtls_x509_crt *ca;  /* what is trusted, with a `next` of more */
    mbedtls_x509_crl *crl; /* or NULL: nothing is known to be revoked */
    /* A list past its nextUpdate doesn't refuse; what it revokes is revoked all the same. */
    bool old_crl_is_enough;
};

/* An mbedTLS verify callback; `rules` is a const struct verify_rules *, kept by the caller. */
int verify_callback(void *rules, mbedtls_x509_crt *crt, int depth, uint32_t *flags);

/*
 * Checks the chain: signatures up to `ca`, purpose, times, host (when given), revocation; a list
 * past its nextUpdate refuses. ERR_REFUSED with verify_explain's sentence.
 */
enum err verify_chain(const struct verify_rules *rules, mbedtls_x509_crt *chain,
                      enum certificate_purpose purpose, struct fault *fault) MUST_CHECK;

/* Appends what mbedTLS's flags (mbedtls_ssl_get_verify_result) mean, for people: "expired, ...". */
void verify_explain(struct buf *text, uint32_t flags);

#endif
