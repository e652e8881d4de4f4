/*
 * The pieces that certificates, requests and revocation lists share, written as DER (RFC 5280). One
 * owner, no threading.
 */
#ifndef PROVISIONING_X509W_H
#define PROVISIONING_X509W_H

#include "provisioning/derw.h"
#include "provisioning/key.h"

enum { X509W_KEY_ID_BYTES = 20 };

/* AlgorithmIdentifier of ECDSA with SHA-256; its parameters are left out, as RFC 5758 wants. */
void x509w_algorithm(struct derw *w);
/* A Name of one common name. */
void x509w_name(struct derw *w, const char *common_name);
/* SubjectPublicKeyInfo. */
enum err x509w_public_key(struct derw *w, mbedtls_pk_context *pk, struct fault *fault) MUST_CHECK;

/* The first 160 bits of SHA-256 over the public key (RFC 7093, section 2, method 1). */
enum err x509w_key_id(mbedtls_pk_context *pk, uint8_t id[static X509W_KEY_ID_BYTES],
                      struct fault *fault) MUST_CHECK;

/* Opens an Extension up to the inside of its extnValue; closed by x509w_extension_end. */
void x509w_extension(struct derw *w, struct slice oid, bool critical);
void x509w_extension_end(struct derw *w);
/* The whole authorityKeyIdentifier extension. */
void x509w_authority_key_id(struct derw *w, const uint8_t id[static X509W_KEY_ID_BYTES]);

/* SEQUENCE of the body, the algorithm and the signature over the body: appended to `out`. */
enum err x509w_sign(struct slice body, const struct key *key, struct buf *out,
                    struct fault *fault) MUST_CHECK;

#endif
