/*
 * Certificate signing requests, PKCS#10 (RFC 2986): made by a device, judged by an authority. Any
 * thread, but a key belongs to one at a time (key.h).
 */
#ifndef PROVISIONING_CSR_H
#define PROVISIONING_CSR_H

#include "provisioning/certificate.h"

#include <mbedtls/x509_csr.h>

enum { CSR_BYTES_MAX = 16 * 1024 };

/* Appends a PEM request for the key, signed with it, with the device id as common name. */
enum err csr_make(const struct key *key, const char *device, struct buf *pem,
                  struct fault *fault) MUST_CHECK;

/*
 * Reads a request, PEM or DER: ERR_INVALID unless it is a P-256 key that signed this very request
 * (so that nobody asks for a certificate over somebody else's key) for a valid device id.
 */
enum err csr_parse(struct slice request, mbedtls_x509_csr **csr, struct fault *fault) MUST_CHECK;
void csr_cleanup(mbedtls_x509_csr **csr); /* for CLEANUP */
/* The common name, NUL-terminated. */
enum err csr_device(const mbedtls_x509_csr *csr, char device[static CERTIFICATE_NAME_MAX + 1],
                    struct fault *fault) MUST_CHECK;

#endif
