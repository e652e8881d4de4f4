/*
 * An authority in memory for tests: real keys and certificates, no files. Ends the test when
 * something can't be made.
 */
#ifndef TESTS_SUPPORT_PKI_H
#define TESTS_SUPPORT_PKI_H

#include "provisioning/certificate.h"

/* Far from today, so that whoever asks the system's clock is found out: 2037-05-01T00:00:00Z. */
#define PKI_NOW_MS INT64_C(2124835200000)
#define PKI_DAY_MS (INT64_C(24) * 60 * 60 * 1000)

struct pki {
    struct key *key;
    mbedtls_x509_crt *ca;
};

/* Valid from PKI_NOW_MS less 10 days, for 3,650 days. */
struct pki pki_open(const char *name);
void pki_close(struct pki *pki); /* for CLEANUP */

/* A certificate from `from_days` to `to_days` away from PKI_NOW_MS. */
mbedtls_x509_crt *pki_issue(const struct pki *pki, enum certificate_purpose purpose,
                            const char *name, const struct key *subject, int from_days,
                            int to_days);
/* For a server of one host, 10 days around PKI_NOW_MS. */
mbedtls_x509_crt *pki_issue_server(const struct pki *pki, const char *host,
                                   const struct key *subject);
struct key *pki_key(void);
/* PEM of one certificate. */
struct buf pki_pem(const mbedtls_x509_crt *crt);

#endif
