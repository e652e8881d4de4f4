/*
 * Who this machine is: key, certificate chain, the authorities it trusts, what they revoked.
 *
 * An appliance keeps it in a directory (0700) of its own:
 *
 *     current.pem   private key and certificate chain in one file, 0600: a crash can't part them
 *     next.pem      the same while it is being made: the key alone, then with its chain
 *     ca.pem        trusted authorities (several while one replaces another)
 *     crl.pem       their revocation lists, when there are any
 *     token.uri     where its keys are made, when that is a token (hal/pkcs11.h); then current.pem
 *                   and next.pem hold the key's URI in place of the key
 *
 * Renewal is: identity_prepare (key), identity_request (CSR), identity_accept (the answer), try a
 * connection with IDENTITY_NEXT, identity_promote. Every step is one atomic file operation and may
 * be asked again after a crash. Servers, and tools that are given files, use identity_open_files.
 *
 * Expiry is reported, never acted upon: a machine with an expired identity still loads it. An open
 * identity doesn't follow the files; open it again after a change. It belongs to one thread at a
 * time. Every call that takes a path blocks on the disk.
 */
#ifndef PROVISIONING_IDENTITY_H
#define PROVISIONING_IDENTITY_H

#include "provisioning/crl.h"

enum identity_slot { IDENTITY_CURRENT, IDENTITY_NEXT };

struct identity;

/*
 * Opens a directory's identity. ERR_NOT_FOUND when the slot holds no certificate yet, ERR_FORBIDDEN
 * when others may read its key, ERR_CORRUPT when a file can't be read as what it should be or key
 * and certificate don't belong together.
 */
enum err identity_open(struct identity **identity, const char *folder, enum identity_slot slot,
                       struct fault *fault) MUST_CHECK;
/* The same without the key, so no token is asked, which may take seconds. */
enum err identity_open_public(struct identity **identity, const char *folder,
                              enum identity_slot slot, struct fault *fault) MUST_CHECK;

struct identity_files {
    const char *ca;    /* PEM */
    const char *chain; /* PEM; NULL with `key`: a client without a certificate, for enrolment */
    const char *key;   /* PEM; may be the same file as `chain`; NULL: not needed */
    const char *crl;   /* PEM, or NULL; a file that isn't there is ERR_NOT_FOUND */
};
enum err identity_open_files(struct identity **identity, const struct identity_files *files,
                             struct fault *fault) MUST_CHECK;
/* Takes NULL. */
void identity_close(struct identity *identity);
void identity_cleanup(struct identity **identity); /* for CLEANUP */

/* All borrowed, for as long as the identity is open. */
const char *identity_device(const struct identity *identity); /* common name; "" without chain */
const struct certificate_facts *identity_facts(const struct identity *identity);
mbedtls_pk_context *identity_key(const struct identity *identity); /* NULL without */
mbedtls_x509_crt *identity_chain(const struct identity *identity); /* NULL without */
mbedtls_x509_crt *identity_ca(const struct identity *identity);
mbedtls_x509_crl *identity_crl(const struct identity *identity); /* NULL without */

enum identity_age { IDENTITY_FRESH, IDENTITY_RENEW, IDENTITY_EXPIRED, IDENTITY_NOT_YET };
/* IDENTITY_RENEW: less than `renew_percent` of the whole validity remains. */
enum identity_age identity_age(const struct identity *identity, int64_t now_ms,
                               unsigned renew_percent);

/* --- The directory's changes: one writer at a time. --- */

/*
 * Makes the directory, and has the keys made in a token from now on: the URI is tried out first,
 * and its errors are those of pkcs11_make.
 */
enum err identity_use_token(const char *folder, const char *token_uri,
                            struct fault *fault) MUST_CHECK;
/* Makes the directory, and a key in next.pem unless one is there already. */
enum err identity_prepare(const char *folder, struct fault *fault) MUST_CHECK;
/* The same with the key that is in use, for who doesn't want another with each certificate. */
enum err identity_prepare_same(const char *folder, struct fault *fault) MUST_CHECK;
/* Appends the PEM request for the key in next.pem. */
enum err identity_request(const char *folder, const char *device, struct buf *pem,
                          struct fault *fault) MUST_CHECK;
/*
 * Takes the certificate chain that answers the request. ERR_CONFLICT when it isn't for the key in
 * next.pem, ERR_REFUSED when it doesn't verify against ca.pem as a device's certificate at `now_ms`
 * or names another device; nothing is changed then.
 */
enum err identity_accept(const char *folder, const char *device, struct slice chain_pem,
                         int64_t now_ms, struct fault *fault) MUST_CHECK;
/*
 * next becomes current. ERR_NOT_FOUND when next has no certificate; fine if already done. A key
 * that was in use and in a token is destroyed there.
 */
enum err identity_promote(const char *folder, struct fault *fault) MUST_CHECK;
/* Forgets what was prepared, and destroys its key if that is in a token and not in use. */
enum err identity_abandon(const char *folder, struct fault *fault) MUST_CHECK;
/* Replace the trusted authorities, and the revocation lists, after a look whether they parse. */
enum err identity_set_ca(const char *folder, struct slice pem, struct fault *fault) MUST_CHECK;
/* The list must be signed by a trusted authority and not be older than the one there. */
enum err identity_set_crl(const char *folder, struct slice pem, struct fault *fault) MUST_CHECK;

#endif
