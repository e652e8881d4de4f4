/*
 * Certificate revocation lists, version 2 (RFC 5280, section 5), with number, authority key
 * identifier and nextUpdate. A broker refuses every new client once nextUpdate has passed: whoever
 * keeps a list watches crl_next_update_ms. Any thread, but a key belongs to one at a time (key.h).
 */
#ifndef PROVISIONING_CRL_H
#define PROVISIONING_CRL_H

#include "provisioning/certificate.h"

#include <mbedtls/x509_crl.h>

/* Enough for 50,000 revoked certificates. */
enum { CRL_BYTES_MAX = 3 * 1024 * 1024, CRL_PEM_MAX = 5 * 1024 * 1024 };

/* RFC 5280, section 5.3.1. */
enum crl_reason {
    CRL_UNSPECIFIED = 0,
    CRL_KEY_COMPROMISE = 1,
    CRL_AFFILIATION_CHANGED = 3,
    CRL_SUPERSEDED = 4,
    CRL_CESSATION_OF_OPERATION = 5,
};

struct crl_entry {
    uint8_t serial[SERIAL_BYTES];
    int64_t revoked_ms;
    enum crl_reason reason;
};

struct crl_order {
    const struct crl_entry *entries;
    size_t count;
    int64_t number; /* grows with each list */
    int64_t this_update_ms;
    int64_t next_update_ms;
};

/* Makes a list signed by the authority and appends its DER. */
enum err crl_make(const struct crl_order *order, const mbedtls_x509_crt *issuer,
                  const struct key *issuer_key, struct buf *der, struct fault *fault) MUST_CHECK;

/* Parses all lists of a PEM text. */
enum err crl_parse(struct slice pem, const char *where, mbedtls_x509_crl **crl,
                   struct fault *fault) MUST_CHECK;
/* Takes NULL. */
void crl_free(mbedtls_x509_crl *crl);
void crl_cleanup(mbedtls_x509_crl **crl); /* for CLEANUP */
/* ERR_REFUSED unless one of the authorities signed this (first) list. */
enum err crl_check(const mbedtls_x509_crl *crl, mbedtls_x509_crt *ca,
                   struct fault *fault) MUST_CHECK;
/* The earliest nextUpdate of all of them. */
int64_t crl_next_update_ms(const mbedtls_x509_crl *crl);
/* True if a list of this issuer holds the certificate's serial; its signature isn't judged. */
bool crl_holds(const mbedtls_x509_crl *crl, const mbedtls_x509_crt *crt);

#endif
