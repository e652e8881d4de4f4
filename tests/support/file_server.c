#include "tests/support/file_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 4096, TURN_MS = 20 };

static bool read_request(int fd, char text[static REQUEST_MAX])
{
    size_t len = 0;
    while (len < REQUEST_MAX - 1) {
        ssize_t got = recv(fd, text + len, REQUEST_MAX - 1 - len, 0);
        if (got <= 0)
            return false;
        len += (size_t)got;
        text[len] = '\0';
        if (strstr(text, "\r\n\r\n"))
            return true;
    }
    return false;
}

static void send_body(struct file_server *server, int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        server->sent += sent;
        data += sent;
        len -= (size_t)sent;
    }
}

static void answer(struct file_server *server, int fd, const char *request)
{
    char head[256];
    const size_t size = server->len;
    const char *range = strstr(request, "Range: bytes=");
    size_t from = range ? (size_t)strtoull(range + strlen("Range: bytes="), NULL, 10) : 0;
    int status = server->status;
    server->last_from = range ? (int64_t)from : -1;
    server->requests++;
    if (server->knows_none)
        from = 0;
    if (!status)
        status = !from ? 200 : from < size ? 206 : 416;
    size_t len = status == 200 || status == 206 ? size - from : 0;
    int head_len = snprintf(head, sizeof head,
                            "HTTP/1.1 %d Status\r\nContent-Length: %zu\r\n"
                            "Location: /elsewhere\r\nConnection: close\r\n\r\n",
                            status, len);
    (void)!send(fd, head, (size_t)head_len, MSG_NOSIGNAL);
    bool breaks = server->breaks > 0;
    if (breaks)
        server->breaks--;
    if (!breaks && !server->hangs) {
        send_body(server, fd, server->data + from, len);
        return;
    }
    send_body(server, fd, server->data + from, len / 2);
    while (server->hangs && !server->stopping)
        (void)poll(NULL, 0, TURN_MS);
}

static void *serve(void *context)
{
    struct file_server *server = context;
    char request[REQUEST_MAX];
    while (!server->stopping) {
        struct pollfd wait = {.fd = server->listener, .events = POLLIN};
        if (poll(&wait, 1, TURN_MS) <= 0)
            continue;
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0)
            continue;
        if (read_request(fd, request))
            answer(server, fd, request);
        close(fd);
    }
    return NULL;
}

void file_server_open(struct file_server *server, const char *data, size_t len)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    memset(server, 0, sizeof *server);
    server->data = data;
    server->len = len;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->listener, 16) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &size) != 0 ||
        pthread_create(&server->thread, NULL, serve, server) != 0) {
        perror("file server");
        exit(1);
    }
    server->port = ntohs(address.sin_port);
}

void file_server_close(struct file_server *server)
{
    server->stopping = true;
    pthread_join(server->thread, NULL);
    close(server->listener);
}

void file_server_url(const struct file_server *server, char *url, size_t size)
{
    (void)snprintf(url, size, "http://127.0.0.1:%u/bundle", (unsigned)server->port);
}
