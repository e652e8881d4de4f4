#include "tests/support/fake_printer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void give_up(const char *doing)
{
    perror(doing);
    exit(1);
}

static void answer(struct fake_printer *fake, uint8_t byte)
{
    if (!fake->mute && fake->connection >= 0)
        (void)send(fake->connection, &byte, 1, MSG_NOSIGNAL);
}

void fake_printer_release(struct fake_printer *fake)
{
    fake->holds = false;
    if (fake->asked_to_confirm)
        answer(fake, 0);
    fake->asked_to_confirm = false;
}

static bool is_request(char byte)
{
    return byte == '\x10' || byte == '\x1d';
}

/* Takes one request, or the text before the next, off the front; 0 when more must come first. */
static size_t understand(struct fake_printer *fake, const char *at, size_t len)
{
    size_t text = 0;
    while (text < len && !is_request(at[text]))
        text++;
    if (text) {
        buf_append(&fake->paper, at, text);
        return text;
    }
    if (len < 3)
        return 0;
    if (at[0] == '\x10' && at[1] == '\x04')
        answer(fake, at[2] == 2 ? fake->offline_answer : fake->paper_answer);
    if (at[0] == '\x1d' && at[1] == 'r') {
        fake->asked_to_confirm = true;
        if (!fake->holds)
            fake_printer_release(fake);
    }
    return 3;
}

static void on_bytes(void *context, unsigned ready)
{
    (void)ready;
    struct fake_printer *fake = context;
    char chunk[4096];
    ssize_t got = recv(fake->connection, chunk, sizeof chunk, MSG_DONTWAIT);
    if (got <= 0) {
        fake_printer_drop(fake);
        return;
    }
    buf_append(&fake->received, chunk, (size_t)got);
    size_t used;
    while (fake->received.len &&
           (used = understand(fake, fake->received.data, fake->received.len)) > 0)
        buf_consume(&fake->received, used);
}

static void on_connection(void *context, unsigned ready)
{
    (void)ready;
    struct fake_printer *fake = context;
    int fd = accept4(fake->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    fake_printer_drop(fake);
    fake->connection = fd;
    fake->connections++;
    if (loop_poll_open(fake->loop, fd, on_bytes, fake, &fake->connection_poll, NULL) != ERR_OK)
        give_up("watch");
    loop_poll_want(fake->connection_poll, LOOP_READ);
}

void fake_printer_open(struct fake_printer *fake, struct loop *loop)
{
    *fake = (struct fake_printer){.loop = loop,
                                  .connection = -1,
                                  .offline_answer = FAKE_PRINTER_FINE,
                                  .paper_answer = FAKE_PRINTER_FINE};
    buf_init(&fake->received, 1024 * 1024);
    buf_init(&fake->paper, 1024 * 1024);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    fake->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fake->listener < 0 || bind(fake->listener, (struct sockaddr *)&address, len) != 0 ||
        listen(fake->listener, 4) != 0 ||
        getsockname(fake->listener, (struct sockaddr *)&address, &len) != 0)
        give_up("listen");
    fake->port = ntohs(address.sin_port);
    if (loop_poll_open(loop, fake->listener, on_connection, fake, &fake->listener_poll, NULL) !=
        ERR_OK)
        give_up("watch");
    loop_poll_want(fake->listener_poll, LOOP_READ);
}

void fake_printer_drop(struct fake_printer *fake)
{
    loop_poll_close(fake->connection_poll);
    fake->connection_poll = NULL;
    if (fake->connection >= 0)
        (void)close(fake->connection);
    fake->connection = -1;
    fake->asked_to_confirm = false;
    buf_reset(&fake->received);
}

void fake_printer_close(struct fake_printer *fake)
{
    fake_printer_drop(fake);
    loop_poll_close(fake->listener_poll);
    (void)close(fake->listener);
    buf_free(&fake->received);
    buf_free(&fake->paper);
}
