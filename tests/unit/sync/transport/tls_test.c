/* Handshakes, and what goes through a connection. */
#include "tests/support/await.h"
#include "tests/support/tls_pair.h"
#include "tests/support/tls_pki.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mbedtls/version.h>

#include <cmocka.h>

static struct tls_pki pki;

static void two_with_good_certificates_connect(void **state)
{
    (void)state;
    struct tls_pair *pair = tls_pair_join(tls_pki_context(&pki, TLS_CLIENT, "shop-1"),
                                          tls_pki_context(&pki, TLS_SERVER, "server"), "localhost");
    assert_true(await(pair->loop, tls_pair_connected, pair, AWAIT_MS));
    assert_int_equal(pair->client.err, ERR_OK);
    assert_int_equal(pair->server.err, ERR_OK);
    assert_string_equal(tls_stream_peer(pair->server.stream), "shop-1");
    assert_string_equal(tls_stream_peer(pair->client.stream), "server");
    const char *version = MBEDTLS_VERSION_MAJOR >= 3 ? "TLSv1.3 " : "TLSv1.2 ";
    assert_memory_equal(tls_stream_version(pair->client.stream), version, strlen(version));
    print_message("spoken: %s\n", tls_stream_version(pair->client.stream));
    assert_string_equal(tls_stream_version(pair->client.stream),
                        tls_stream_version(pair->server.stream));
    tls_pair_part(pair);
}

static void alpn_must_be_shared(void **state)
{
    (void)state;
    static const char *const mqtt[] = {"mqtt", NULL};
    static const char *const http[] = {"http/1.1", NULL};
    struct tls_config speaks_mqtt = {.alpn = mqtt};
    struct tls_config speaks_http = {.alpn = http};
    struct tls_pair *pair =
        tls_pair_join(tls_pki_special(&pki, TLS_CLIENT, "shop-1", speaks_mqtt),
                      tls_pki_special(&pki, TLS_SERVER, "server", speaks_mqtt), "localhost");
    assert_true(await(pair->loop, tls_pair_connected, pair, AWAIT_MS));
    assert_int_equal(pair->client.err, ERR_OK);
    tls_pair_part(pair);
    pair = tls_pair_join(tls_pki_special(&pki, TLS_CLIENT, "shop-1", speaks_mqtt),
                         tls_pki_special(&pki, TLS_SERVER, "server", speaks_http), "localhost");
    assert_true(await(pair->loop, tls_pair_client_ended, pair, AWAIT_MS));
    tls_end_assert_words(&pair->client, "ALPN");
    tls_pair_part(pair);
}

static void on_connected(void *context, enum err err, const struct fault *fault)
{
    struct tls_end *end = context;
    end->connected = true;
    end->err = err;
    end->closed = err != ERR_OK;
    if (err)
        end->fault = *fault;
}

/* A bare peer that sends what it is told and nothing else. */
static void meet_bare_peer(enum tls_role role, const void *bytes, size_t len, int64_t timeout_ms,
                           struct tls_end *end, bool hang_up)
{
    struct loop *loop;
    int fds[2];
    assert_int_equal(loop_open(&loop, NULL), ERR_OK);
    tls_pair_sockets(fds);
    struct tls_context *context =
        tls_pki_context(&pki, role, role == TLS_CLIENT ? "shop-1" : "server");
    const struct tls_line line = {fds[0], role == TLS_CLIENT ? "localhost" : NULL, timeout_ms};
    assert_int_equal(
        tls_stream_open(&end->stream, loop, context, &line,
                        &(struct tls_listener){.connected = on_connected, .context = end}, NULL),
        ERR_OK);
    assert_int_equal(write(fds[1], bytes, len), (ssize_t)len);
    if (hang_up)
        assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
    assert_true(await_flag(loop, &end->connected, AWAIT_MS));
    tls_stream_close(end->stream);
    tls_context_close(context);
    loop_close(loop);
    close(fds[1]);
}

/* ServerHello of TLS 1.1 (RFC 4346, section 7.4.1.3), ECDHE-ECDSA-AES128-SHA. */
static void server_with_only_tls_1_1_is_refused(void **state)
{
    (void)state;
    unsigned char hello[5 + 4 + 38] = {22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2};
    hello[sizeof hello - 3] = 0xc0;
    hello[sizeof hello - 2] = 0x09;
    struct tls_end end = {0};
    meet_bare_peer(TLS_CLIENT, hello, sizeof hello, TLS_PAIR_HANDSHAKE_MS, &end, false);
    assert_int_equal(end.err, ERR_TLS);
    tls_end_assert_words(&end, "the server speaks no TLS newer than 1.1");
}

/* ClientHello of TLS 1.1 with two ECDHE suites and no extension. */
static void client_with_only_tls_1_1_is_refused(void **state)
{
    (void)state;
    unsigned char hello[5 + 4 + 43] = {22, 3, 1, 0, 47, 1, 0, 0, 43, 3, 2};
    static const unsigned char tail[] = {0, 4, 0xc0, 0x09, 0xc0, 0x13, 1, 0};
    memcpy(hello + sizeof hello - sizeof tail, tail, sizeof tail);
    struct tls_end end = {0};
    meet_bare_peer(TLS_SERVER, hello, sizeof hello, TLS_PAIR_HANDSHAKE_MS, &end, false);
    assert_int_equal(end.err, ERR_TLS);
    tls_end_assert_words(&end, "the client speaks no TLS newer than 1.1");
}

static void peer_that_stalls_in_the_handshake_is_left(void **state)
{
    (void)state;
    static const unsigned char half[] = {22, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3, 1, 2, 3};
    struct tls_end end = {0};
    meet_bare_peer(TLS_CLIENT, half, sizeof half, 100, &end, false);
    assert_int_equal(end.err, ERR_TIMEOUT);
    tls_end_assert_words(&end, "the TLS handshake took too long");
    end = (struct tls_end){0};
    meet_bare_peer(TLS_SERVER, half, 5, 100, &end, false);
    assert_int_equal(end.err, ERR_TIMEOUT);
}

static void peer_that_hangs_up_in_the_handshake_is_named(void **state)
{
    (void)state;
    struct tls_end end = {0};
    meet_bare_peer(TLS_CLIENT, "", 0, TLS_PAIR_HANDSHAKE_MS, &end, true);
    assert_int_equal(end.err, ERR_CLOSED);
    tls_end_assert_words(&end, "the server closed the connection in the TLS handshake");
}

static void peer_that_speaks_no_tls_is_refused(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    struct tls_end end = {0};
    meet_bare_peer(TLS_CLIENT, text, sizeof text - 1, TLS_PAIR_HANDSHAKE_MS, &end, false);
    assert_int_equal(end.err, ERR_TLS);
}

static char *noise(size_t len)
{
    char *bytes = malloc(len);
    assert_non_null(bytes);
    unsigned value = 12345;
    for (size_t i = 0; i < len; i++) {
        value = value * 1103515245u + 12345u;
        bytes[i] = (char)(value >> 16);
    }
    return bytes;
}

static bool both_closed(void *context)
{
    struct tls_pair *pair = context;
    return pair->client.closed && pair->server.closed;
}

static void much_goes_both_ways_and_each_end_is_told(void **state)
{
    (void)state;
    struct tls_pair *pair = tls_pair_join(tls_pki_context(&pki, TLS_CLIENT, "shop-1"),
                                          tls_pki_context(&pki, TLS_SERVER, "server"), "localhost");
    char *bytes = noise(TLS_PAIR_BYTES_MAX);
    pair->client.to_send = pair->server.to_send = bytes;
    pair->client.send_len = pair->server.send_len = TLS_PAIR_BYTES_MAX;
    pair->client.finish_after = pair->server.finish_after = true;
    assert_true(await(pair->loop, both_closed, pair, AWAIT_MS));
    assert_int_equal(pair->client.err, ERR_CLOSED);
    assert_int_equal(pair->client.got_len, TLS_PAIR_BYTES_MAX);
    assert_int_equal(pair->server.got_len, TLS_PAIR_BYTES_MAX);
    assert_memory_equal(pair->client.got, bytes, TLS_PAIR_BYTES_MAX);
    assert_memory_equal(pair->server.got, bytes, TLS_PAIR_BYTES_MAX);
    free(bytes);
    tls_pair_part(pair);
}

static void unwanted_bytes_wait_and_come_when_wanted(void **state)
{
    (void)state;
    struct tls_pair *pair = tls_pair_join(tls_pki_context(&pki, TLS_CLIENT, "shop-1"),
                                          tls_pki_context(&pki, TLS_SERVER, "server"), "localhost");
    assert_true(await(pair->loop, tls_pair_connected, pair, AWAIT_MS));
    tls_stream_want_read(pair->server.stream, false);
    size_t len;
    assert_int_equal(tls_stream_write(pair->client.stream, "hello", 5, &len), ERR_OK);
    assert_int_equal(len, 5);
    for (int i = 0; i < 5; i++)
        loop_run_once(pair->loop, 5);
    assert_int_equal(pair->server.got_len, 0);
    tls_stream_want_read(pair->server.stream, true);
    while (pair->server.got_len < 5)
        loop_run_once(pair->loop, AWAIT_MS);
    assert_memory_equal(pair->server.got, "hello", 5);
    tls_pair_part(pair);
}

static int make_pki(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_DFL); /* nothing here may raise it */
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
        cmocka_unit_test(two_with_good_certificates_connect),
        cmocka_unit_test(alpn_must_be_shared),
        cmocka_unit_test(server_with_only_tls_1_1_is_refused),
        cmocka_unit_test(client_with_only_tls_1_1_is_refused),
        cmocka_unit_test(peer_that_stalls_in_the_handshake_is_left),
        cmocka_unit_test(peer_that_hangs_up_in_the_handshake_is_named),
        cmocka_unit_test(peer_that_speaks_no_tls_is_refused),
        cmocka_unit_test(much_goes_both_ways_and_each_end_is_told),
        cmocka_unit_test(unwanted_bytes_wait_and_come_when_wanted),
    };
    return cmocka_run_group_tests(tests, make_pki, remove_pki);
}
