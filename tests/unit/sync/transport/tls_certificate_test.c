/* Whose certificate is taken, and whose is refused, by which clock and list. */
#include "provisioning/authority.h"
#include "provisioning/csr.h"
#include "tests/support/await.h"
#include "tests/support/soft_token.h"
#include "tests/support/tls_pair.h"
#include "tests/support/tls_pki.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

static struct tls_pki pki;

/* The client meets a server that shows `server`'s certificate, and says `words`. */
static void client_refuses(const char *server, const char *host, const char *words)
{
    struct tls_pair *pair = tls_pair_join(tls_pki_context(&pki, TLS_CLIENT, "shop-1"),
                                          tls_pki_context(&pki, TLS_SERVER, server), host);
    assert_true(await(pair->loop, tls_pair_client_ended, pair, AWAIT_MS));
    assert_int_equal(pair->client.err, ERR_TLS);
    tls_end_assert_words(&pair->client, "the server's certificate");
    tls_end_assert_words(&pair->client, words);
    tls_pair_part(pair);
}

/* The server meets a client that shows `client`'s certificate (NULL: none). */
static void server_refuses(const char *client, const char *words, const char *client_words)
{
    struct tls_pair *pair = tls_pair_join(tls_pki_context(&pki, TLS_CLIENT, client),
                                          tls_pki_context(&pki, TLS_SERVER, "server"), "localhost");
    assert_true(await(pair->loop, tls_pair_server_ended, pair, AWAIT_MS));
    assert_true(await(pair->loop, tls_pair_client_ended, pair, AWAIT_MS));
    assert_int_equal(pair->server.err, ERR_TLS);
    tls_end_assert_words(&pair->server, words);
    assert_int_equal(pair->client.err, ERR_TLS);
    tls_end_assert_words(&pair->client, client_words);
    tls_pair_part(pair);
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
        struct tls_pair *pair =
            tls_pair_join(tls_pki_context(&pki, TLS_CLIENT, "token-shop"),
                          tls_pki_context(&pki, TLS_SERVER, servers[i]), "localhost");
        assert_true(await(pair->loop, tls_pair_connected, pair, AWAIT_MS));
        assert_int_equal(pair->client.err, ERR_OK);
        assert_int_equal(pair->server.err, ERR_OK);
        assert_string_equal(tls_stream_peer(pair->server.stream), "token-shop");
        tls_pair_part(pair);
    }
    soft_token_remove(&token);
}

static void an_address_in_the_certificate_is_a_host_too(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    for (size_t i = 0; i < 2; i++) {
        struct tls_pair *pair =
            tls_pair_join(tls_pki_context(&pki, TLS_CLIENT, "shop-1"),
                          tls_pki_context(&pki, TLS_SERVER, "server"), hosts[i]);
        assert_true(await(pair->loop, tls_pair_connected, pair, AWAIT_MS));
        assert_int_equal(pair->client.err, ERR_OK);
        tls_pair_part(pair);
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
    struct tls_pair *pair = tls_pair_join(tls_pki_context(&pki, TLS_CLIENT, "shop-1"),
                                          tls_pki_context(&pki, TLS_SERVER, "shop-2"), "localhost");
    assert_true(await(pair->loop, tls_pair_client_ended, pair, AWAIT_MS));
    assert_int_equal(pair->client.err, ERR_TLS);
    tls_pair_part(pair);
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

static void optional_client_certificate_may_miss_but_not_be_bad(void **state)
{
    (void)state;
    struct tls_config optional = {.peer_certificate_optional = true, .crl_file = "crl.pem"};
    struct tls_pair *pair =
        tls_pair_join(tls_pki_context(&pki, TLS_CLIENT, NULL),
                      tls_pki_special(&pki, TLS_SERVER, "server", optional), "localhost");
    assert_true(await(pair->loop, tls_pair_connected, pair, AWAIT_MS));
    assert_int_equal(pair->server.err, ERR_OK);
    assert_string_equal(tls_stream_peer(pair->server.stream), "");
    tls_pair_part(pair);
    pair = tls_pair_join(tls_pki_context(&pki, TLS_CLIENT, "bad-shop"),
                         tls_pki_special(&pki, TLS_SERVER, "server", optional), "localhost");
    assert_true(await(pair->loop, tls_pair_server_ended, pair, AWAIT_MS));
    tls_end_assert_words(&pair->server, "revoked");
    tls_pair_part(pair);
}

static void stale_revocation_list_stops_a_server_not_a_client(void **state)
{
    (void)state;
    struct tls_config stale = {.crl_file = "stale-crl.pem"};
    struct tls_pair *pair = tls_pair_join(tls_pki_special(&pki, TLS_CLIENT, "shop-1", stale),
                                          tls_pki_context(&pki, TLS_SERVER, "server"), "localhost");
    assert_true(await(pair->loop, tls_pair_connected, pair, AWAIT_MS));
    assert_int_equal(pair->client.err, ERR_OK);
    tls_pair_part(pair);
    pair = tls_pair_join(tls_pki_special(&pki, TLS_CLIENT, "shop-1", stale),
                         tls_pki_context(&pki, TLS_SERVER, "revoked"), "localhost");
    assert_true(await(pair->loop, tls_pair_client_ended, pair, AWAIT_MS));
    tls_end_assert_words(&pair->client, "revoked");
    tls_pair_part(pair);
    pair = tls_pair_join(tls_pki_context(&pki, TLS_CLIENT, "shop-1"),
                         tls_pki_special(&pki, TLS_SERVER, "server", stale), "localhost");
    assert_true(await(pair->loop, tls_pair_server_ended, pair, AWAIT_MS));
    tls_end_assert_words(&pair->server, "revocation list");
    tls_pair_part(pair);
}

static void our_clock_decides_not_the_system_s(void **state)
{
    (void)state;
    struct clock *clock;
    assert_int_equal(clock_fake_open(&clock, pki.now_ms + 200LL * 24 * 3600 * 1000, NULL), ERR_OK);
    struct tls_config later = {.clock = clock};
    struct tls_pair *pair = tls_pair_join(tls_pki_special(&pki, TLS_CLIENT, "shop-1", later),
                                          tls_pki_context(&pki, TLS_SERVER, "server"), "localhost");
    assert_true(await(pair->loop, tls_pair_client_ended, pair, AWAIT_MS));
    tls_end_assert_words(&pair->client, "expired on 20");
    tls_pair_part(pair);
    clock_fake_set_wall(clock, pki.now_ms - 30LL * 24 * 3600 * 1000);
    pair = tls_pair_join(tls_pki_special(&pki, TLS_CLIENT, "shop-1", later),
                         tls_pki_context(&pki, TLS_SERVER, "expired"), "localhost");
    assert_true(await(pair->loop, tls_pair_connected, pair, AWAIT_MS));
    assert_int_equal(pair->client.err, ERR_OK);
    tls_pair_part(pair);
    clock_close(clock);
}

static void a_clock_that_is_behind_takes_a_newer_server_until_it_is_trusted(void **state)
{
    (void)state;
    struct clock *clock;
    assert_int_equal(clock_fake_open(&clock, pki.now_ms, NULL), ERR_OK);
    struct tls_config asked = {.clock = clock};
    struct tls_pair *pair =
        tls_pair_join(tls_pki_special(&pki, TLS_CLIENT, "shop-1", asked),
                      tls_pki_context(&pki, TLS_SERVER, "not_yet"), "localhost");
    assert_true(await(pair->loop, tls_pair_connected, pair, AWAIT_MS));
    assert_int_equal(pair->client.err, ERR_OK);
    tls_pair_part(pair);
    (void)clock_trust(clock, pki.now_ms);
    pair = tls_pair_join(tls_pki_special(&pki, TLS_CLIENT, "shop-1", asked),
                         tls_pki_context(&pki, TLS_SERVER, "not_yet"), "localhost");
    assert_true(await(pair->loop, tls_pair_client_ended, pair, AWAIT_MS));
    tls_end_assert_words(&pair->client, "not yet valid");
    tls_pair_part(pair);
    pair = tls_pair_join(tls_pki_context(&pki, TLS_CLIENT, "early-shop"),
                         tls_pki_special(&pki, TLS_SERVER, "server", asked), "localhost");
    assert_true(await(pair->loop, tls_pair_client_ended, pair, AWAIT_MS)); /* a server never */
    tls_pair_part(pair);
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
    struct tls_pair *pair = tls_pair_join(tls_pki_special(&pki, TLS_CLIENT, "shop-1", asked),
                                          tls_pki_context(&pki, TLS_SERVER, "server"), "localhost");
    assert_true(await(pair->loop, tls_pair_connected, pair, AWAIT_MS));
    assert_int_equal(pair->client.err, ERR_OK);
    tls_pair_part(pair);
    pair = tls_pair_join(tls_pki_special(&pki, TLS_CLIENT, "shop-1", asked),
                         tls_pki_context(&pki, TLS_SERVER, "expired"), "localhost");
    assert_true(await(pair->loop, tls_pair_client_ended, pair, AWAIT_MS)); /* before the floor */
    tls_end_assert_words(&pair->client, "expired on 20");
    tls_pair_part(pair);
    (void)clock_trust(clock, pki.now_ms + 70 * year_ms);
    pair = tls_pair_join(tls_pki_special(&pki, TLS_CLIENT, "shop-1", asked),
                         tls_pki_context(&pki, TLS_SERVER, "server"), "localhost");
    assert_true(await(pair->loop, tls_pair_client_ended, pair, AWAIT_MS));
    tls_pair_part(pair);
    clock_close(clock);
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
        cmocka_unit_test(key_of_another_certificate_is_refused_at_open),
    };
    return cmocka_run_group_tests(tests, make_pki, remove_pki);
}
