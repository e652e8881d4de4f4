#include "sync/transport/listener.h"

#include "sync/transport/url.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 128, ACCEPTS_AT_ONCE = 64, PAUSE_MS = 100, ADDRESS_TEXT = 64 };

struct peer_count {
    struct peer_address address;
    unsigned connections;
};

struct listener {
    int fd;
    struct loop_poll *poll;
    struct loop_timer *pause; /* after running out of descriptors */
    listener_accepted *accepted;
    void *context;
    unsigned max;
    unsigned max_per_address;
    int unacknowledged_ms;
    unsigned connections;
    struct peer_count *peers; /* `max` of them; those with 0 connections are free */
    char address[ADDRESS_TEXT];
};

static struct peer_address peer_of(const struct sockaddr_storage *address)
{
    struct peer_address peer = {0};
    if (address->ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        peer.ip = in6.sin6_addr;
    } else {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        peer.ip.s6_addr[10] = peer.ip.s6_addr[11] = 0xff;
        memcpy(&peer.ip.s6_addr[12], &in.sin_addr, sizeof in.sin_addr);
    }
    return peer;
}

/* The address's count, else a free one; there is always one while `connections` is below `max`. */
static struct peer_count *count_of(struct listener *listener, const struct peer_address *address)
{
    struct peer_count *unused = NULL;
    for (unsigned i = 0; i < listener->max; i++) {
        struct peer_count *peer = &listener->peers[i];
        if (peer->connections == 0)
            unused = unused ? unused : peer;
        else if (memcmp(&peer->address, address, sizeof *address) == 0)
            return peer;
    }
    if (unused)
        unused->address = *address;
    return unused;
}

static bool take(struct listener *listener, const struct sockaddr_storage *address)
{
    if (listener->connections >= listener->max)
        return false;
    struct peer_address from = peer_of(address);
    struct peer_count *peer = count_of(listener, &from);
    assert(peer);
    if (peer->connections >= listener->max_per_address)
        return false;
    peer->connections++;
    listener->connections++;
    return true;
}

void listener_released(struct listener *listener, const struct sockaddr_storage *address)
{
    struct peer_address from = peer_of(address);
    struct peer_count *peer = count_of(listener, &from);
    assert(peer && peer->connections > 0 && listener->connections > 0);
    peer->connections--;
    listener->connections--;
}

static void set_options(const struct listener *listener, int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &listener->unacknowledged_ms,
                     sizeof listener->unacknowledged_ms);
}

static void on_readable(void *context, unsigned ready)
{
    (void)ready;
    struct listener *listener = context;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        struct sockaddr_storage address = {0};
        socklen_t len = sizeof address;
        int fd =
            accept4(listener->fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
            /* The backlog stays readable: looking again at once would only burn time. */
            loop_poll_want(listener->poll, 0);
            loop_timer_start(listener->pause, PAUSE_MS, 0);
        }
        if (fd < 0)
            return;
        if (!take(listener, &address)) {
            (void)close(fd);
            continue;
        }
        set_options(listener, fd);
        listener->accepted(listener->context, fd, &address, len);
    }
}

static void on_pause_over(void *context)
{
    struct listener *listener = context;
    loop_poll_want(listener->poll, LOOP_READ);
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    struct peer_address peer = peer_of(address);
    return IN6_IS_ADDR_LOOPBACK(&peer.ip) ||
           (IN6_IS_ADDR_V4MAPPED(&peer.ip) && peer.ip.s6_addr[12] == 127);
}

static enum err parse_address(const char *text, struct sockaddr_storage *out, socklen_t *len,
                              struct fault *fault)
{
    struct url url;
    enum err err = url_parse(text, "address", 0, &url, fault);
    if (err)
        return err;
    const char *host = strcmp(url.host, "localhost") == 0 ? "127.0.0.1" : url.host;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(url.port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(url.port)};
    struct sockaddr_storage address = {0};
    if (!url.scheme[0] && !url.user[0] && inet_pton(AF_INET, host, &in.sin_addr) == 1)
        memcpy(&address, &in, *len = sizeof in);
    else if (!url.scheme[0] && !url.user[0] && inet_pton(AF_INET6, host, &in6.sin6_addr) == 1)
        memcpy(&address, &in6, *len = sizeof in6);
    else
        return fault_set(fault, ERR_INVALID, text,
                         "not an address to listen on, like 127.0.0.1:8080 or [::1]:8080");
    *out = address;
    return ERR_OK;
}

static void remember_address(struct listener *listener)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    (void)getsockname(listener->fd, (struct sockaddr *)&address, &len);
    char host[INET6_ADDRSTRLEN];
    if (address.ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, &address, sizeof in6);
        (void)inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof host);
        (void)snprintf(listener->address, sizeof listener->address, "[%s]:%u", host,
                       ntohs(in6.sin6_port));
    } else {
        struct sockaddr_in in;
        memcpy(&in, &address, sizeof in);
        (void)inet_ntop(AF_INET, &in.sin_addr, host, sizeof host);
        (void)snprintf(listener->address, sizeof listener->address, "%s:%u", host,
                       ntohs(in.sin_port));
    }
}

static enum err start(struct listener *listener, struct loop *loop,
                      const struct listener_config *config, struct fault *fault)
{
    struct sockaddr_storage address = {0};
    socklen_t len = 0;
    enum err err = parse_address(config->address, &address, &len, fault);
    if (err)
        return err;
    if (config->loopback_only && !is_loopback(&address))
        return fault_set(fault, ERR_FORBIDDEN, config->address,
                         "plain HTTP is for loopback (127.0.0.1, [::1]) only; "
                         "any other address needs a certificate: http.certificate and http.key");
    listener->fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (listener->fd < 0 ||
        setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(listener->fd, (const struct sockaddr *)&address, len) < 0 ||
        listen(listener->fd, BACKLOG) < 0)
        return fault_errno(fault, errno, config->address, "listening");
    remember_address(listener);
    listener->pause = loop_timer_open(loop, on_pause_over, listener);
    listener->peers = calloc(config->connections, sizeof *listener->peers);
    if (!listener->pause || !listener->peers)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    return loop_poll_open(loop, listener->fd, on_readable, listener, &listener->poll, fault);
}

enum err listener_open(struct listener **out, struct loop *loop,
                       const struct listener_config *config, struct fault *fault)
{
    struct listener *listener = calloc(1, sizeof *listener);
    if (!listener)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    listener->fd = -1;
    listener->accepted = config->accepted;
    listener->context = config->context;
    listener->max = config->connections;
    listener->max_per_address = config->per_address;
    listener->unacknowledged_ms = (int)config->unacknowledged_ms;
    enum err err = start(listener, loop, config, fault);
    if (err) {
        listener_close(listener);
        return err;
    }
    loop_poll_want(listener->poll, LOOP_READ);
    *out = listener;
    return ERR_OK;
}

void listener_close(struct listener *listener)
{
    if (!listener)
        return;
    loop_poll_close(listener->poll);
    loop_timer_close(listener->pause);
    if (listener->fd >= 0)
        (void)close(listener->fd);
    free(listener->peers);
    free(listener);
}

const char *listener_address(const struct listener *listener)
{
    return listener->address;
}
