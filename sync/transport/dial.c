#include "sync/transport/dial.h"

#include "hal/base/hex.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ADDRESSES_MAX = 8, ADDRESS_TIMEOUT_MS = 3000, KEEP_ALIVE_IDLE_S = 30 };

struct dial {
    struct loop *loop;
    dial_ended *ended;
    void *context;
    struct tls_context *tls;
    char host[URL_HOST_MAX + 1];
    uint16_t port;
    bool proxied;
    struct url proxy;
    int64_t deadline_ms;
    int64_t address_timeout_ms;
    struct loop_lookup *lookup;
    struct sockaddr_storage addresses[ADDRESSES_MAX];
    socklen_t lengths[ADDRESSES_MAX];
    size_t count;
    size_t next; /* of the addresses */
    struct loop_timer *timer;
    struct loop_poll *poll;
    int fd;
    struct tls_stream *stream;
    struct buf proxy_text; /* the request going out, then the answer coming in */
    bool proxy_asked;
    unsigned entered;
    bool closed; /* freed when the last callback of ours returns */
    bool over;
    struct fault fault; /* of the address tried last */
};

static void try_next(struct dial *dial);

static void leave(struct dial *dial)
{
    if (--dial->entered == 0 && dial->closed)
        free(dial);
}

static void drop_socket(struct dial *dial)
{
    loop_poll_close(dial->poll);
    dial->poll = NULL;
    if (dial->fd >= 0)
        (void)close(dial->fd);
    dial->fd = -1;
}

static void end(struct dial *dial, struct tls_stream *stream, const struct fault *fault)
{
    loop_timer_stop(dial->timer);
    drop_socket(dial);
    dial->over = true;
    dial->ended(dial->context, stream, fault);
}

static int64_t left_ms(const struct dial *dial)
{
    int64_t left = dial->deadline_ms - loop_now_ms(dial->loop);
    return left > 0 ? left : 0;
}

/* --- TLS ------------------------------------------------------------------------------------- */

static void on_connected(void *context, enum err err, const struct fault *fault)
{
    struct dial *dial = context;
    dial->entered++;
    struct tls_stream *stream = dial->stream;
    dial->stream = NULL;
    if (err) {
        struct fault copy = *fault;
        tls_stream_close(stream);
        if (!copy.where[0])
            (void)snprintf(copy.where, sizeof copy.where, "%.120s", dial->host);
        end(dial, NULL, &copy);
    } else {
        end(dial, stream, NULL);
    }
    leave(dial);
}

static void begin_tls(struct dial *dial)
{
    loop_poll_close(dial->poll);
    dial->poll = NULL;
    loop_timer_stop(dial->timer);
    const struct tls_line line = {dial->fd, dial->host, left_ms(dial)};
    enum err err = tls_stream_open(
        &dial->stream, dial->loop, dial->tls, &line,
        &(struct tls_listener){.connected = on_connected, .context = dial}, &dial->fault);
    if (err) {
        end(dial, NULL, &dial->fault);
        return;
    }
    dial->fd = -1;
}

/* --- Proxy ----------------------------------------------------------------------------------- */

static void ask_proxy(struct dial *dial)
{
    struct buf *text = &dial->proxy_text;
    bool bracketed = strchr(dial->host, ':') != NULL;
    char target[URL_HOST_MAX + 16];
    (void)snprintf(target, sizeof target, "%s%s%s:%u", bracketed ? "[" : "", dial->host,
                   bracketed ? "]" : "", dial->port);
    buf_printf(text, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", target, target);
    if (dial->proxy.user[0]) {
        buf_append_text(text, "Proxy-Authorization: Basic ");
        base64_encode(text, (const uint8_t *)dial->proxy.user, strlen(dial->proxy.user), false);
        buf_append_text(text, "\r\n");
    }
    buf_append_text(text, "\r\n");
}

enum err dial_proxy_answer(struct slice answer, bool *whole, struct fault *fault)
{
    static const char version[] = "HTTP/1.";
    size_t seen = answer.len < sizeof version - 1 ? answer.len : sizeof version - 1;
    if (memcmp(answer.data, version, seen) != 0)
        return fault_set(fault, ERR_INVALID, "proxy", "it doesn't answer in HTTP");
    const char *end = memmem(answer.data, answer.len, "\r\n\r\n", 4);
    if (!end) {
        if (answer.len >= DIAL_PROXY_ANSWER_MAX)
            return fault_set(fault, ERR_TOO_LARGE, "proxy", "its answer is longer than %d bytes",
                             DIAL_PROXY_ANSWER_MAX);
        *whole = false;
        return ERR_OK;
    }
    const char *status = memchr(answer.data, ' ', answer.len);
    if (!status || end - status < 4 || !isdigit((unsigned char)status[1]) ||
        !isdigit((unsigned char)status[2]) || !isdigit((unsigned char)status[3]))
        return fault_set(fault, ERR_INVALID, "proxy", "it doesn't answer in HTTP");
    if (status[1] != '2')
        return fault_set(fault, ERR_REFUSED, "proxy", "it answered %.3s to CONNECT%s", status + 1,
                         memcmp(status + 1, "407", 3) == 0 ? ": it wants a name and password" : "");
    *whole = true;
    return ERR_OK;
}

static enum err send_to_proxy(struct dial *dial)
{
    struct buf *text = &dial->proxy_text;
    ssize_t sent = send(dial->fd, text->data, text->len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR
                   ? ERR_OK
                   : fault_errno(&dial->fault, errno, "proxy", "asking it");
    buf_consume(text, (size_t)sent);
    dial->proxy_asked = text->len == 0;
    loop_poll_want(dial->poll, dial->proxy_asked ? LOOP_READ : LOOP_WRITE);
    return ERR_OK;
}

/* The server behind it speaks only after us: nothing but the answer can come in. */
static enum err read_from_proxy(struct dial *dial, bool *whole)
{
    char bytes[512];
    ssize_t received = recv(dial->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (received == 0)
        return fault_set(&dial->fault, ERR_CLOSED, "proxy", "it closed the connection");
    if (received < 0)
        return errno == EAGAIN || errno == EINTR
                   ? ERR_OK
                   : fault_errno(&dial->fault, errno, "proxy", "reading its answer");
    buf_append(&dial->proxy_text, bytes, (size_t)received);
    return dial_proxy_answer(buf_slice(&dial->proxy_text), whole, &dial->fault);
}

static void talk_to_proxy(struct dial *dial)
{
    bool whole = false;
    enum err err = dial->proxy_asked ? read_from_proxy(dial, &whole) : send_to_proxy(dial);
    if (err)
        end(dial, NULL, &dial->fault);
    else if (whole)
        begin_tls(dial);
}

/* --- TCP ------------------------------------------------------------------------------------- */

static void connected(struct dial *dial)
{
    int on = 1;
    int idle_s = KEEP_ALIVE_IDLE_S;
    (void)setsockopt(dial->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(dial->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(dial->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    dial->count = 0; /* no other address after this one */
    if (!dial->proxied) {
        begin_tls(dial);
        return;
    }
    loop_timer_start(dial->timer, left_ms(dial), 0);
    ask_proxy(dial);
    talk_to_proxy(dial);
}

static void on_socket(void *context, unsigned ready)
{
    (void)ready;
    struct dial *dial = context;
    dial->entered++;
    if (dial->count == 0) {
        talk_to_proxy(dial);
    } else {
        int error = 0;
        socklen_t len = sizeof error;
        (void)getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error) {
            (void)fault_errno(&dial->fault, error, dial->proxied ? dial->proxy.host : dial->host,
                              "connecting");
            try_next(dial);
        } else {
            connected(dial);
        }
    }
    leave(dial);
}

static enum err connect_to(struct dial *dial, const struct sockaddr_storage *address, socklen_t len)
{
    dial->fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (dial->fd < 0)
        return fault_errno(&dial->fault, errno, dial->host, "making a socket");
    if (connect(dial->fd, (const struct sockaddr *)address, len) < 0 && errno != EINPROGRESS)
        return fault_errno(&dial->fault, errno, dial->host, "connecting");
    enum err err = loop_poll_open(dial->loop, dial->fd, on_socket, dial, &dial->poll, &dial->fault);
    if (!err)
        loop_poll_want(dial->poll, LOOP_WRITE);
    return err;
}

static void try_next(struct dial *dial)
{
    while (dial->next < dial->count) {
        drop_socket(dial);
        size_t i = dial->next++;
        if (connect_to(dial, &dial->addresses[i], dial->lengths[i]))
            continue;
        int64_t wait_ms = left_ms(dial);
        if (dial->next < dial->count && wait_ms > dial->address_timeout_ms)
            wait_ms = dial->address_timeout_ms;
        loop_timer_start(dial->timer, wait_ms, 0);
        return;
    }
    end(dial, NULL, &dial->fault);
}

static void on_timer(void *context)
{
    struct dial *dial = context;
    dial->entered++;
    const char *step = dial->lookup  ? "looking the name up"
                       : dial->count ? "connecting"
                                     : "waiting for the proxy";
    (void)fault_set(&dial->fault, ERR_TIMEOUT, dial->host, "%s took too long", step);
    loop_lookup_cancel(dial->lookup);
    dial->lookup = NULL;
    if (left_ms(dial) > 0)
        try_next(dial);
    else
        end(dial, NULL, &dial->fault);
    leave(dial);
}

static void on_lookup(void *context, enum err err, const struct sockaddr_storage *addresses,
                      const socklen_t *lengths, size_t count)
{
    struct dial *dial = context;
    dial->entered++;
    dial->lookup = NULL;
    if (err) {
        (void)fault_set(&dial->fault, err == ERR_NOT_FOUND ? ERR_UNREACHABLE : err,
                        dial->proxied ? dial->proxy.host : dial->host,
                        "the host's name isn't known");
        end(dial, NULL, &dial->fault);
    } else {
        dial->count = count < ADDRESSES_MAX ? count : ADDRESSES_MAX;
        memcpy(dial->addresses, addresses, dial->count * sizeof *addresses);
        memcpy(dial->lengths, lengths, dial->count * sizeof *lengths);
        try_next(dial);
    }
    leave(dial);
}

enum err dial_open(struct dial **out, struct loop *loop, const struct dial_config *config,
                   dial_ended *ended, void *context, struct fault *fault)
{
    struct dial *dial = calloc(1, sizeof *dial);
    if (!dial)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    dial->loop = loop;
    dial->ended = ended;
    dial->context = context;
    dial->tls = config->tls;
    dial->fd = -1;
    dial->port = config->port;
    dial->proxied = config->proxy != NULL;
    if (config->proxy)
        dial->proxy = *config->proxy;
    (void)snprintf(dial->host, sizeof dial->host, "%s", config->host);
    dial->deadline_ms = loop_now_ms(loop) + config->timeout_ms;
    dial->address_timeout_ms =
        config->address_timeout_ms ? config->address_timeout_ms : ADDRESS_TIMEOUT_MS;
    buf_init(&dial->proxy_text, DIAL_PROXY_ANSWER_MAX + 512);
    enum err err = ERR_OK;
    if (!(dial->timer = loop_timer_open(loop, on_timer, dial)))
        err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (!err)
        err = loop_lookup_open(loop, dial->proxied ? dial->proxy.host : dial->host,
                               dial->proxied ? dial->proxy.port : dial->port, on_lookup, dial,
                               &dial->lookup, fault);
    if (err) {
        dial_close(dial);
        return err;
    }
    loop_timer_start(dial->timer, config->timeout_ms, 0);
    *out = dial;
    return ERR_OK;
}

void dial_close(struct dial *dial)
{
    if (!dial || dial->closed)
        return;
    loop_lookup_cancel(dial->lookup);
    tls_stream_close(dial->stream);
    drop_socket(dial);
    loop_timer_close(dial->timer);
    buf_free(&dial->proxy_text);
    dial->closed = true;
    if (dial->entered == 0)
        free(dial);
}
