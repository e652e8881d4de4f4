#include "tests/support/forwarder.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAIRS_MAX = 16, TURN_MS = 20, REQUEST_MAX = 2048 };

struct wire {
    int fds[2]; /* the client's, the server's; -1 when free */
};

struct forwarder {
    enum forwarder_kind kind;
    uint16_t port;
    uint16_t to_port;
    int listener;
    pthread_t thread;
    atomic_bool stopping;
    atomic_bool hole;
    struct wire wires[PAIRS_MAX];
    char request[REQUEST_MAX];
};

static void give_up(const char *doing)
{
    perror(doing);
    exit(1);
}

static void say(int fd, const char *text)
{
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Reads a request up to its empty line; the client waits for the answer, so no more comes. */
static bool read_request(struct forwarder *forwarder, int fd)
{
    char text[REQUEST_MAX];
    size_t len = 0;
    while (len < sizeof text - 1) {
        ssize_t got = recv(fd, text + len, sizeof text - 1 - len, 0);
        if (got <= 0)
            return false;
        len += (size_t)got;
        text[len] = '\0';
        if (strstr(text, "\r\n\r\n")) {
            memcpy(forwarder->request, text, len + 1);
            return true;
        }
    }
    return false;
}

static bool be_proxy(struct forwarder *forwarder, int fd)
{
    if (forwarder->kind == FORWARDER_WIRE)
        return true;
    if (!read_request(forwarder, fd))
        return false;
    if (forwarder->kind == FORWARDER_PROXY_REFUSES)
        say(fd, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    else if (forwarder->kind == FORWARDER_PROXY_BABBLES)
        say(fd, "SSH-2.0-OpenSSH_9.2\r\n\r\n");
    else
        say(fd, "HTTP/1.1 200 Connection established\r\nVia: fake\r\n\r\n");
    return forwarder->kind == FORWARDER_PROXY;
}

static int reach(uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return -1;
}

static void accept_one(struct forwarder *forwarder)
{
    int fd = accept(forwarder->listener, NULL, NULL);
    for (int i = 0; fd >= 0 && i < PAIRS_MAX; i++) {
        struct wire *wire = &forwarder->wires[i];
        if (wire->fds[0] >= 0)
            continue;
        int to = be_proxy(forwarder, fd) ? reach(forwarder->to_port) : -1;
        if (to < 0)
            break;
        wire->fds[0] = fd;
        wire->fds[1] = to;
        return;
    }
    close(fd);
}

static void drop(struct wire *wire)
{
    close(wire->fds[0]);
    close(wire->fds[1]);
    wire->fds[0] = wire->fds[1] = -1;
}

static bool carry(int from, int to)
{
    char bytes[16384];
    ssize_t got = recv(from, bytes, sizeof bytes, 0);
    for (ssize_t at = 0; at < got;) {
        ssize_t sent = send(to, bytes + at, (size_t)(got - at), MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
    }
    return got > 0;
}

static void *run(void *context)
{
    struct forwarder *forwarder = context;
    while (!atomic_load(&forwarder->stopping)) {
        struct pollfd polls[1 + 2 * PAIRS_MAX] = {{.fd = forwarder->listener, .events = POLLIN}};
        for (int i = 0; i < 2 * PAIRS_MAX; i++)
            polls[1 + i] = (struct pollfd){
                .fd = atomic_load(&forwarder->hole) ? -1 : forwarder->wires[i / 2].fds[i % 2],
                .events = POLLIN};
        if (poll(polls, 1 + 2 * PAIRS_MAX, TURN_MS) <= 0 || atomic_load(&forwarder->hole))
            continue;
        for (int i = 0; i < 2 * PAIRS_MAX; i++) {
            struct wire *wire = &forwarder->wires[i / 2];
            if (polls[1 + i].revents && wire->fds[0] >= 0 &&
                !carry(wire->fds[i % 2], wire->fds[1 - i % 2]))
                drop(wire);
        }
        if (polls[0].revents)
            accept_one(forwarder);
    }
    return NULL;
}

struct forwarder *forwarder_open(enum forwarder_kind kind, uint16_t to_port)
{
    struct forwarder *forwarder = calloc(1, sizeof *forwarder);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    if (!forwarder)
        give_up("forwarder");
    forwarder->kind = kind;
    forwarder->to_port = to_port;
    for (int i = 0; i < PAIRS_MAX; i++)
        forwarder->wires[i] = (struct wire){{-1, -1}};
    forwarder->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(forwarder->listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(forwarder->listener, PAIRS_MAX) < 0 ||
        getsockname(forwarder->listener, (struct sockaddr *)&address, &len) < 0 ||
        pthread_create(&forwarder->thread, NULL, run, forwarder) != 0)
        give_up("forwarder");
    forwarder->port = ntohs(address.sin_port);
    return forwarder;
}

void forwarder_close(struct forwarder *forwarder)
{
    atomic_store(&forwarder->stopping, true);
    (void)pthread_join(forwarder->thread, NULL);
    for (int i = 0; i < PAIRS_MAX; i++)
        if (forwarder->wires[i].fds[0] >= 0)
            drop(&forwarder->wires[i]);
    close(forwarder->listener);
    free(forwarder);
}

uint16_t forwarder_port(const struct forwarder *forwarder)
{
    return forwarder->port;
}

void forwarder_set_hole(struct forwarder *forwarder, bool hole)
{
    atomic_store(&forwarder->hole, hole);
}

const char *forwarder_request(const struct forwarder *forwarder)
{
    return forwarder->request;
}
