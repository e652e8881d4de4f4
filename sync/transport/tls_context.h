/*
 * Inside of struct tls_context, for tls.c alone: what many streams share. Reading the files blocks;
 * nothing after that does, unless the key is in a token.
 */
#ifndef SYNC_TRANSPORT_TLS_CONTEXT_H
#define SYNC_TRANSPORT_TLS_CONTEXT_H

#include "provisioning/crl.h"
#include "sync/transport/tls.h"

#include <mbedtls/ssl.h>
#include <pthread.h>

enum { TLS_ALPN_MAX = 4, TLS_ALPN_NAME_MAX = 32 };

struct tls_context {
    enum tls_role role;
    unsigned references; /* the owner's and each stream's */
    mbedtls_ssl_config settings;
    mbedtls_x509_crt *ca;
    mbedtls_x509_crt *certificate;
    mbedtls_x509_crl *crl;
    struct key *key;
    struct clock *clock;
    bool peer_optional;
    /* The key is in a token, which may take long: handshakes go on beside the loop, one at a time,
     * since mbedTLS may work on what is shared here. */
    bool slow_key;
    pthread_mutex_t handshake;
    char alpn_names[TLS_ALPN_MAX][TLS_ALPN_NAME_MAX];
    const char *alpn[TLS_ALPN_MAX + 1];
};

/*
 * The time by which certificates are judged. Of a server, a client whose clock nobody vouches for
 * says only that its certificate is too old if it was so before the time that has surely passed.
 */
int64_t tls_context_now_ms(const struct tls_context *context);

#endif
