/*
 * What went wrong in a TLS connection, in words for a person: certificate checks with their dates,
 * alerts (RFC 8446, section 6) that the other side sent, mbedTLS's own errors. Pure but for the
 * certificates it is shown; loop thread only.
 */
#ifndef SYNC_TRANSPORT_TLS_WORDS_H
#define SYNC_TRANSPORT_TLS_WORDS_H

#include "provisioning/verify.h"
#include "sync/transport/tls.h"

#include <mbedtls/ssl.h>

/* RFC 8446; mbedTLS has no name for it. */
enum { TLS_ALERT_CERTIFICATE_REQUIRED = 116 };

/* One certificate check on its way; what tls_verdict_callback is given. */
struct tls_verdict {
    struct verify_rules rules;
    bool stale_crl_allowed;
    bool not_yet_allowed; /* our clock may be behind, and nobody has said otherwise */
    int64_t expired_ms;   /* of the first certificate of the chain that was; 0: none */
    int64_t not_yet_ms;   /* valid only from then on; 0: none */
};

/* An mbedTLS verify callback: verify_callback with the dates kept for the words. */
int tls_verdict_callback(void *verdict, mbedtls_x509_crt *crt, int depth, uint32_t *flags);

/*
 * Fills `fault` for a handshake, read or write that failed with mbedTLS's `code`. `role` is ours.
 * Returns ERR_TLS for what TLS refused, ERR_CLOSED for a connection that just ended.
 */
enum err tls_words(const mbedtls_ssl_context *ssl, enum tls_role role,
                   const struct tls_verdict *verdict, int code, struct fault *fault);

#endif
