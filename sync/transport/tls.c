#include "sync/transport/tls.h"

#include "sync/transport/tls_context.h"
#include "sync/transport/tls_words.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum tls_phase { PHASE_HANDSHAKE, PHASE_OPEN, PHASE_ENDED };

struct tls_stream {
    struct tls_context *context;
    struct loop *loop;
    struct tls_listener listener;
    struct loop_poll *poll;
    struct loop_timer *timer; /* the handshake's limit, then what is due without the socket */
    int fd;
    mbedtls_ssl_context ssl;
    struct tls_verdict verdict;
    enum tls_phase phase;
    bool want_read;
    bool handshake_writes; /* the handshake waits for room, not for bytes */
    bool stepping;         /* a step of it goes on beside the loop: nobody else touches it */
    int stepped;           /* what that step ended with */
    bool peer_ended;
    bool told_closed;
    bool finishing; /* close_notify is still to go out */
    bool finished;
    size_t retry_len; /* a write that mbedTLS wants repeated, byte for byte */
    unsigned entered; /* callbacks of ours on the stack */
    bool closed;      /* freed when the last of them returns */
    struct fault fault;
    char peer[CERTIFICATE_NAME_MAX + 1];
    char host[256];
    char version[80];
};

/*
 * A socket that no longer takes bytes may still hold what the peer said last, an alert with the
 * reason above all. So only reading finds out about the end; what is written until then is lost.
 */
static int socket_send(void *context, const unsigned char *data, size_t len)
{
    const struct tls_stream *stream = context;
    ssize_t sent = send(stream->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    return (int)(sent < 0 ? (ssize_t)len : sent);
}

static int socket_receive(void *context, unsigned char *data, size_t len)
{
    const struct tls_stream *stream = context;
    ssize_t received = recv(stream->fd, data, len, MSG_DONTWAIT);
    if (received >= 0)
        return (int)received; /* 0: the end, as mbedTLS wants it */
    if (errno == EAGAIN || errno == EINTR)
        return MBEDTLS_ERR_SSL_WANT_READ;
    return MBEDTLS_ERR_SSL_CONN_EOF;
}

static void free_stream(struct tls_stream *stream)
{
    if (stream->fd >= 0)
        (void)close(stream->fd);
    mbedtls_ssl_free(&stream->ssl);
    tls_context_close(stream->context);
    free(stream);
}

static void leave(struct tls_stream *stream)
{
    if (--stream->entered == 0 && stream->closed)
        free_stream(stream);
}

static void update_poll(struct tls_stream *stream)
{
    unsigned want = 0;
    if (stream->phase == PHASE_HANDSHAKE && !stream->stepping)
        want = stream->handshake_writes ? LOOP_WRITE : LOOP_READ;
    else if (stream->phase == PHASE_OPEN)
        want = (stream->want_read && !stream->peer_ended ? LOOP_READ : 0u) |
               (stream->retry_len || stream->finishing ? LOOP_WRITE : 0u);
    loop_poll_want(stream->poll, want);
}

/* Something is due that the socket won't announce. */
static void call_later(struct tls_stream *stream)
{
    loop_timer_start(stream->timer, 0, 0);
}

static enum err fail(struct tls_stream *stream, int code)
{
    enum err err =
        tls_words(&stream->ssl, stream->context->role, &stream->verdict, code, &stream->fault);
    stream->phase = PHASE_ENDED;
    return err;
}

static void tell_closed(struct tls_stream *stream)
{
    if (stream->closed || stream->told_closed)
        return;
    bool failed = stream->phase == PHASE_ENDED;
    if (!failed && !stream->peer_ended)
        return;
    stream->told_closed = true;
    if (!failed)
        (void)fault_set(&stream->fault, ERR_CLOSED, "", "the other side closed the connection");
    stream->listener.closed(stream->listener.context, stream->fault.code, &stream->fault);
}

/* --- Handshake ------------------------------------------------------------------------------- */

static void remember_peer(struct tls_stream *stream)
{
    const mbedtls_x509_crt *crt = mbedtls_ssl_get_peer_cert(&stream->ssl);
    if (!crt || certificate_common_name(&crt->subject, stream->peer, NULL))
        stream->peer[0] = '\0';
    (void)snprintf(stream->version, sizeof stream->version, "%s %s",
                   mbedtls_ssl_get_version(&stream->ssl),
                   mbedtls_ssl_get_ciphersuite(&stream->ssl));
}

static unsigned char alert_for(uint32_t flags)
{
    return flags & MBEDTLS_X509_BADCERT_REVOKED       ? MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED
           : flags & MBEDTLS_X509_BADCERT_EXPIRED     ? MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED
           : flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED ? MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA
                                                      : MBEDTLS_SSL_ALERT_MSG_BAD_CERT;
}

/* Where mbedTLS let the client's certificate pass, this judges it; see tls_context.c. */
static int judge_client(struct tls_stream *stream, unsigned char *alert)
{
    if (mbedtls_ssl_get_peer_cert(&stream->ssl)) {
        uint32_t flags = mbedtls_ssl_get_verify_result(&stream->ssl);
        *alert = alert_for(flags);
        return flags ? MBEDTLS_ERR_X509_CERT_VERIFY_FAILED : 0;
    }
    *alert = TLS_ALERT_CERTIFICATE_REQUIRED;
    return stream->context->peer_optional ? 0 : MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE;
}

static int check_peer(struct tls_stream *stream, int code)
{
    unsigned char alert = 0;
    if (code == 0 && stream->context->role == TLS_SERVER)
        code = judge_client(stream, &alert);
    else if (code == MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE)
        alert = MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE; /* 2.28 says nothing to the client */
    if (code && alert)
        (void)mbedtls_ssl_send_alert_message(&stream->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, alert);
    return code;
}

static void end_handshake(struct tls_stream *stream, enum err err)
{
    loop_timer_stop(stream->timer);
    if (err) {
        stream->phase = PHASE_ENDED;
        stream->told_closed = true;
        update_poll(stream);
        stream->listener.connected(stream->listener.context, err, &stream->fault);
        return;
    }
    stream->phase = PHASE_OPEN;
    stream->want_read = true;
    remember_peer(stream);
    stream->listener.connected(stream->listener.context, ERR_OK, NULL);
    if (!stream->closed && mbedtls_ssl_check_pending(&stream->ssl))
        call_later(stream);
}

static void take_step(struct tls_stream *stream, int code)
{
    stream->handshake_writes = code == MBEDTLS_ERR_SSL_WANT_WRITE;
    if (code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE)
        return;
    code = check_peer(stream, code);
    if (code == 0) {
        end_handshake(stream, ERR_OK);
        return;
    }
    enum err err = fail(stream, code);
    if (err == ERR_CLOSED)
        (void)fault_set(&stream->fault, err, "",
                        "the %s closed the connection in the TLS handshake",
                        stream->context->role == TLS_CLIENT ? "server" : "client");
    end_handshake(stream, err);
}

/* The thread beside the loop. */
static void run_step(void *context)
{
    struct tls_stream *stream = context;
    pthread_mutex_lock(&stream->context->handshake);
    stream->stepped = mbedtls_ssl_handshake(&stream->ssl);
    pthread_mutex_unlock(&stream->context->handshake);
}

static void on_stepped(void *context)
{
    struct tls_stream *stream = context;
    stream->stepping = false;
    if (!stream->closed && stream->phase == PHASE_HANDSHAKE)
        take_step(stream, stream->stepped);
    if (!stream->closed)
        update_poll(stream);
    leave(stream);
}

/* It holds the stream, as a callback does, until it has ended. */
static void begin_step(struct tls_stream *stream)
{
    stream->stepping = true;
    stream->entered++;
    enum err err = loop_work(stream->loop, run_step, on_stepped, stream, &stream->fault);
    if (!err)
        return;
    stream->stepping = false;
    stream->entered--;
    end_handshake(stream, err);
}

static void step_handshake(struct tls_stream *stream)
{
    if (stream->stepping)
        return;
    if (stream->context->slow_key)
        begin_step(stream);
    else
        take_step(stream, mbedtls_ssl_handshake(&stream->ssl));
}

/* --- Open ------------------------------------------------------------------------------------ */

static void finish_now(struct tls_stream *stream)
{
    int code = mbedtls_ssl_close_notify(&stream->ssl);
    stream->finishing = code == MBEDTLS_ERR_SSL_WANT_WRITE;
    if (stream->finishing)
        return;
    (void)shutdown(stream->fd, SHUT_WR);
    stream->finished = true;
}

static bool wants_bytes(const struct tls_stream *stream)
{
    return !stream->closed && stream->phase == PHASE_OPEN && stream->want_read &&
           !stream->peer_ended;
}

static void serve_open(struct tls_stream *stream, unsigned ready)
{
    if (ready & LOOP_WRITE && stream->finishing)
        finish_now(stream);
    else if (ready & LOOP_WRITE && stream->retry_len)
        stream->listener.writable(stream->listener.context);
    if (ready & LOOP_READ && wants_bytes(stream))
        stream->listener.readable(stream->listener.context);
    /* What was decrypted already makes no socket readable. */
    if (wants_bytes(stream) && mbedtls_ssl_check_pending(&stream->ssl))
        call_later(stream);
    tell_closed(stream);
}

static void on_timer(void *context)
{
    struct tls_stream *stream = context;
    stream->entered++;
    if (stream->phase == PHASE_HANDSHAKE) {
        (void)fault_set(&stream->fault, ERR_TIMEOUT, "", "the TLS handshake took too long");
        end_handshake(stream, ERR_TIMEOUT);
    } else {
        serve_open(stream, LOOP_READ);
    }
    if (!stream->closed)
        update_poll(stream);
    leave(stream);
}

static void on_poll(void *context, unsigned ready)
{
    struct tls_stream *stream = context;
    stream->entered++;
    if (stream->phase == PHASE_HANDSHAKE)
        step_handshake(stream);
    else if (stream->phase == PHASE_OPEN)
        serve_open(stream, ready);
    if (!stream->closed)
        update_poll(stream);
    leave(stream);
}

static bool is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static int set_up(struct tls_stream *stream, const char *host)
{
    struct tls_context *context = stream->context;
    int code = mbedtls_ssl_setup(&stream->ssl, &context->settings);
    if (code)
        return code;
    if (context->role == TLS_CLIENT) {
        /* Server name indication knows no addresses; verify_callback checks both kinds. */
        code = mbedtls_ssl_set_hostname(&stream->ssl, is_address(host) ? NULL : host);
        (void)snprintf(stream->host, sizeof stream->host, "%s", host);
        stream->verdict.rules.host = stream->host;
        stream->verdict.stale_crl_allowed = true;
        stream->verdict.not_yet_allowed = context->clock && !clock_read(context->clock).trusted;
    }
    stream->verdict.rules.ca = context->ca;
    stream->verdict.rules.crl = context->crl;
    stream->verdict.rules.now_ms = tls_context_now_ms(context);
    mbedtls_ssl_set_verify(&stream->ssl, tls_verdict_callback, &stream->verdict);
    mbedtls_ssl_set_bio(&stream->ssl, stream, socket_send, socket_receive, NULL);
    return code;
}

enum err tls_stream_open(struct tls_stream **out, struct loop *loop, struct tls_context *context,
                         const struct tls_line *line, const struct tls_listener *listener,
                         struct fault *fault)
{
    assert(line->host || context->role == TLS_SERVER);
    struct tls_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    mbedtls_ssl_init(&stream->ssl);
    stream->context = context;
    stream->loop = loop;
    context->references++;
    stream->listener = *listener;
    stream->fd = -1; /* taken over only when nothing can fail any more */
    enum err err = ERR_OK;
    int code = set_up(stream, line->host);
    if (code)
        err = crypto_fault(fault, ERR_TLS, "", "setting up TLS", code);
    if (!err)
        err = loop_poll_open(loop, line->fd, on_poll, stream, &stream->poll, fault);
    if (!err && !(stream->timer = loop_timer_open(loop, on_timer, stream)))
        err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (err) {
        tls_stream_close(stream);
        return err;
    }
    stream->fd = line->fd;
    loop_timer_start(stream->timer, line->handshake_timeout_ms, 0);
    /* A client's first flight goes out from the loop, so that no callback comes before we return.
     */
    stream->handshake_writes = context->role == TLS_CLIENT;
    update_poll(stream);
    *out = stream;
    return ERR_OK;
}

void tls_stream_close(struct tls_stream *stream)
{
    if (!stream || stream->closed)
        return;
    if (stream->phase == PHASE_OPEN && !stream->finished && !stream->retry_len)
        (void)mbedtls_ssl_close_notify(&stream->ssl);
    loop_poll_close(stream->poll);
    loop_timer_close(stream->timer);
    if (stream->fd >= 0 && !stream->stepping) {
        (void)close(stream->fd);
        stream->fd = -1;
    }
    stream->closed = true;
    if (stream->entered == 0)
        free_stream(stream);
}

static bool is_quiet(int code)
{
    return code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE ||
#if MBEDTLS_VERSION_MAJOR >= 3
           code == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET ||
#endif
           code == MBEDTLS_ERR_SSL_CRYPTO_IN_PROGRESS;
}

/* A failure met outside our own callbacks is still told, by the loop. */
static enum err fail_open(struct tls_stream *stream, int code)
{
    enum err err = fail(stream, code);
    if (stream->entered == 0) {
        update_poll(stream);
        call_later(stream);
    }
    return err;
}

enum err tls_stream_read(struct tls_stream *stream, char *data, size_t size, size_t *len)
{
    if (stream->phase != PHASE_OPEN)
        return stream->fault.code ? stream->fault.code : ERR_CLOSED;
    if (stream->peer_ended)
        return ERR_CLOSED;
    int code = mbedtls_ssl_read(&stream->ssl, (unsigned char *)data, size);
    if (code > 0 || is_quiet(code)) {
        *len = code > 0 ? (size_t)code : 0;
        return ERR_OK;
    }
    if (code == 0 || code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        stream->peer_ended = true;
        if (stream->entered == 0)
            call_later(stream);
        return ERR_CLOSED;
    }
    return fail_open(stream, code);
}

enum err tls_stream_write(struct tls_stream *stream, const char *data, size_t size, size_t *len)
{
    if (stream->phase != PHASE_OPEN || stream->finishing || stream->finished)
        return stream->fault.code ? stream->fault.code : ERR_CLOSED;
    size_t done = 0;
    while (done < size) {
        size_t piece = stream->retry_len ? stream->retry_len : size - done;
        assert(piece <= size - done);
        int code = mbedtls_ssl_write(&stream->ssl, (const unsigned char *)data + done, piece);
        stream->retry_len = 0;
        if (code > 0) {
            done += (size_t)code;
        } else if (is_quiet(code)) {
            stream->retry_len = piece;
            break;
        } else {
            return fail_open(stream, code);
        }
    }
    if (stream->entered == 0)
        update_poll(stream);
    *len = done;
    return ERR_OK;
}

void tls_stream_finish(struct tls_stream *stream)
{
    if (stream->phase != PHASE_OPEN || stream->finishing || stream->finished)
        return;
    assert(!stream->retry_len);
    finish_now(stream);
    if (stream->entered == 0)
        update_poll(stream);
}

void tls_stream_want_read(struct tls_stream *stream, bool want)
{
    if (want == stream->want_read || stream->phase != PHASE_OPEN)
        return;
    stream->want_read = want;
    if (want && mbedtls_ssl_check_pending(&stream->ssl))
        call_later(stream);
    if (stream->entered == 0)
        update_poll(stream);
}

void tls_stream_listen(struct tls_stream *stream, const struct tls_listener *listener)
{
    stream->listener = *listener;
}

const char *tls_stream_peer(const struct tls_stream *stream)
{
    return stream->peer;
}

const char *tls_stream_version(const struct tls_stream *stream)
{
    return stream->version;
}
