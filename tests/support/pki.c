#include "tests/support/pki.h"

#include "hal/base/random.h"

#include <stdio.h>
#include <stdlib.h>

static void must(enum err err, const struct fault *fault)
{
    if (err) {
        fprintf(stderr, "test authority: %s: %s\n", fault->where, fault->text);
        abort();
    }
}

struct key *pki_key(void)
{
    struct key *key = NULL;
    struct fault fault;
    must(key_make(&key, &fault), &fault);
    return key;
}

struct buf pki_pem(const mbedtls_x509_crt *crt)
{
    struct buf pem;
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    certificate_print(&pem, "CERTIFICATE", (struct slice){(const char *)crt->raw.p, crt->raw.len});
    return pem;
}

static mbedtls_x509_crt *make(struct certificate_order *order, const struct key *subject,
                              const mbedtls_x509_crt *issuer, const struct key *issuer_key)
{
    struct buf der CLEANUP(buf_free);
    struct buf pem CLEANUP(buf_free);
    struct fault fault;
    mbedtls_x509_crt *crt = NULL;
    buf_init(&der, CERTIFICATE_PEM_MAX);
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    random_fill(NULL, order->serial, sizeof order->serial);
    must(certificate_make(order, key_pk(subject), issuer, issuer_key, &der, &fault), &fault);
    certificate_print(&pem, "CERTIFICATE", buf_slice(&der));
    must(certificate_parse(buf_slice(&pem), "made", &crt, &fault), &fault);
    return crt;
}

struct pki pki_open(const char *name)
{
    struct pki pki = {.key = pki_key()};
    struct certificate_order order = {
        .purpose = CERTIFICATE_AUTHORITY,
        .common_name = name,
        .not_before_ms = PKI_NOW_MS - 10 * PKI_DAY_MS,
        .not_after_ms = PKI_NOW_MS + 3640 * PKI_DAY_MS,
    };
    pki.ca = make(&order, pki.key, NULL, pki.key);
    return pki;
}

void pki_close(struct pki *pki)
{
    key_free(pki->key);
    certificate_free(pki->ca);
}

mbedtls_x509_crt *pki_issue(const struct pki *pki, enum certificate_purpose purpose,
                            const char *name, const struct key *subject, int from_days, int to_days)
{
    struct certificate_order order = {
        .purpose = purpose,
        .common_name = name,
        .hosts = &name,
        .host_count = 1,
        .not_before_ms = PKI_NOW_MS + from_days * PKI_DAY_MS,
        .not_after_ms = PKI_NOW_MS + to_days * PKI_DAY_MS,
    };
    return make(&order, subject, pki->ca, pki->key);
}

mbedtls_x509_crt *pki_issue_server(const struct pki *pki, const char *host,
                                   const struct key *subject)
{
    return pki_issue(pki, CERTIFICATE_SERVER, host, subject, -5, 5);
}
