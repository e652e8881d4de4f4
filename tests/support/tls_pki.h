/*
 * A little PKI for TLS tests, made by our own authority, as files in a scratch folder. Ends the
 * test program when something can't be made.
 *
 * Servers (for localhost, 127.0.0.1, ::1): server, expired, not_yet, wrong_host, revoked, and
 * stranger of another CA. Clients (CN as named): shop-1, shop-2, hub, late-shop (expired),
 * early-shop (not yet valid), bad-shop (revoked), far-shop of another CA.
 */
#ifndef TESTS_SUPPORT_TLS_PKI_H
#define TESTS_SUPPORT_TLS_PKI_H

#include "sync/transport/tls.h"
#include "tests/support/scratch.h"

struct tls_pki {
    struct scratch scratch;
    int64_t now_ms;
};

void tls_pki_make(struct tls_pki *pki);
void tls_pki_remove(struct tls_pki *pki);
/* A path in it: "ca.pem", "crl.pem", "stale-crl.pem", "server.pem", "server-key.pem", ... */
const char *tls_pki_path(const struct tls_pki *pki, const char *name,
                         char path[static SCRATCH_PATH_MAX]);
/* A context of that role with `name`'s certificate (NULL: none), the CA, and the list. */
struct tls_context *tls_pki_context(const struct tls_pki *pki, enum tls_role role,
                                    const char *name);

/* With all else that `more` says; its `crl_file` is a name in the PKI. */
struct tls_context *tls_pki_special(const struct tls_pki *pki, enum tls_role role, const char *name,
                                    struct tls_config more);

#endif
