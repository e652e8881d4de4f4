#include "sync/transport/tls_words.h"

#include "hal/base/rfc3339.h"
#include "provisioning/crl.h"

/* 3.x renamed it; the number stayed. */
enum { BAD_PROTOCOL_VERSION = -0x6E80 };

struct alert {
    unsigned char number;
    const char *words;
};

static const struct alert alerts[] = {
    {MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE,
     "it found no common ground, or misses our certificate"},
    {MBEDTLS_SSL_ALERT_MSG_NO_CERT, "it misses our certificate"},
    {MBEDTLS_SSL_ALERT_MSG_BAD_CERT, "it says that our certificate is bad"},
    {MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT, "it doesn't support our certificate"},
    {MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED, "it says that our certificate is revoked"},
    {MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED, "it says that our certificate expired"},
    {MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN, "it doesn't accept our certificate"},
    {MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA, "it doesn't know the CA of our certificate"},
    {MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED, "it denies access to our certificate"},
    {MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION, "it doesn't speak our version of TLS"},
    {MBEDTLS_SSL_ALERT_MSG_INSUFFICIENT_SECURITY, "it wants stronger ciphers than ours"},
    {MBEDTLS_SSL_ALERT_MSG_UNRECOGNIZED_NAME, "it doesn't serve this host name"},
    {MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL, "it doesn't serve this protocol (ALPN)"},
    {TLS_ALERT_CERTIFICATE_REQUIRED, "it requires our certificate"},
};

int tls_verdict_callback(void *context, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    struct tls_verdict *verdict = context;
    int code = verify_callback(&verdict->rules, crt, depth, flags);
    /* mbedTLS compares a revocation's date with the system's clock; a listed one is revoked. */
    if (verdict->rules.crl && crl_holds(verdict->rules.crl, crt))
        *flags |= MBEDTLS_X509_BADCERT_REVOKED;
    if (verdict->stale_crl_allowed)
        *flags &= ~(uint32_t)(MBEDTLS_X509_BADCRL_EXPIRED | MBEDTLS_X509_BADCRL_FUTURE);
    if (verdict->not_yet_allowed)
        *flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_FUTURE;
    /* From the root down to the leaf: the last that is remembered is nearest to the peer. */
    if (*flags & MBEDTLS_X509_BADCERT_EXPIRED)
        verdict->expired_ms = certificate_time_ms(&crt->valid_to);
    if (*flags & MBEDTLS_X509_BADCERT_FUTURE)
        verdict->not_yet_ms = certificate_time_ms(&crt->valid_from);
    return code;
}

/* The worst of what is wrong: a name on a certificate of unknown origin means nothing. */
static const char *place_of(uint32_t flags)
{
    const uint32_t dated = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
    const uint32_t named = MBEDTLS_X509_BADCERT_CN_MISMATCH;
    return flags & ~(dated | named) ? "certificate"
           : flags & named          ? TLS_WHERE_NAME
                                    : TLS_WHERE_TIME;
}

static enum err certificate_words(const char *peer, const struct tls_verdict *verdict,
                                  uint32_t flags, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, FAULT_TEXT_MAX);
    char time[RFC3339_TEXT + 1];
    const uint32_t dated = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
    buf_printf(&text, "the %s's certificate is refused: ", peer);
    if (flags & MBEDTLS_X509_BADCERT_EXPIRED) {
        rfc3339_format(verdict->expired_ms, time);
        buf_printf(&text, "it expired on %.10s", time);
    }
    if (flags & MBEDTLS_X509_BADCERT_FUTURE) {
        rfc3339_format(verdict->not_yet_ms, time);
        buf_printf(&text, "it is not yet valid, only from %.10s on", time);
    }
    if (flags & ~dated) {
        if (flags & dated)
            buf_append_text(&text, ", ");
        verify_explain(&text, flags & ~dated);
    }
    if (verdict->rules.host && flags & MBEDTLS_X509_BADCERT_CN_MISMATCH)
        buf_printf(&text, " (%s was dialled)", verdict->rules.host);
    return fault_set(fault, ERR_TLS, place_of(flags), "%s", text.data ? text.data : "");
}

static enum err alert_words(const char *peer, const mbedtls_ssl_context *ssl, struct fault *fault)
{
    /* A record that was an alert stays in the input buffer: level, then description. */
    const unsigned char *message = ssl->MBEDTLS_PRIVATE(in_msg);
    for (size_t i = 0; message && i < sizeof alerts / sizeof *alerts; i++)
        if (alerts[i].number == message[1])
            return fault_set(fault, ERR_TLS, "", "the %s refused: %s", peer, alerts[i].words);
    return fault_set(fault, ERR_TLS, "", "the %s refused (TLS alert %d)", peer,
                     message ? message[1] : 0);
}

enum err tls_words(const mbedtls_ssl_context *ssl, enum tls_role role,
                   const struct tls_verdict *verdict, int code, struct fault *fault)
{
    const char *peer = role == TLS_CLIENT ? "server" : "client";
    uint32_t flags = mbedtls_ssl_get_verify_result(ssl);
    switch (code) {
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
        return alert_words(peer, ssl, fault);
    case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
        return certificate_words(peer, verdict, flags, fault);
    case MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE:
        return fault_set(fault, ERR_TLS, "certificate", "the client showed no certificate");
    case BAD_PROTOCOL_VERSION:
        return fault_set(fault, ERR_TLS, "",
                         "the %s speaks no TLS newer than 1.1; 1.2 is the least", peer);
    case MBEDTLS_ERR_SSL_CONN_EOF:
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
        return fault_set(fault, ERR_CLOSED, "", "the %s closed the connection", peer);
    default:
        return crypto_fault(fault, ERR_TLS, "",
                            role == TLS_CLIENT ? "TLS with the server" : "TLS with the client",
                            code);
    }
}
