#include "sync/transport/relay.h"

#include "tests/support/await.h"
#include "tests/support/seed.h"
#include "tests/support/tls_pki.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS = 40, BYTES_MAX = 400000, HANDSHAKE_MS = 5000 };

static struct tls_pki pki;

/* One of the two outer ends: sends `to_send` in chunks of random size, takes in what comes. */
struct end {
    struct wire *wire;
    const char *to_send;
    size_t send_len;
    size_t sent;
    bool finished; /* said that no more comes */
    char *got;
    size_t got_len;
    bool ended; /* heard that no more comes */
};

/* far end (TLS client) <-> relay's stream (TLS server) <-> relay <-> local end */
struct wire {
    struct loop *loop;
    struct tls_stream *far_stream;
    struct tls_stream *near_stream;
    struct relay *relay;
    int near_fd;
    int local_fd;
    struct loop_poll *local_poll;
    struct loop_timer *turn;
    struct end far;
    struct end local;
    bool far_connected;
    bool over;
    enum err err;
    unsigned seed;
};

static unsigned draw(struct wire *wire, unsigned below)
{
    return (unsigned)rand_r(&wire->seed) % below;
}

static size_t next_chunk(struct end *end)
{
    size_t left = end->send_len - end->sent;
    size_t chunk = 1 + draw(end->wire, draw(end->wire, 3) ? 700 : 40000);
    return chunk < left ? chunk : left;
}

static void far_sends(struct wire *wire)
{
    struct end *end = &wire->far;
    size_t len = 1;
    while (end->sent < end->send_len && len > 0) {
        /* After a short write the same bytes are offered again, so the rest is offered whole. */
        if (tls_stream_write(wire->far_stream, end->to_send + end->sent, end->send_len - end->sent,
                             &len))
            return;
        end->sent += len;
    }
    if (end->sent == end->send_len && !end->finished) {
        end->finished = true;
        tls_stream_finish(wire->far_stream);
    }
}

static void far_reads(void *context)
{
    struct wire *wire = context;
    struct end *end = &wire->far;
    size_t len = 1;
    while (len > 0) {
        char bytes[40000];
        enum err err = tls_stream_read(wire->far_stream, bytes, 1 + draw(wire, sizeof bytes), &len);
        if (err) {
            end->ended = true;
            return;
        }
        assert_true(end->got_len + len <= BYTES_MAX);
        memcpy(end->got + end->got_len, bytes, len);
        end->got_len += len;
    }
}

static void far_writable(void *context)
{
    far_sends(context);
}

static void far_closed(void *context, enum err err, const struct fault *fault)
{
    (void)err;
    (void)fault;
    struct wire *wire = context;
    wire->far.ended = true;
}

static void far_connected(void *context, enum err err, const struct fault *fault)
{
    (void)fault;
    struct wire *wire = context;
    assert_int_equal(err, ERR_OK);
    wire->far_connected = true;
}

static void local_sends(struct wire *wire)
{
    struct end *end = &wire->local;
    while (end->sent < end->send_len) {
        ssize_t sent = send(wire->local_fd, end->to_send + end->sent, next_chunk(end),
                            MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        end->sent += (size_t)sent;
        if (draw(wire, 4) == 0)
            return; /* the rest at the next turn */
    }
    if (!end->finished) {
        end->finished = true;
        assert_int_equal(shutdown(wire->local_fd, SHUT_WR), 0);
    }
}

static void local_reads(struct wire *wire)
{
    struct end *end = &wire->local;
    char bytes[40000];
    ssize_t got = recv(wire->local_fd, bytes, 1 + draw(wire, sizeof bytes), MSG_DONTWAIT);
    if (got == 0) {
        end->ended = true;
        loop_poll_want(wire->local_poll, 0);
    }
    if (got > 0) {
        assert_true(end->got_len + (size_t)got <= BYTES_MAX);
        memcpy(end->got + end->got_len, bytes, (size_t)got);
        end->got_len += (size_t)got;
    }
}

static void local_ready(void *context, unsigned ready)
{
    (void)ready;
    local_reads(context);
}

static void take_turn(void *context)
{
    struct wire *wire = context;
    far_sends(wire);
    local_sends(wire);
}

static void relay_is_over(void *context, enum err err, const struct fault *fault)
{
    struct wire *wire = context;
    assert_false(wire->over);
    assert_int_equal(err, fault->code);
    wire->over = true;
    wire->err = err;
}

static void near_connected(void *context, enum err err, const struct fault *fault)
{
    (void)fault;
    struct wire *wire = context;
    assert_int_equal(err, ERR_OK);
    assert_int_equal(relay_open(&wire->relay, wire->loop, wire->near_stream, wire->near_fd,
                                relay_is_over, wire, NULL),
                     ERR_OK);
}

static void make_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static bool is_joined(void *context)
{
    const struct wire *wire = context;
    return wire->relay && wire->far_connected;
}

static void open_wire(struct wire *wire, unsigned seed)
{
    struct tls_context *client = tls_pki_context(&pki, TLS_CLIENT, "shop-1");
    struct tls_context *server = tls_pki_context(&pki, TLS_SERVER, "server");
    int outer[2];
    int inner[2];
    *wire = (struct wire){.seed = seed};
    wire->far.wire = wire->local.wire = wire;
    wire->far.got = malloc(BYTES_MAX);
    wire->local.got = malloc(BYTES_MAX);
    assert_true(wire->far.got && wire->local.got);
    assert_int_equal(loop_open(&wire->loop, NULL), ERR_OK);
    make_pair(outer);
    make_pair(inner);
    wire->near_fd = inner[0];
    wire->local_fd = inner[1];
    struct tls_listener far = {far_connected, far_reads, far_writable, far_closed, wire};
    struct tls_listener near = {.connected = near_connected, .context = wire};
    const struct tls_line lines[] = {{outer[0], "localhost", HANDSHAKE_MS},
                                     {outer[1], NULL, HANDSHAKE_MS}};
    assert_int_equal(tls_stream_open(&wire->far_stream, wire->loop, client, &lines[0], &far, NULL),
                     ERR_OK);
    assert_int_equal(
        tls_stream_open(&wire->near_stream, wire->loop, server, &lines[1], &near, NULL), ERR_OK);
    tls_context_close(client);
    tls_context_close(server);
    assert_true(await(wire->loop, is_joined, wire, AWAIT_MS));
    assert_int_equal(
        loop_poll_open(wire->loop, wire->local_fd, local_ready, wire, &wire->local_poll, NULL),
        ERR_OK);
    loop_poll_want(wire->local_poll, LOOP_READ);
    wire->turn = loop_timer_open(wire->loop, take_turn, wire);
}

static void close_wire(struct wire *wire)
{
    tls_stream_close(wire->far_stream);
    relay_close(wire->relay);
    loop_poll_close(wire->local_poll);
    loop_timer_close(wire->turn);
    if (wire->local_fd >= 0)
        close(wire->local_fd);
    loop_close(wire->loop);
    free(wire->far.got);
    free(wire->local.got);
}

static bool is_over(void *context)
{
    const struct wire *wire = context;
    return wire->over && wire->far.ended && wire->local.ended;
}

static void carry(const char *noise, unsigned seed)
{
    struct wire wire;
    open_wire(&wire, seed);
    wire.far.to_send = noise;
    wire.far.send_len = draw(&wire, BYTES_MAX);
    wire.local.to_send = noise + BYTES_MAX;
    wire.local.send_len = draw(&wire, BYTES_MAX);
    loop_timer_start(wire.turn, 0, 1);
    assert_true(await(wire.loop, is_over, &wire, AWAIT_MS));
    assert_int_equal(wire.err, ERR_CLOSED);
    assert_int_equal(wire.local.got_len, wire.far.send_len);
    assert_memory_equal(wire.local.got, wire.far.to_send, wire.far.send_len);
    assert_int_equal(wire.far.got_len, wire.local.send_len);
    assert_memory_equal(wire.far.got, wire.local.to_send, wire.local.send_len);
    close_wire(&wire);
}

static void whatever_goes_in_comes_out_and_both_ends_are_told(void **state)
{
    (void)state;
    unsigned seed = (unsigned)seed_chosen();
    char *noise = malloc(2 * BYTES_MAX);
    assert_non_null(noise);
    for (size_t i = 0; i < 2 * BYTES_MAX; i++)
        noise[i] = (char)(i * 2654435761u >> 13);
    for (unsigned i = 0; i < ROUNDS; i++)
        carry(noise, seed + i);
    free(noise);
}

/* With nobody reading at the local end, the far end must be stopped before long. */
static void full_buffers_stop_the_sender(void **state)
{
    (void)state;
    enum { MUCH = 64 * 1024 * 1024 };
    struct wire wire;
    open_wire(&wire, 1);
    loop_poll_want(wire.local_poll, 0);
    char *bytes = calloc(1, MUCH);
    assert_non_null(bytes);
    wire.far.to_send = bytes;
    wire.far.send_len = MUCH;
    size_t before = 1;
    far_sends(&wire);
    while (wire.far.sent != before) { /* until a while passes with nothing moved */
        before = wire.far.sent;
        for (int i = 0; i < 20; i++)
            loop_run_once(wire.loop, 1);
    }
    assert_true(wire.far.sent < MUCH / 8);
    free(bytes);
    close_wire(&wire);
}

static void far_end_that_breaks_off_ends_the_local_one(void **state)
{
    (void)state;
    struct wire wire;
    open_wire(&wire, 2);
    tls_stream_close(wire.far_stream);
    wire.far_stream = NULL;
    assert_true(await_flag(wire.loop, &wire.local.ended, AWAIT_MS));
    assert_false(wire.over); /* the local end may still speak, into the void */
    close(wire.local_fd);
    loop_poll_close(wire.local_poll);
    wire.local_poll = NULL;
    wire.local_fd = -1;
    assert_true(await_flag(wire.loop, &wire.over, AWAIT_MS));
    close_wire(&wire);
}

static void local_end_that_closes_ends_the_far_one(void **state)
{
    (void)state;
    struct wire wire;
    open_wire(&wire, 3);
    loop_poll_close(wire.local_poll);
    wire.local_poll = NULL;
    assert_int_equal(send(wire.local_fd, "last words", 10, MSG_NOSIGNAL), 10);
    close(wire.local_fd);
    wire.local_fd = -1;
    assert_true(await_flag(wire.loop, &wire.far.ended, AWAIT_MS));
    assert_int_equal(wire.far.got_len, 10);
    assert_memory_equal(wire.far.got, "last words", 10);
    close_wire(&wire);
}

static int make_pki(void **state)
{
    (void)state;
    tls_pki_make(&pki);
    return 0;
}

static int remove_pki(void **state)
{
    (void)state;
    tls_pki_remove(&pki);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_goes_in_comes_out_and_both_ends_are_told),
        cmocka_unit_test(full_buffers_stop_the_sender),
        cmocka_unit_test(far_end_that_breaks_off_ends_the_local_one),
        cmocka_unit_test(local_end_that_closes_ends_the_far_one),
    };
    return cmocka_run_group_tests(tests, make_pki, remove_pki);
}
