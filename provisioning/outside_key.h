/*
 * A private key on P-256 that stays in its token (hal/pkcs11.h), as mbedTLS uses keys: TLS
 * handshakes, certificates and requests sign with it like with any other.
 *
 * mbedTLS has no call for that: its callbacks for keys elsewhere are for RSA, or for servers only,
 * or need a library built for it. So the table of operations behind a key (mbedtls_pk_info_t) is
 * one of ours; 2.28 publishes what stands in it, for 3.6 it is written down here, and any other
 * version doesn't build. Signing blocks as long as the token takes; threading as in hal/pkcs11.h.
 */
#ifndef PROVISIONING_OUTSIDE_KEY_H
#define PROVISIONING_OUTSIDE_KEY_H

#include "hal/crypto.h"
#include "hal/pkcs11.h"

/* Sets an initialised `pk` up; mbedtls_pk_free then closes the key. On failure the key is left. */
int outside_key_setup(mbedtls_pk_context *pk, struct pkcs11_key *key);
/* The key within; NULL when the private half is in memory, as usual. Borrowed. */
struct pkcs11_key *outside_key_of(const mbedtls_pk_context *pk);
/*
 * What crypto_derive gives for a key in memory: here the secret beneath is the token's agreement
 * with a fixed point whose own private half nobody knows.
 */
enum err outside_key_derive(struct pkcs11_key *key, const char *purpose,
                            uint8_t secret[static CRYPTO_KEY_BYTES],
                            struct fault *fault) MUST_CHECK;

#endif
