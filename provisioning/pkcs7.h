/*
 * Certificates in a "certs-only" CMS SignedData (RFC 5652, RFC 7030 section 4.1.3): a bag without a
 * signature, the form in which EST hands certificates out. Pure, any thread.
 */
#ifndef PROVISIONING_PKCS7_H
#define PROVISIONING_PKCS7_H

#include "provisioning/certificate.h"

/* Appends the DER of a bag that holds all certificates of the chain, and of its `next` ones. */
enum err pkcs7_certificates(const mbedtls_x509_crt *chain, struct buf *der,
                            struct fault *fault) MUST_CHECK;

#endif
