#include "tests/support/http_asker.h"
#include "hal/base/cleanup.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { REQUEST_MAX = 1024 * 1024, HEARD_MAX = 4096, WAIT_S = 5 };

static void write_request(struct buf *out, const struct http_asking *asking)
{
    static unsigned key; /* each is another request, even if it says the same */
    buf_append(out, asking->line.data, asking->line.len);
    buf_printf(out,
               " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer %s\r\n"
               "Idempotency-Key: %u\r\nContent-Length: %zu\r\n\r\n",
               asking->token, key++, asking->body.len);
    buf_append(out, asking->body.data, asking->body.len);
}

/*
 * Its end is a reset: ports that wait for late packets, a minute each, would be used up by as many
 * inputs as a fuzz target tries in one.
 */
static int join(const char *address)
{
    const struct timeval wait = {.tv_sec = WAIT_S};
    const struct linger reset = {.l_onoff = 1};
    const char *colon = strrchr(address, ':');
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)},
                             .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) != 0 ||
        connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
        abort();
    return fd;
}

/* A stream of events is left once it has begun; of others the beginning is kept. */
static void hear(int fd, struct buf *heard)
{
    static const char stream[] = "event-stream";
    char some[HEARD_MAX];
    for (ssize_t n; (n = recv(fd, some, sizeof some, 0)) > 0;) {
        if (heard->len < HEARD_MAX)
            buf_append(heard, some, (size_t)n);
        if (memmem(heard->data, heard->len, stream, sizeof stream - 1))
            break;
    }
}

static int status_of(const struct buf *heard)
{
    static const char version[] = "HTTP/1.1 ";
    if (heard->len < sizeof version || memcmp(heard->data, version, sizeof version - 1) != 0)
        return 0;
    return (int)strtol(heard->data + sizeof version - 1, NULL, 10);
}

int http_asker_ask(const struct http_asking *asking)
{
    struct buf request CLEANUP(buf_free);
    struct buf heard CLEANUP(buf_free);
    buf_init(&request, REQUEST_MAX);
    buf_init(&heard, 2 * HEARD_MAX);
    write_request(&request, asking);
    int fd = join(asking->address);
    if (!request.failed && send(fd, request.data, request.len, MSG_NOSIGNAL) >= 0)
        hear(fd, &heard);
    (void)close(fd);
    return status_of(&heard);
}
