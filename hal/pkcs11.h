/*
 * Private keys on P-256 that live in a token (a TPM, a smart card, a security module) and never
 * leave it: made there, used there, by PKCS #11 2.40 (OASIS) and its URIs (RFC 7512).
 *
 *     pkcs11:token=store?module-path=/usr/lib/libtpm2_pkcs11.so&pin-source=/etc/tillback/token.pin
 *
 * names a token: `token` or `serial` say which one, `module-path` says whose library speaks to it
 * (an absolute path), and the first line of the file `pin-source` is its user PIN. The same with
 * `id` names a key. Other attributes are refused rather than ignored.
 *
 * The module stays loaded until the process ends. Any thread may use a key, and closes it when no
 * other does; calls are made one after the other. Every call blocks: some milliseconds in software,
 * up to half a second in a TPM; one that hangs is left after 10 s (to open a key after 3 s, to
 * agree on a secret after 1.5 s), and until it ends all others fail at once, as ERR_UNREACHABLE. A
 * token that was taken out and put back is found again; a PIN that was refused is not shown to it
 * twice.
 */
#ifndef HAL_PKCS11_H
#define HAL_PKCS11_H

#include "hal/base/buf.h"

enum {
    PKCS11_URI_MAX = 1024,
    PKCS11_HASH_BYTES = 32,      /* SHA-256 */
    PKCS11_SIGNATURE_BYTES = 64, /* r and s */
    PKCS11_POINT_BYTES = 65,     /* uncompressed: 04, x, y */
    PKCS11_SECRET_BYTES = 32,    /* x */
};

struct pkcs11_key;

/* True when the text begins as such a URI; nothing more is checked. */
bool pkcs11_is_uri(struct slice text);

/*
 * Makes a key in the token that `token_uri` names, and appends the URI of that key. ERR_INVALID for
 * a URI that isn't one, ERR_NOT_FOUND without such a token, ERR_FORBIDDEN for a wrong PIN,
 * ERR_UNREACHABLE when the module can't be loaded or fails.
 */
enum err pkcs11_make(const char *token_uri, struct buf *key_uri, struct fault *fault) MUST_CHECK;
/* The same errors; ERR_NOT_FOUND also when the token holds no such key. */
enum err pkcs11_open(const char *key_uri, struct pkcs11_key **key, struct fault *fault) MUST_CHECK;
/* Takes NULL. */
void pkcs11_close(struct pkcs11_key *key);
/* Destroys the key in its token; fine if it is gone already. */
enum err pkcs11_destroy(const char *key_uri, struct fault *fault) MUST_CHECK;

/* The URI that it was opened with, and its public half; borrowed. */
const char *pkcs11_uri(const struct pkcs11_key *key);
const uint8_t *pkcs11_point(const struct pkcs11_key *key);

/* ECDSA over a hash (CKM_ECDSA). */
enum err pkcs11_sign(struct pkcs11_key *key, const uint8_t hash[static PKCS11_HASH_BYTES],
                     uint8_t signature[static PKCS11_SIGNATURE_BYTES],
                     struct fault *fault) MUST_CHECK;
/* Diffie-Hellman with another's public half (CKM_ECDH1_DERIVE, no key derivation after it). */
enum err pkcs11_agree(struct pkcs11_key *key, const uint8_t point[static PKCS11_POINT_BYTES],
                      uint8_t secret[static PKCS11_SECRET_BYTES], struct fault *fault) MUST_CHECK;

#endif
