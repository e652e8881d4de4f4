#include "tests/support/http_peer.h"

#include "tests/support/await.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GOT_MAX = 32 * 1024 * 1024, HANDSHAKE_MS = 5000 };

static void give_up(const char *doing)
{
    perror(doing);
    exit(1);
}

static void flush(struct http_peer *peer)
{
    while (peer->waiting.len > 0 && !peer->ended) {
        size_t len = 0;
        if (peer->stream) {
            if (tls_stream_write(peer->stream, peer->waiting.data, peer->waiting.len, &len))
                return;
        } else {
            ssize_t sent =
                send(peer->fd, peer->waiting.data, peer->waiting.len, MSG_NOSIGNAL | MSG_DONTWAIT);
            len = sent > 0 ? (size_t)sent : 0;
        }
        if (len == 0)
            break;
        buf_consume(&peer->waiting, len);
    }
    if (peer->poll && !peer->ended)
        loop_poll_want(peer->poll,
                       (peer->deaf ? 0u : LOOP_READ) | (peer->waiting.len > 0 ? LOOP_WRITE : 0u));
}

static void on_socket(void *context, unsigned ready)
{
    struct http_peer *peer = context;
    char bytes[16384];
    if (ready & (LOOP_READ | LOOP_HANGUP)) {
        ssize_t got = recv(peer->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got > 0) {
            buf_append(&peer->got, bytes, (size_t)got);
        } else if (got == 0 || errno != EAGAIN) {
            peer->ended = true;
            loop_poll_want(peer->poll, 0);
        }
    }
    flush(peer);
}

static void on_connected(void *context, enum err err, const struct fault *fault)
{
    struct http_peer *peer = context;
    peer->connected = true;
    if (err) {
        peer->ended = true;
        peer->fault = *fault;
    }
}

static void on_readable(void *context)
{
    struct http_peer *peer = context;
    char bytes[16384];
    size_t len = 1;
    while (len > 0 && tls_stream_read(peer->stream, bytes, sizeof bytes, &len) == ERR_OK)
        buf_append(&peer->got, bytes, len);
}

static void on_writable(void *context)
{
    flush(context);
}

static void on_closed(void *context, enum err err, const struct fault *fault)
{
    (void)err;
    struct http_peer *peer = context;
    peer->ended = true;
    peer->fault = *fault;
}

static int reach(const char *address, const char *source)
{
    const char *colon = strrchr(address, ':');
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in from = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (source && (inet_pton(AF_INET, source, &from.sin_addr) != 1 ||
                   bind(fd, (struct sockaddr *)&from, sizeof from) < 0))
        give_up(source);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        give_up(address);
    return fd;
}

void http_peer_open(struct http_peer *peer, struct loop *loop, const char *address,
                    const char *source, struct tls_context *tls)
{
    *peer = (struct http_peer){.loop = loop, .fd = reach(address, source)};
    buf_init(&peer->got, GOT_MAX);
    buf_init(&peer->waiting, GOT_MAX);
    if (!tls) {
        if (loop_poll_open(loop, peer->fd, on_socket, peer, &peer->poll, NULL))
            give_up("poll");
        loop_poll_want(peer->poll, LOOP_READ);
        return;
    }
    const struct tls_line line = {peer->fd, "localhost", HANDSHAKE_MS};
    if (tls_stream_open(&peer->stream, loop, tls, &line,
                        &(struct tls_listener){.connected = on_connected,
                                               .readable = on_readable,
                                               .writable = on_writable,
                                               .closed = on_closed,
                                               .context = peer},
                        NULL))
        give_up("TLS");
    (void)await_flag(loop, &peer->connected, AWAIT_MS);
}

void http_peer_close(struct http_peer *peer)
{
    loop_poll_close(peer->poll);
    if (peer->stream)
        tls_stream_close(peer->stream);
    else
        close(peer->fd);
    buf_free(&peer->got);
    buf_free(&peer->waiting);
}

void http_peer_send(struct http_peer *peer, const char *data, size_t len)
{
    buf_append(&peer->waiting, data, len);
    flush(peer);
}

void http_peer_say(struct http_peer *peer, const char *text)
{
    http_peer_send(peer, text, strlen(text));
}

bool http_peer_ends(struct http_peer *peer, int64_t within_ms)
{
    return await_flag(peer->loop, &peer->ended, within_ms);
}

static bool is_whole(void *context)
{
    struct http_peer *peer = context;
    const char *end = peer->got.len ? strstr(peer->got.data, "\r\n\r\n") : NULL;
    if (!end)
        return peer->ended;
    const char *field = strcasestr(peer->got.data, "\r\nContent-Length:");
    size_t len = field && field < end ? strtoul(field + 17, NULL, 10) : 0;
    return peer->ended || (size_t)(peer->got.data + peer->got.len - end) - 4 >= len;
}

int http_peer_answer(struct http_peer *peer, struct slice *body)
{
    if (!await(peer->loop, is_whole, peer, AWAIT_MS))
        return -1;
    const char *end = peer->got.len ? strstr(peer->got.data, "\r\n\r\n") : NULL;
    if (!end)
        return 0; /* the server hung up without one */
    if (body)
        *body = (struct slice){end + 4, (size_t)(peer->got.data + peer->got.len - end) - 4};
    return (int)strtol(peer->got.data + 9, NULL, 10);
}

struct wish {
    struct http_peer *peer;
    const char *text;
};

static bool is_heard(void *context)
{
    const struct wish *wish = context;
    return wish->peer->got.len && strstr(wish->peer->got.data, wish->text);
}

bool http_peer_hears(struct http_peer *peer, const char *text, int64_t within_ms)
{
    struct wish wish = {peer, text};
    return await(peer->loop, is_heard, &wish, within_ms);
}

void http_peer_forget(struct http_peer *peer)
{
    buf_reset(&peer->got);
}

int http_peer_ask(struct http_peer *peer, const char *request, struct slice *body)
{
    http_peer_forget(peer);
    http_peer_say(peer, request);
    return http_peer_answer(peer, body);
}
