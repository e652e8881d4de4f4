#include "tests/support/tls_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static void send_on(struct tls_end *end)
{
    while (end->send_len > 0) {
        size_t len;
        enum err err = tls_stream_write(end->stream, end->to_send, end->send_len, &len);
        assert_int_equal(err, ERR_OK);
        end->to_send += len;
        end->send_len -= len;
        if (len == 0)
            return;
    }
    if (end->finish_after)
        tls_stream_finish(end->stream);
}

static void on_connected(void *context, enum err err, const struct fault *fault)
{
    struct tls_end *end = context;
    assert_false(end->connected);
    end->connected = true;
    end->err = err;
    if (err) {
        end->fault = *fault;
        end->closed = true; /* no `closed` comes after a handshake that failed */
    } else {
        send_on(end);
    }
}

static void on_readable(void *context)
{
    struct tls_end *end = context;
    char bytes[5000];
    size_t len = 1;
    while (len > 0) {
        if (tls_stream_read(end->stream, bytes, sizeof bytes, &len))
            return;
        assert_true(end->got_len + len <= TLS_PAIR_BYTES_MAX);
        memcpy(end->got + end->got_len, bytes, len);
        end->got_len += len;
    }
}

static void on_writable(void *context)
{
    send_on(context);
}

static void on_closed(void *context, enum err err, const struct fault *fault)
{
    struct tls_end *end = context;
    assert_false(end->closed);
    end->closed = true;
    end->err = err;
    end->fault = *fault;
}

static void open_end(struct tls_pair *pair, struct tls_end *end, struct tls_context *context,
                     int fd, const char *host)
{
    struct fault fault;
    end->got = malloc(TLS_PAIR_BYTES_MAX);
    assert_non_null(end->got);
    const struct tls_line line = {fd, host, TLS_PAIR_HANDSHAKE_MS};
    enum err err = tls_stream_open(&end->stream, pair->loop, context, &line,
                                   &(struct tls_listener){.connected = on_connected,
                                                          .readable = on_readable,
                                                          .writable = on_writable,
                                                          .closed = on_closed,
                                                          .context = end},
                                   &fault);
    assert_int_equal(err, ERR_OK);
    tls_context_close(context); /* the stream keeps it */
}

void tls_pair_sockets(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

struct tls_pair *tls_pair_join(struct tls_context *client, struct tls_context *server,
                               const char *host)
{
    struct tls_pair *pair = calloc(1, sizeof *pair);
    assert_non_null(pair);
    assert_int_equal(loop_open(&pair->loop, NULL), ERR_OK);
    int fds[2];
    tls_pair_sockets(fds);
    open_end(pair, &pair->client, client, fds[0], host);
    open_end(pair, &pair->server, server, fds[1], NULL);
    return pair;
}

void tls_pair_part(struct tls_pair *pair)
{
    tls_stream_close(pair->client.stream);
    tls_stream_close(pair->server.stream);
    loop_close(pair->loop);
    free(pair->client.got);
    free(pair->server.got);
    free(pair);
}

bool tls_pair_connected(void *context)
{
    struct tls_pair *pair = context;
    return pair->client.connected && pair->server.connected;
}

bool tls_pair_client_ended(void *context)
{
    struct tls_pair *pair = context;
    return pair->client.closed;
}

bool tls_pair_server_ended(void *context)
{
    struct tls_pair *pair = context;
    return pair->server.closed;
}

void tls_end_assert_words(const struct tls_end *end, const char *words)
{
    if (!strstr(end->fault.text, words))
        fail_msg("\"%s\" isn't in \"%s\"", words, end->fault.text);
}
