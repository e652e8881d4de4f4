/*
 * ECDSA P-256 with SHA-256 over exact bytes, as DER (RFC 3279, section 2.2.3). Any thread, but a
 * key belongs to one at a time (key.h).
 */
#ifndef PROVISIONING_SIGNATURE_H
#define PROVISIONING_SIGNATURE_H

#include "provisioning/key.h"

enum { SIGNATURE_BYTES_MAX = 72 };

struct signature {
    uint8_t bytes[SIGNATURE_BYTES_MAX];
    size_t len;
};

enum err signature_make(const struct key *key, struct slice data, struct signature *signature,
                        struct fault *fault) MUST_CHECK;
/* ERR_REFUSED unless `signer` (a private or public P-256 key) signed just these bytes. */
enum err signature_check(mbedtls_pk_context *signer, struct slice data, struct slice signature,
                         struct fault *fault) MUST_CHECK;

#endif
