#include "sync/transport/tls.h"

#include "provisioning/authority.h"
#include "provisioning/csr.h"
#include "tests/support/await.h"
#include "tests/support/soft_token.h"
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

enum { HANDSHAKE_MS = 5000, MUCH = 3 * 1024 * 1024 };

static struct tls_pki pki;

/* One end of a connection, with what was called back. */
struct end {
    struct tls_stream *stream;
    bool connected;
    bool closed;
    enum err err;
    struct fault fault;
    char *got;
    size_t got_len;
    const char *to_send;
    size_t send_len;
    bool finish_after;
};

struct pair {
    struct loop *loop;
    struct end client;
    struct end server;
};

static void send_on(struct end *end)
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
    struct end *end = context;
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
    struct end *end = context;
    char bytes[5000];
    size_t len = 1;
    while (len > 0) {
        if (tls_stream_read(end->stream, bytes, sizeof bytes, &len))
            return;
        assert_true(end->got_len + len <= MUCH);
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
    struct end *end = context;
    assert_false(end->closed);
    end->closed = true;
    end->err = err;
    end->fault = *fault;
}

static void open_end(struct pair *pair, struct end *end, struct tls_context *context, int fd,
                     const char *host)
{
    struct fault fault;
    end->got = malloc(MUCH);
    assert_non_null(end->got);
    enum err err = tls_stream_open(&end->stream, pair->loop, context, fd, host, HANDSHAKE_MS,
                                   &(struct tls_listener){.connected = on_connected,
                                                          .readable = on_readable,
                                                          .writable = on_writable,
                                                          .closed = on_closed,
                                                          .context = end},
                                   &fault);
    assert_int_equal(err, ERR_OK);
    tls_context_close(context); /* the stream keeps it */
}

static void make_socketpair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static struct pair *join(struct tls_context *client, struct tls_context *server, const char *host)
{
    struct pair *pair = calloc(1, sizeof *pair);
    assert_non_null(pair);
    assert_int_equal(loop_open(&pair->loop, NULL), ERR_OK);
    int fds[2];
    make_socketpair(fds);
    open_end(pair, &pair->client, client, fds[0], host);
    open_end(pair, &pair->server, server, fds[1], NULL);
    return pair;
}

static void part(struct pair *pair)
{
    tls_stream_close(pair->client.stream);
    tls_stream_close(pair->server.stream);
    loop_close(pair->loop);
    free(pair->client.got);
    free(pair->server.got);
    free(pair);
}

static bool both_connected(void *context)
{
    struct pair *pair = context;
    return pair->client.connected && pair->server.connected;
}

static bool client_refused(void *context)
{
    struct pair *pair = context;
    return pair->client.closed;
}

static bool server_refused(void *context)
{
    struct pair *pair = context;
    return pair->server.closed;
}

static void assert_words(const struct end *end, const char *words)
{
    if (!strstr(end->fault.text, words))
        fail_msg("\"%s\" isn't in \"%s\"", words, end->fault.text);
}

/* The client meets a server that shows `server`'s certificate, and says `words`. */
static void client_refuses(const char *server, const char *host, const char *words)
{
    struct pair *pair = join(tls_pki_context(&pki, TLS_CLIENT, "shop-1"),
                             tls_pki_context(&pki, TLS_SERVER, server), host);
    assert_true(await(pair->loop, client_refused, pair, AWAIT_MS));
    assert_int_equal(pair->client.err, ERR_TLS);
    assert_words(&pair->client, "the server's certificate");
    assert_words(&pair->client, words);
    part(pair);
}

/* The server meets a client that shows `client`'s certificate (NULL: none). */
static void server_refuses(const char *client, const char *words, const char *client_words)
{
    struct pair *pair = join(tls_pki_context(&pki, TLS_CLIENT, client),
                             tls_pki_context(&pki, TLS_SERVER, "server"), "localhost");
    assert_true(await(pair->loop, server_refused, pair, AWAIT_MS));
    assert_true(await(pair->loop, client_refused, pair, AWAIT_MS));
    assert_int_equal(pair->server.err, ERR_TLS);
    assert_words(&pair->server, words);
    assert_int_equal(pair->client.err, ERR_TLS);
    assert_words(&pair->client, client_words);
    part(pair);
}

static void two_with_good_certificates_connect(void **state)
{
    (void)state;
    struct pair *pair = join(tls_pki_context(&pki, TLS_CLIENT, "shop-1"),
                             tls_pki_context(&pki, TLS_SERVER, "server"), "localhost");
    assert_true(await(pair->loop, both_connected, pair, AWAIT_MS));
    assert_int_equal(pair->client.err, ERR_OK);
    assert_int_equal(pair->server.err, ERR_OK);
    assert_string_equal(tls_stream_peer(pair->server.stream), "shop-1");
    assert_string_equal(tls_stream_peer(pair->client.stream), "server");
    const char *version = MBEDTLS_VERSION_MAJOR >= 3 ? "TLSv1.3 " : "TLSv1.2 ";
    assert_memory_equal(tls_stream_version(pair->client.stream), version, strlen(version));
    print_message("spoken: %s\n", tls_stream_version(pair->client.stream));
    assert_string_equal(tls_stream_version(pair->client.stream),
                        tls_stream_version(pair->server.stream));
    part(pair);
}

/* Puts NAME.pem and NAME-key.pem there, as for the others, but for a key in a token. */
static void issue_for_token(const struct soft_token *token, enum certificate_purpose purpose,
                            const char *name)
{
    char path[SCRATCH_PATH_MAX];
    char file[64];
    static const char *const hosts[] = {"localhost"};
    const struct authority_order order = {.purpose = purpose,
                                          .name = name,
                                          .hosts = hosts,
                                          .host_count = purpose == CERTIFICATE_SERVER,
                                          .validity = authority_days(pki.now_ms, 10)};
    struct key *key CLEANUP(key_cleanup) = NULL;
    struct authority *authority = NULL;
    struct buf request CLEANUP(buf_free);
    struct buf pem CLEANUP(buf_free);
    buf_init(&request, CSR_BYTES_MAX);
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    assert_int_equal(key_make_in(token->uri, &key, NULL), ERR_OK);
    assert_int_equal(csr_make(key, name, &request, NULL), ERR_OK);
    assert_int_equal(authority_open(&authority, tls_pki_path(&pki, "ca", path), NULL), ERR_OK);
    assert_int_equal(
        authority_issue_request(authority, &order, buf_slice(&request), pki.now_ms, &pem, NULL),
        ERR_OK);
    authority_close(authority);
    (void)snprintf(file, sizeof file, "%s.pem", name);
    scratch_write(tls_pki_path(&pki, file, path), pem.data, pem.len);
    (void)snprintf(file, sizeof file, "%s-key.pem", name);
    assert_int_equal(key_save(key, tls_pki_path(&pki, file, path), NULL), ERR_OK);
}

static void keys_in_a_token_serve_both_sides(void **state)
{
    (void)state;
    struct soft_token token;
    soft_token_make(&token);
    issue_for_token(&token, CERTIFICATE_DEVICE, "token-shop");
    issue_for_token(&token, CERTIFICATE_SERVER, "token-server");
    static const char *const servers[] = {"server", "token-server"};
    for (size_t i = 0; i < 2; i++) {
        struct pair *pair = join(tls_pki_context(&pki, TLS_CLIENT, "token-shop"),
                                 tls_pki_context(&pki, TLS_SERVER, servers[i]), "localhost");
        assert_true(await(pair->loop, both_connected, pair, AWAIT_MS));
        assert_int_equal(pair->client.err, ERR_OK);
        assert_int_equal(pair->server.err, ERR_OK);
        assert_string_equal(tls_stream_peer(pair->server.stream), "token-shop");
        part(pair);
    }
    soft_token_remove(&token);
}

static void an_address_in_the_certificate_is_a_host_too(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    for (size_t i = 0; i < 2; i++) {
        struct pair *pair = join(tls_pki_context(&pki, TLS_CLIENT, "shop-1"),
                                 tls_pki_context(&pki, TLS_SERVER, "server"), hosts[i]);
        assert_true(await(pair->loop, both_connected, pair, AWAIT_MS));
        assert_int_equal(pair->client.err, ERR_OK);
        part(pair);
    }
}

static void expired_server_is_refused(void **state)
{
    (void)state;
    client_refuses("expired", "localhost", "expired on 20");
}

static void server_not_yet_valid_is_refused(void **state)
{
    (void)state;
    client_refuses("not_yet", "localhost", "not yet valid, only from 20");
}

static void server_of_another_host_is_refused(void **state)
{
    (void)state;
    client_refuses("wrong_host", "localhost", "another host name (localhost was dialled)");
    client_refuses("server", "127.0.0.2", "another host name (127.0.0.2 was dialled)");
}

static void server_of_an_unknown_ca_is_refused(void **state)
{
    (void)state;
    client_refuses("stranger", "localhost", "not from a trusted authority");
}

static void revoked_server_is_refused(void **state)
{
    (void)state;
    client_refuses("revoked", "localhost", "revoked");
}

static void device_certificate_is_no_server(void **state)
{
    (void)state;
    struct pair *pair = join(tls_pki_context(&pki, TLS_CLIENT, "shop-1"),
                             tls_pki_context(&pki, TLS_SERVER, "shop-2"), "localhost");
    assert_true(await(pair->loop, client_refused, pair, AWAIT_MS));
    assert_int_equal(pair->client.err, ERR_TLS);
    part(pair);
}

static void client_without_certificate_is_refused(void **state)
{
    (void)state;
    server_refuses(NULL, "the client showed no certificate", "our certificate");
}

static void expired_client_is_refused(void **state)
{
    (void)state;
    server_refuses("late-shop", "expired on 20", "the server refused: it says");
}

static void client_not_yet_valid_is_refused(void **state)
{
    (void)state;
    server_refuses("early-shop", "not yet valid, only from 20", "the server refused: it");
}

static void revoked_client_is_refused(void **state)
{
    (void)state;
    server_refuses("bad-shop", "revoked",
                   "the server refused: it says that our certificate is revoked");
}

static void client_of_an_unknown_ca_is_refused(void **state)
{
    (void)state;
    server_refuses("far-shop", "not from a trusted authority",
                   "the server refused: it doesn't know the CA");
}

static struct tls_context *special(enum tls_role role, const char *name, struct tls_config extra)
{
    char paths[4][SCRATCH_PATH_MAX];
    char file[64];
    extra.role = role;
    extra.ca_file = tls_pki_path(&pki, "ca.pem", paths[0]);
    if (extra.crl_file)
        extra.crl_file = tls_pki_path(&pki, extra.crl_file, paths[1]);
    (void)snprintf(file, sizeof file, "%s.pem", name);
    extra.certificate_file = tls_pki_path(&pki, file, paths[2]);
    (void)snprintf(file, sizeof file, "%s-key.pem", name);
    extra.key_file = tls_pki_path(&pki, file, paths[3]);
    struct tls_context *context;
    struct fault fault;
    if (tls_context_open(&context, &extra, &fault))
        fail_msg("%s", fault.text);
    return context;
}

static void optional_client_certificate_may_miss_but_not_be_bad(void **state)
{
    (void)state;
    struct tls_config optional = {.peer_certificate_optional = true, .crl_file = "crl.pem"};
    struct pair *pair = join(tls_pki_context(&pki, TLS_CLIENT, NULL),
                             special(TLS_SERVER, "server", optional), "localhost");
    assert_true(await(pair->loop, both_connected, pair, AWAIT_MS));
    assert_int_equal(pair->server.err, ERR_OK);
    assert_string_equal(tls_stream_peer(pair->server.stream), "");
    part(pair);
    pair = join(tls_pki_context(&pki, TLS_CLIENT, "bad-shop"),
                special(TLS_SERVER, "server", optional), "localhost");
    assert_true(await(pair->loop, server_refused, pair, AWAIT_MS));
    assert_words(&pair->server, "revoked");
    part(pair);
}

static void stale_revocation_list_stops_a_server_not_a_client(void **state)
{
    (void)state;
    struct tls_config stale = {.crl_file = "stale-crl.pem"};
    struct pair *pair = join(special(TLS_CLIENT, "shop-1", stale),
                             tls_pki_context(&pki, TLS_SERVER, "server"), "localhost");
    assert_true(await(pair->loop, both_connected, pair, AWAIT_MS));
    assert_int_equal(pair->client.err, ERR_OK);
    part(pair);
    pair = join(special(TLS_CLIENT, "shop-1", stale), tls_pki_context(&pki, TLS_SERVER, "revoked"),
                "localhost");
    assert_true(await(pair->loop, client_refused, pair, AWAIT_MS));
    assert_words(&pair->client, "revoked");
    part(pair);
    pair = join(tls_pki_context(&pki, TLS_CLIENT, "shop-1"), special(TLS_SERVER, "server", stale),
                "localhost");
    assert_true(await(pair->loop, server_refused, pair, AWAIT_MS));
    assert_words(&pair->server, "revocation list");
    part(pair);
}

static void our_clock_decides_not_the_system_s(void **state)
{
    (void)state;
    struct clock *clock;
    assert_int_equal(clock_fake_open(&clock, pki.now_ms + 200LL * 24 * 3600 * 1000, NULL), ERR_OK);
    struct tls_config later = {.clock = clock};
    struct pair *pair = join(special(TLS_CLIENT, "shop-1", later),
                             tls_pki_context(&pki, TLS_SERVER, "server"), "localhost");
    assert_true(await(pair->loop, client_refused, pair, AWAIT_MS));
    assert_words(&pair->client, "expired on 20");
    part(pair);
    clock_fake_set_wall(clock, pki.now_ms - 30LL * 24 * 3600 * 1000);
    pair = join(special(TLS_CLIENT, "shop-1", later), tls_pki_context(&pki, TLS_SERVER, "expired"),
                "localhost");
    assert_true(await(pair->loop, both_connected, pair, AWAIT_MS));
    assert_int_equal(pair->client.err, ERR_OK);
    part(pair);
    clock_close(clock);
}

static void a_clock_that_is_behind_takes_a_newer_server_until_it_is_trusted(void **state)
{
    (void)state;
    struct clock *clock;
    assert_int_equal(clock_fake_open(&clock, pki.now_ms, NULL), ERR_OK);
    struct tls_config asked = {.clock = clock};
    struct pair *pair = join(special(TLS_CLIENT, "shop-1", asked),
                             tls_pki_context(&pki, TLS_SERVER, "not_yet"), "localhost");
    assert_true(await(pair->loop, both_connected, pair, AWAIT_MS));
    assert_int_equal(pair->client.err, ERR_OK);
    part(pair);
    (void)clock_trust(clock, pki.now_ms);
    pair = join(special(TLS_CLIENT, "shop-1", asked), tls_pki_context(&pki, TLS_SERVER, "not_yet"),
                "localhost");
    assert_true(await(pair->loop, client_refused, pair, AWAIT_MS));
    assert_words(&pair->client, "not yet valid");
    part(pair);
    pair = join(tls_pki_context(&pki, TLS_CLIENT, "early-shop"),
                special(TLS_SERVER, "server", asked), "localhost");
    assert_true(await(pair->loop, client_refused, pair, AWAIT_MS)); /* a server never */
    part(pair);
    clock_close(clock);
}

/* The system's clock says it is 2099; what has surely passed decides until a time is trusted. */
static void a_clock_that_is_far_ahead_takes_the_server_until_it_is_trusted(void **state)
{
    (void)state;
    const int64_t year_ms = 365LL * 24 * 3600 * 1000;
    struct clock *clock;
    assert_int_equal(clock_fake_open(&clock, pki.now_ms + 70 * year_ms, NULL), ERR_OK);
    clock_fake_set_floor(clock, pki.now_ms - 3600 * 1000);
    struct tls_config asked = {.clock = clock};
    struct pair *pair = join(special(TLS_CLIENT, "shop-1", asked),
                             tls_pki_context(&pki, TLS_SERVER, "server"), "localhost");
    assert_true(await(pair->loop, both_connected, pair, AWAIT_MS));
    assert_int_equal(pair->client.err, ERR_OK);
    part(pair);
    pair = join(special(TLS_CLIENT, "shop-1", asked), tls_pki_context(&pki, TLS_SERVER, "expired"),
                "localhost");
    assert_true(await(pair->loop, client_refused, pair, AWAIT_MS)); /* before the floor */
    assert_words(&pair->client, "expired on 20");
    part(pair);
    (void)clock_trust(clock, pki.now_ms + 70 * year_ms);
    pair = join(special(TLS_CLIENT, "shop-1", asked), tls_pki_context(&pki, TLS_SERVER, "server"),
                "localhost");
    assert_true(await(pair->loop, client_refused, pair, AWAIT_MS));
    part(pair);
    clock_close(clock);
}

static void alpn_must_be_shared(void **state)
{
    (void)state;
    static const char *const mqtt[] = {"mqtt", NULL};
    static const char *const http[] = {"http/1.1", NULL};
    struct tls_config speaks_mqtt = {.alpn = mqtt};
    struct tls_config speaks_http = {.alpn = http};
    struct pair *pair = join(special(TLS_CLIENT, "shop-1", speaks_mqtt),
                             special(TLS_SERVER, "server", speaks_mqtt), "localhost");
    assert_true(await(pair->loop, both_connected, pair, AWAIT_MS));
    assert_int_equal(pair->client.err, ERR_OK);
    part(pair);
    pair = join(special(TLS_CLIENT, "shop-1", speaks_mqtt),
                special(TLS_SERVER, "server", speaks_http), "localhost");
    assert_true(await(pair->loop, client_refused, pair, AWAIT_MS));
    assert_words(&pair->client, "ALPN");
    part(pair);
}

/* A bare peer that sends what it is told and nothing else. */
static void meet_bare_peer(enum tls_role role, const void *bytes, size_t len, int64_t timeout_ms,
                           struct end *end, bool hang_up)
{
    struct loop *loop;
    int fds[2];
    assert_int_equal(loop_open(&loop, NULL), ERR_OK);
    make_socketpair(fds);
    struct tls_context *context =
        tls_pki_context(&pki, role, role == TLS_CLIENT ? "shop-1" : "server");
    assert_int_equal(
        tls_stream_open(&end->stream, loop, context, fds[0],
                        role == TLS_CLIENT ? "localhost" : NULL, timeout_ms,
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
    struct end end = {0};
    meet_bare_peer(TLS_CLIENT, hello, sizeof hello, HANDSHAKE_MS, &end, false);
    assert_int_equal(end.err, ERR_TLS);
    assert_words(&end, "the server speaks no TLS newer than 1.1");
}

/* ClientHello of TLS 1.1 with two ECDHE suites and no extension. */
static void client_with_only_tls_1_1_is_refused(void **state)
{
    (void)state;
    unsigned char hello[5 + 4 + 43] = {22, 3, 1, 0, 47, 1, 0, 0, 43, 3, 2};
    static const unsigned char tail[] = {0, 4, 0xc0, 0x09, 0xc0, 0x13, 1, 0};
    memcpy(hello + sizeof hello - sizeof tail, tail, sizeof tail);
    struct end end = {0};
    meet_bare_peer(TLS_SERVER, hello, sizeof hello, HANDSHAKE_MS, &end, false);
    assert_int_equal(end.err, ERR_TLS);
    assert_words(&end, "the client speaks no TLS newer than 1.1");
}

static void peer_that_stalls_in_the_handshake_is_left(void **state)
{
    (void)state;
    static const unsigned char half[] = {22, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3, 1, 2, 3};
    struct end end = {0};
    meet_bare_peer(TLS_CLIENT, half, sizeof half, 100, &end, false);
    assert_int_equal(end.err, ERR_TIMEOUT);
    assert_words(&end, "the TLS handshake took too long");
    end = (struct end){0};
    meet_bare_peer(TLS_SERVER, half, 5, 100, &end, false);
    assert_int_equal(end.err, ERR_TIMEOUT);
}

static void peer_that_hangs_up_in_the_handshake_is_named(void **state)
{
    (void)state;
    struct end end = {0};
    meet_bare_peer(TLS_CLIENT, "", 0, HANDSHAKE_MS, &end, true);
    assert_int_equal(end.err, ERR_CLOSED);
    assert_words(&end, "the server closed the connection in the TLS handshake");
}

static void peer_that_speaks_no_tls_is_refused(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    struct end end = {0};
    meet_bare_peer(TLS_CLIENT, text, sizeof text - 1, HANDSHAKE_MS, &end, false);
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
    struct pair *pair = context;
    return pair->client.closed && pair->server.closed;
}

static void much_goes_both_ways_and_each_end_is_told(void **state)
{
    (void)state;
    struct pair *pair = join(tls_pki_context(&pki, TLS_CLIENT, "shop-1"),
                             tls_pki_context(&pki, TLS_SERVER, "server"), "localhost");
    char *bytes = noise(MUCH);
    pair->client.to_send = pair->server.to_send = bytes;
    pair->client.send_len = pair->server.send_len = MUCH;
    pair->client.finish_after = pair->server.finish_after = true;
    assert_true(await(pair->loop, both_closed, pair, AWAIT_MS));
    assert_int_equal(pair->client.err, ERR_CLOSED);
    assert_int_equal(pair->client.got_len, MUCH);
    assert_int_equal(pair->server.got_len, MUCH);
    assert_memory_equal(pair->client.got, bytes, MUCH);
    assert_memory_equal(pair->server.got, bytes, MUCH);
    free(bytes);
    part(pair);
}

static void unwanted_bytes_wait_and_come_when_wanted(void **state)
{
    (void)state;
    struct pair *pair = join(tls_pki_context(&pki, TLS_CLIENT, "shop-1"),
                             tls_pki_context(&pki, TLS_SERVER, "server"), "localhost");
    assert_true(await(pair->loop, both_connected, pair, AWAIT_MS));
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
    part(pair);
}

static void key_of_another_certificate_is_refused_at_open(void **state)
{
    (void)state;
    char paths[3][SCRATCH_PATH_MAX];
    struct tls_context *context;
    struct fault fault;
    struct tls_config config = {.role = TLS_CLIENT,
                                .ca_file = tls_pki_path(&pki, "ca.pem", paths[0]),
                                .certificate_file = tls_pki_path(&pki, "shop-1.pem", paths[1]),
                                .key_file = tls_pki_path(&pki, "shop-2-key.pem", paths[2])};
    assert_int_equal(tls_context_open(&context, &config, &fault), ERR_CONFLICT);
    config.ca_file = "/nonexistent/ca.pem";
    assert_int_equal(tls_context_open(&context, &config, &fault), ERR_NOT_FOUND);
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
        cmocka_unit_test(keys_in_a_token_serve_both_sides),
        cmocka_unit_test(an_address_in_the_certificate_is_a_host_too),
        cmocka_unit_test(expired_server_is_refused),
        cmocka_unit_test(server_not_yet_valid_is_refused),
        cmocka_unit_test(server_of_another_host_is_refused),
        cmocka_unit_test(server_of_an_unknown_ca_is_refused),
        cmocka_unit_test(revoked_server_is_refused),
        cmocka_unit_test(device_certificate_is_no_server),
        cmocka_unit_test(client_without_certificate_is_refused),
        cmocka_unit_test(expired_client_is_refused),
        cmocka_unit_test(client_not_yet_valid_is_refused),
        cmocka_unit_test(revoked_client_is_refused),
        cmocka_unit_test(client_of_an_unknown_ca_is_refused),
        cmocka_unit_test(optional_client_certificate_may_miss_but_not_be_bad),
        cmocka_unit_test(stale_revocation_list_stops_a_server_not_a_client),
        cmocka_unit_test(our_clock_decides_not_the_system_s),
        cmocka_unit_test(a_clock_that_is_behind_takes_a_newer_server_until_it_is_trusted),
        cmocka_unit_test(a_clock_that_is_far_ahead_takes_the_server_until_it_is_trusted),
        cmocka_unit_test(alpn_must_be_shared),
        cmocka_unit_test(server_with_only_tls_1_1_is_refused),
        cmocka_unit_test(client_with_only_tls_1_1_is_refused),
        cmocka_unit_test(peer_that_stalls_in_the_handshake_is_left),
        cmocka_unit_test(peer_that_hangs_up_in_the_handshake_is_named),
        cmocka_unit_test(peer_that_speaks_no_tls_is_refused),
        cmocka_unit_test(much_goes_both_ways_and_each_end_is_told),
        cmocka_unit_test(unwanted_bytes_wait_and_come_when_wanted),
        cmocka_unit_test(key_of_another_certificate_is_refused_at_open),
    };
    return cmocka_run_group_tests(tests, make_pki, remove_pki);
}
