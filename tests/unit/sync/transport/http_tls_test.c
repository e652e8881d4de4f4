#include "sync/transport/http.h"

#include "tests/support/await.h"
#include "tests/support/http_house.h"
#include "tests/support/tls_pki.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include <cmocka.h>

enum { SHORT_MS = 200 };

static struct tls_pki pki;

static void join_tls(struct http_house *f, struct http_peer *peer, const char *name)
{
    struct tls_context *tls = tls_pki_context(&pki, TLS_CLIENT, name);
    http_peer_open(peer, f->loop, http_server_address(f->server), NULL, tls);
    tls_context_close(tls);
}

static struct tls_context *optional_client(void)
{
    char paths[4][SCRATCH_PATH_MAX];
    struct tls_context *tls;
    struct fault fault;
    if (tls_context_open(
            &tls,
            &(struct tls_config){.role = TLS_SERVER,
                                 .ca_file = tls_pki_path(&pki, "ca.pem", paths[0]),
                                 .crl_file = tls_pki_path(&pki, "crl.pem", paths[1]),
                                 .certificate_file = tls_pki_path(&pki, "server.pem", paths[2]),
                                 .key_file = tls_pki_path(&pki, "server-key.pem", paths[3]),
                                 .peer_certificate_optional = true},
            &fault))
        fail_msg("%s", fault.text);
    return tls;
}

static void tls_names_its_peer(void **state)
{
    (void)state;
    struct http_house f;
    struct http_peer peer;
    struct slice body;
    http_house_open(&f, (struct http_config){.tls = optional_client()});
    join_tls(&f, &peer, "shop-1");
    assert_int_equal(http_peer_ask(&peer, "GET /ask HTTP/1.1\r\nHost: x\r\n\r\n", &body), 200);
    assert_string_equal(body.data, "GET /ask q=- agent=- peer=shop-1 secure=1");
    http_peer_close(&peer);
    join_tls(&f, &peer, NULL);
    assert_int_equal(http_peer_ask(&peer, "GET /ask HTTP/1.1\r\nHost: x\r\n\r\n", &body), 200);
    assert_string_equal(body.data, "GET /ask q=- agent=- peer= secure=1");
    http_peer_close(&peer);
    http_house_close(&f);
}

static void tls_peer_without_its_certificate_never_reaches_http(void **state)
{
    (void)state;
    static const char *const names[] = {NULL, "bad-shop", "far-shop", "late-shop"};
    struct http_house f;
    http_house_open(&f, (struct http_config){.tls = tls_pki_context(&pki, TLS_SERVER, "server")});
    for (size_t i = 0; i < 4; i++) {
        struct http_peer peer;
        join_tls(&f, &peer, names[i]);
        http_peer_say(&peer, "GET /ask HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(http_peer_ends(&peer, AWAIT_MS));
        assert_int_equal(peer.fault.code, ERR_TLS);
        assert_non_null(strstr(peer.fault.text, "certificate"));
        http_peer_close(&peer);
    }
    assert_int_equal(f.handled, 0);
    http_house_close(&f);
}

static void plain_peer_of_a_tls_port_is_closed(void **state)
{
    (void)state;
    struct http_house f;
    struct http_peer peer;
    http_house_open(
        &f, (struct http_config){.tls = optional_client(), .limits = {.handshake_ms = SHORT_MS}});
    http_house_join(&f, &peer);
    http_peer_say(&peer, "GET /ask HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(http_peer_ends(&peer, AWAIT_MS));
    http_peer_close(&peer);
    http_house_join(&f, &peer); /* says nothing at all */
    assert_true(http_peer_ends(&peer, 20 * SHORT_MS));
    http_peer_close(&peer);
    assert_int_equal(f.handled, 0);
    http_house_close(&f);
}

static void tls_echoes_a_megabyte(void **state)
{
    (void)state;
    struct http_house f;
    struct http_peer peer;
    struct slice body;
    char *large = malloc(HTTP_BODY_MAX);
    assert_non_null(large);
    for (size_t i = 0; i < HTTP_BODY_MAX; i++)
        large[i] = (char)('a' + i % 23);
    http_house_open(&f, (struct http_config){.tls = optional_client()});
    join_tls(&f, &peer, "shop-1");
    for (int i = 0; i < 3; i++) {
        http_peer_forget(&peer);
        http_peer_say(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n");
        http_peer_send(&peer, large, HTTP_BODY_MAX);
        assert_int_equal(http_peer_answer(&peer, &body), 200);
        assert_int_equal(body.len, HTTP_BODY_MAX);
        assert_memory_equal(body.data, large, HTTP_BODY_MAX);
    }
    free(large);
    http_peer_close(&peer);
    http_house_close(&f);
}

static void tls_streams_too(void **state)
{
    (void)state;
    struct http_house f;
    struct http_peer peer;
    http_house_open(&f, (struct http_config){.tls = optional_client()});
    join_tls(&f, &peer, NULL);
    http_house_streams(&f, &peer);
    http_house_close(&f);
}

static void tls_slow_loris_is_cut_off(void **state)
{
    (void)state;
    struct http_house f;
    struct http_peer peer;
    http_house_open(
        &f, (struct http_config){.tls = optional_client(), .limits = {.headers_ms = SHORT_MS}});
    join_tls(&f, &peer, NULL);
    http_peer_say(&peer, "GET /ask HTTP/1.1\r\nHost");
    assert_true(http_peer_ends(&peer, 20 * SHORT_MS));
    http_peer_close(&peer);
    http_house_close(&f);
}

static void tls_server_closes_with_everything_open(void **state)
{
    (void)state;
    struct http_house f;
    struct http_peer streaming;
    struct http_peer holding;
    http_house_open(&f, (struct http_config){.tls = optional_client()});
    join_tls(&f, &streaming, NULL);
    http_house_begin_stream(&f, &streaming);
    join_tls(&f, &holding, NULL);
    http_peer_say(&holding, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(http_house_holds(&f));
    http_server_close(f.server);
    f.server = NULL;
    assert_int_equal(f.gone, 1);
    http_house_answer(f.held, 200, "void");
    http_peer_close(&streaming);
    http_peer_close(&holding);
    http_house_close(&f);
}

/* One request of curl's, from a thread of its own. */
struct visit {
    struct http_house *house;
    const char *certificate; /* NULL: none */
    bool done;
    long status;
    CURLcode code;
    struct buf body;
};

static size_t take(char *data, size_t size, size_t count, void *context)
{
    buf_append(context, data, size * count);
    return size * count;
}

static void visit_is_done(void *context)
{
    struct visit *visit = context;
    visit->done = true;
}

/* Another TLS library as the client: Debian's libcurl has OpenSSL inside. */
static void *run_curl(void *context)
{
    struct visit *visit = context;
    char url[96];
    char ca[SCRATCH_PATH_MAX];
    char certificate[SCRATCH_PATH_MAX];
    char key[SCRATCH_PATH_MAX];
    char file[64];
    const char *port = strrchr(http_server_address(visit->house->server), ':');
    (void)snprintf(url, sizeof url, "https://localhost%s/ask", port);
    CURL *curl = curl_easy_init();
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_CAINFO, tls_pki_path(&pki, "ca.pem", ca));
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &visit->body);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "curl");
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (visit->certificate) {
        (void)snprintf(file, sizeof file, "%s.pem", visit->certificate);
        (void)curl_easy_setopt(curl, CURLOPT_SSLCERT, tls_pki_path(&pki, file, certificate));
        (void)snprintf(file, sizeof file, "%s-key.pem", visit->certificate);
        (void)curl_easy_setopt(curl, CURLOPT_SSLKEY, tls_pki_path(&pki, file, key));
    }
    visit->code = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &visit->status);
    curl_easy_cleanup(curl);
    if (loop_post(visit->house->loop, visit_is_done, visit))
        abort();
    return NULL;
}

static struct visit visit_with_curl(struct http_house *house, const char *certificate)
{
    pthread_t thread;
    struct visit visit = {.house = house, .certificate = certificate};
    buf_init(&visit.body, 4096);
    assert_int_equal(pthread_create(&thread, NULL, run_curl, &visit), 0);
    assert_true(await_flag(house->loop, &visit.done, AWAIT_MS));
    assert_int_equal(pthread_join(thread, NULL), 0);
    return visit;
}

static void curl_is_served_with_its_certificate_and_refused_without(void **state)
{
    (void)state;
    struct http_house f;
    http_house_open(&f, (struct http_config){.tls = tls_pki_context(&pki, TLS_SERVER, "server")});
    struct visit visit = visit_with_curl(&f, "hub");
    if (visit.code != CURLE_OK)
        fail_msg("%s", curl_easy_strerror(visit.code));
    assert_int_equal(visit.status, 200);
    assert_string_equal(visit.body.data, "GET /ask q=- agent=curl peer=hub secure=1");
    buf_free(&visit.body);
    visit = visit_with_curl(&f, NULL);
    assert_int_not_equal(visit.code, CURLE_OK);
    buf_free(&visit.body);
    assert_int_equal(f.handled, 1);
    http_house_close(&f);
}

static void curl_refuses_our_expired_certificate(void **state)
{
    (void)state;
    struct http_house f;
    http_house_open(&f, (struct http_config){.tls = tls_pki_context(&pki, TLS_SERVER, "expired")});
    struct visit visit = visit_with_curl(&f, "hub");
    assert_int_equal(visit.code, CURLE_PEER_FAILED_VERIFICATION);
    buf_free(&visit.body);
    http_house_close(&f);
}

static int make_pki(void **state)
{
    (void)state;
    tls_pki_make(&pki);
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -1;
}

static int remove_pki(void **state)
{
    (void)state;
    curl_global_cleanup();
    tls_pki_remove(&pki);
    return 0;
}
int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_names_its_peer),
        cmocka_unit_test(tls_peer_without_its_certificate_never_reaches_http),
        cmocka_unit_test(plain_peer_of_a_tls_port_is_closed),
        cmocka_unit_test(tls_echoes_a_megabyte),
        cmocka_unit_test(tls_streams_too),
        cmocka_unit_test(tls_slow_loris_is_cut_off),
        cmocka_unit_test(tls_server_closes_with_everything_open),
        cmocka_unit_test(curl_is_served_with_its_certificate_and_refused_without),
        cmocka_unit_test(curl_refuses_our_expired_certificate),
    };
    return cmocka_run_group_tests(tests, make_pki, remove_pki);
}
