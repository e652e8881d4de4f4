/*
 * One TLS connection (RFC 5246, RFC 8446) by mbedTLS over a connected, non-blocking socket, as
 * client or server, driven by the loop. TLS 1.2 at least; 1.3 where mbedTLS has it. Mutual: both
 * sides must show a certificate that their peer's CA signed, not expired, not revoked; the client
 * checks the host name. Loop thread only; never blocks.
 */
#ifndef SYNC_TRANSPORT_TLS_H
#define SYNC_TRANSPORT_TLS_H

#include "hal/base/buf.h"
#include "hal/clock.h"
#include "hal/loop.h"

/*
 * Where a refused certificate was wrong, for who tells people what to do: the fault's `where` is
 * one of these, or "certificate" for anything else (unknown authority, revoked, ...).
 */
#define TLS_WHERE_NAME "certificate.name"
#define TLS_WHERE_TIME "certificate.time"

/* Certificates and keys read from PEM files, shared by many connections; immutable after open. */
struct tls_context;
struct tls_stream;

enum tls_role { TLS_CLIENT, TLS_SERVER };

struct tls_config {
    enum tls_role role;
    /*
     * NULL on a client: the server may be anyone, and what it says must prove itself. For the
     * bundle that a code's seal proves, and nothing else.
     */
    const char *ca_file;
    /*
     * NULL: no revocation list. A server refuses everyone once the list is past its nextUpdate; a
     * client goes on with it, since after long offline the connection is what brings a new one.
     */
    const char *crl_file;
    const char *certificate_file; /* chain, leaf first; NULL: a client without one */
    const char *key_file;
    bool peer_certificate_optional; /* server only: browsers at the counter have none */
    const char *const *alpn;        /* NULL, or a NULL-terminated list */
    /*
     * What "now" is for validity; NULL: the system's. While it is not trusted, a client takes a
     * server whose certificate begins later, or ended after the time that has surely passed
     * (clock_floor_ms): a clock may show 1970 or 2099, and the connection is what sets it right.
     */
    struct clock *clock;
};

enum err tls_context_open(struct tls_context **context, const struct tls_config *config,
                          struct fault *fault) MUST_CHECK;
/* Takes NULL. Streams made from it keep it alive. */
void tls_context_close(struct tls_context *context);

/*
 * `connected` comes once after the handshake, with ERR_OK or with a fault that says what was wrong
 * in words ("the server's certificate is refused: it expired on ..."); `readable` and `writable`
 * after that, and `closed` once: at the peer's end (ERR_CLOSED; writing may still go on) or at a
 * failure (nothing goes on). Any callback may close the stream.
 */
struct tls_listener {
    void (*connected)(void *context, enum err err, const struct fault *fault);
    void (*readable)(void *context);
    void (*writable)(void *context);
    void (*closed)(void *context, enum err err, const struct fault *fault);
    void *context;
};

/* What it goes over. */
struct tls_line {
    int fd;
    const char *host; /* to check and to send as SNI; borrowed; NULL on a server */
    int64_t handshake_timeout_ms;
};

/* Takes over the line's descriptor, unless it fails. */
enum err tls_stream_open(struct tls_stream **stream, struct loop *loop, struct tls_context *context,
                         const struct tls_line *line, const struct tls_listener *listener,
                         struct fault *fault) MUST_CHECK;
/* Sends close_notify if it can at once, closes the socket. Takes NULL; no callback comes after. */
void tls_stream_close(struct tls_stream *stream);
/* Reads up to `size` bytes; *len is 0 when there is nothing now. ERR_CLOSED at the peer's end. */
enum err tls_stream_read(struct tls_stream *stream, char *data, size_t size,
                         size_t *len) MUST_CHECK;
/*
 * Writes what goes now; *len may be less than `size`, then `writable` follows and the rest must be
 * offered again, from the same byte on.
 */
enum err tls_stream_write(struct tls_stream *stream, const char *data, size_t size,
                          size_t *len) MUST_CHECK;
/* Half-close after the last byte (close_notify and shutdown). */
void tls_stream_finish(struct tls_stream *stream);
/* Whether `readable` should be called; false makes back-pressure. */
void tls_stream_want_read(struct tls_stream *stream, bool want);
/* Hands the stream to another owner: its callbacks come from now on, `connected` comes no more. */
void tls_stream_listen(struct tls_stream *stream, const struct tls_listener *listener);
/* The peer's certificate CN; "" if it showed none. Borrowed. */
const char *tls_stream_peer(const struct tls_stream *stream);
/* "TLSv1.3 TLS1-3-AES-256-GCM-SHA384"; borrowed. */
const char *tls_stream_version(const struct tls_stream *stream);

#endif
