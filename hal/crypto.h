/*
 * mbedTLS as we use it: where its randomness comes from, how its failures become faults, and the
 * few calls that differ between 2.28 and 3.6, in this one place.
 *
 * Randomness is the kernel's own generator, asked anew each time: it needs no seed file, can't be
 * shared by mistake over a fork, and any thread may use it.
 */
#ifndef HAL_CRYPTO_H
#define HAL_CRYPTO_H

#include "hal/base/buf.h"

#include <mbedtls/pk.h>
#include <mbedtls/version.h>

/* 3.x hides members that 2.28 leaves open; `x->MBEDTLS_PRIVATE(member)` reads under both. */
#if MBEDTLS_VERSION_MAJOR >= 3
#include <mbedtls/private_access.h>
#elif !defined(MBEDTLS_PRIVATE)
#define MBEDTLS_PRIVATE(member) member
#endif

/* What mbedTLS takes as `f_rng`; its context is NULL. Never fails. */
int crypto_random(void *unused_context, unsigned char *bytes, size_t len);

/* Records mbedTLS's failure `code` with its text; returns `err`. */
enum err crypto_fault(struct fault *fault, enum err err, const char *where, const char *doing,
                      int code);

/* mbedtls_pk_parse_key without a password. `text` with its NUL for PEM. */
int crypto_parse_key(mbedtls_pk_context *pk, const unsigned char *text, size_t len);
/* mbedtls_pk_sign over a SHA-256 hash; *len is how many of `size` bytes were written. */
int crypto_sign(mbedtls_pk_context *pk, const uint8_t hash[static 32], uint8_t *signature,
                size_t size, size_t *len);

/* PBKDF2-HMAC-SHA-256 (RFC 8018, section 5.2), slow on purpose: the caller chooses `rounds`. */
int crypto_pbkdf2(struct slice secret, struct slice salt, unsigned rounds, uint8_t *out,
                  uint32_t out_len);

enum { CRYPTO_KEY_BYTES = 32, CRYPTO_NONCE_BYTES = 12, CRYPTO_TAG_BYTES = 16 };

/*
 * AES-256-GCM (NIST SP 800-38D) under a fresh random nonce: `sealed` gets plain.len bytes and the
 * tag. What is sealed opens only together with the same `context`.
 */
int crypto_seal(const uint8_t key[static CRYPTO_KEY_BYTES], struct slice context,
                struct slice plain, uint8_t nonce[static CRYPTO_NONCE_BYTES], uint8_t *sealed);
/* `plain` gets sealed.len - CRYPTO_TAG_BYTES bytes; nothing of them if anything was changed. */
int crypto_open(const uint8_t key[static CRYPTO_KEY_BYTES], struct slice context,
                const uint8_t nonce[static CRYPTO_NONCE_BYTES], struct slice sealed,
                uint8_t *plain);
/* A secret that only the holder of an elliptic-curve key of up to 256 bits can make again, for one
 * purpose: HMAC-SHA-256 (RFC 2104) over `purpose` with the private number as the key. */
int crypto_derive(mbedtls_pk_context *pk, const char *purpose,
                  uint8_t secret[static CRYPTO_KEY_BYTES]);

/* Equal or not, in a time that doesn't tell where they differ. */
bool crypto_equal(const void *a, const void *b, size_t len);
/* Overwrites a secret; not optimised away. */
void crypto_wipe(void *secret, size_t len);

#endif
