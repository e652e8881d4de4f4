/*
 * A P-256 private key, made on this machine; as a file it is PEM (RFC 5915), mode 0600. Or it is
 * in a token, which it never leaves: then the file holds its URI (hal/pkcs11.h), on the first line.
 *
 * A key belongs to one thread at a time: mbedTLS keeps tables inside.
 */
#ifndef PROVISIONING_KEY_H
#define PROVISIONING_KEY_H

#include "hal/base/cleanup.h"
#include "hal/base/sha256.h"
#include "hal/crypto.h"

struct key;

enum err key_make(struct key **key, struct fault *fault) MUST_CHECK;
/* Makes it in the token that a URI names. Blocks; errors as of pkcs11_make. */
enum err key_make_in(const char *token_uri, struct key **key, struct fault *fault) MUST_CHECK;
/* Destroys in its token the key that a file names, if it names one there. */
enum err key_destroy(const char *path, struct fault *fault) MUST_CHECK;
/* Takes NULL; overwrites the secret. */
void key_free(struct key *key);
void key_cleanup(struct key **key); /* for CLEANUP */

/*
 * Reads the first private key of a PEM text, or opens the one that its first line names in a token:
 * ERR_INVALID unless it is a whole P-256 key. A token that isn't there is ERR_UNREACHABLE.
 */
enum err key_parse(struct slice pem, struct key **key, struct fault *fault) MUST_CHECK;
/* Appends "-----BEGIN EC PRIVATE KEY-----..." or the URI. The buffer may hold a secret: key_wipe.
 */
enum err key_print(const struct key *key, struct buf *pem, struct fault *fault) MUST_CHECK;
/* Overwrites and frees a buffer that held a secret. For CLEANUP. */
void key_wipe(struct buf *pem);

/*
 * Reads a key file. ERR_FORBIDDEN, with the command that mends it, when the group may write it or
 * others may read or write it; a key that others could read is better replaced.
 */
enum err key_load(const char *path, struct key **key, struct fault *fault) MUST_CHECK;
/* Replaces a key file, mode 0600 from its first byte on. */
enum err key_save(const struct key *key, const char *path, struct fault *fault) MUST_CHECK;

/* For mbedTLS calls; borrowed, lives as long as the key. */
mbedtls_pk_context *key_pk(const struct key *key);
/* A secret that only this key can make again, for one purpose (see crypto_derive). */
enum err key_derive(mbedtls_pk_context *pk, const char *purpose,
                    uint8_t secret[static CRYPTO_KEY_BYTES], struct fault *fault) MUST_CHECK;
/* SHA-256 of the public key's SubjectPublicKeyInfo: the same for a key and its certificates. */
enum err key_fingerprint(mbedtls_pk_context *pk, struct sha256 *fingerprint,
                         struct fault *fault) MUST_CHECK;
/* ERR_OK if both are the same public key; ERR_CONFLICT otherwise. */
enum err key_matches(const struct key *key, mbedtls_pk_context *other,
                     struct fault *fault) MUST_CHECK;

#endif
