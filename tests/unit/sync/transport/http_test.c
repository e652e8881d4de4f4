#include "sync/transport/http.h"

#include "tests/support/await.h"
#include "tests/support/http_peer.h"
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

/* A server with a few routes, and what it holds back. */
struct fixture {
    struct loop *loop;
    struct http_server *server;
    struct tls_context *tls;
    int handled;
    struct http_request *held;
    struct http_stream *stream;
    int gone;
    bool curl_done;
    long curl_status;
    CURLcode curl_code;
    struct buf curl_body;
    const char *curl_certificate;
};

static void answer_text(struct http_request *request, int status, const char *text)
{
    http_answer(request, status, "text/plain", slice_of(text), NULL, 0);
}

static void answer_later(void *context)
{
    answer_text(context, 201, "saved");
}

struct errand {
    struct loop *loop;
    struct http_request *request;
};

/* As the writer thread does: the answer is known elsewhere, and given on the loop's thread. */
static void *run_errand(void *context)
{
    struct errand errand = *(struct errand *)context;
    free(context);
    if (loop_post(errand.loop, answer_later, errand.request))
        abort();
    return NULL;
}

static void send_away(struct fixture *f, struct http_request *request)
{
    pthread_t thread;
    struct errand *errand = malloc(sizeof *errand);
    assert_non_null(errand);
    *errand = (struct errand){f->loop, request};
    assert_int_equal(pthread_create(&thread, NULL, run_errand, errand), 0);
    assert_int_equal(pthread_detach(thread), 0);
}

static void on_gone(void *context)
{
    struct fixture *f = context;
    f->gone++;
    f->stream = NULL;
}

static void answer_what_was_asked(struct http_request *request)
{
    struct buf text;
    const char *q = http_request_query(request, "q");
    const char *agent = http_request_header(request, "uSeR-aGeNt");
    buf_init(&text, 4096);
    buf_printf(&text, "%s %s q=%s agent=%s peer=%s secure=%d", http_request_method(request),
               http_request_path(request), q ? q : "-", agent ? agent : "-",
               http_request_peer(request), http_request_secure(request));
    http_answer(request, 200, "text/plain", buf_slice(&text), NULL, 0);
    buf_free(&text);
}

static void handle(void *context, struct http_request *request)
{
    struct fixture *f = context;
    const char *path = http_request_path(request);
    f->handled++;
    if (strcmp(path, "/echo") == 0) {
        http_answer(request, 200, "application/octet-stream", http_request_body(request), NULL, 0);
    } else if (strcmp(path, "/later") == 0) {
        send_away(f, request);
    } else if (strcmp(path, "/hold") == 0) {
        f->held = request;
    } else if (strcmp(path, "/stream") == 0) {
        f->stream = http_stream_begin(request, on_gone, f);
    } else if (strcmp(path, "/cached") == 0) {
        static const struct http_header headers[] = {{"cache-control", "max-age=60"},
                                                     {"X-Extra", "1"}};
        http_answer(request, 200, "text/css", SLICE_LITERAL("x{}"), headers, 2);
    } else if (strncmp(path, "/ask", 4) == 0) {
        answer_what_was_asked(request);
    } else {
        struct fault fault;
        (void)fault_set(&fault, ERR_NOT_FOUND, "lines[2].quantity", "there is no \"%s\"", path);
        http_problem(request, http_status_of(fault.code), &fault);
    }
}

static void open_server(struct fixture *f, struct http_config config)
{
    struct fault fault;
    *f = (struct fixture){.tls = config.tls};
    assert_int_equal(loop_open(&f->loop, NULL), ERR_OK);
    config.address = "127.0.0.1:0";
    config.handle = handle;
    config.context = f;
    if (http_server_open(&f->server, f->loop, &config, &fault))
        fail_msg("%s", fault.text);
}

static void close_server(struct fixture *f)
{
    http_server_close(f->server);
    tls_context_close(f->tls);
    loop_close(f->loop);
}

static void join(struct fixture *f, struct http_peer *peer)
{
    http_peer_open(peer, f->loop, http_server_address(f->server), NULL, NULL);
}

static void join_tls(struct fixture *f, struct http_peer *peer, const char *name)
{
    struct tls_context *tls = tls_pki_context(&pki, TLS_CLIENT, name);
    http_peer_open(peer, f->loop, http_server_address(f->server), NULL, tls);
    tls_context_close(tls);
}

static void say(struct http_peer *peer, const char *text)
{
    http_peer_say(peer, text, strlen(text));
}

static bool has_ended(void *context)
{
    const struct http_peer *peer = context;
    return peer->ended;
}

static void request_reaches_the_handler_whole(void **state)
{
    (void)state;
    struct fixture f;
    struct http_peer peer;
    struct slice body;
    open_server(&f, (struct http_config){0});
    join(&f, &peer);
    assert_int_equal(http_peer_ask(&peer,
                                   "GET /ask/a%20b?q=one%20two HTTP/1.1\r\nHost: x\r\n"
                                   "User-Agent: test\r\n\r\n",
                                   &body),
                     200);
    assert_string_equal(body.data, "GET /ask/a b q=one two agent=test peer= secure=0");
    assert_int_equal(
        http_peer_ask(&peer, "DELETE /ask HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
                      &body),
        200);
    assert_string_equal(body.data, "DELETE /ask q=- agent=- peer= secure=0");
    assert_int_equal(http_peer_ask(&peer,
                                   "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                                   "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
                                   &body),
                     200);
    assert_string_equal(body.data, "abcde");
    http_peer_close(&peer);
    close_server(&f);
}

static void answers_carry_the_security_headers(void **state)
{
    (void)state;
    struct fixture f;
    struct http_peer peer;
    open_server(&f, (struct http_config){0});
    join(&f, &peer);
    assert_int_equal(http_peer_ask(&peer, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 200);
    assert_non_null(strstr(peer.got.data, "Content-Security-Policy: default-src 'self'\r\n"));
    assert_non_null(strstr(peer.got.data, "X-Content-Type-Options: nosniff\r\n"));
    assert_non_null(strstr(peer.got.data, "Referrer-Policy: no-referrer\r\n"));
    assert_non_null(strstr(peer.got.data, "Cache-Control: no-store\r\n"));
    assert_int_equal(http_peer_ask(&peer, "GET /cached HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 200);
    assert_non_null(strcasestr(peer.got.data, "Cache-Control: max-age=60\r\n"));
    assert_null(strstr(peer.got.data, "no-store"));
    assert_non_null(strstr(peer.got.data, "X-Extra: 1\r\n"));
    http_peer_close(&peer);
    close_server(&f);
}

static void problem_names_field_and_rule(void **state)
{
    (void)state;
    struct fixture f;
    struct http_peer peer;
    struct slice body;
    open_server(&f, (struct http_config){0});
    join(&f, &peer);
    assert_int_equal(http_peer_ask(&peer, "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", &body), 404);
    assert_non_null(strstr(peer.got.data, "Content-Type: application/problem+json\r\n"));
    assert_string_equal(
        body.data,
        "{\"type\":\"urn:tillback:problem:not_found\",\"title\":\"not found\","
        "\"status\":404,\"detail\":\"there is no \\\"/nowhere\\\"\",\"code\":\"not_found\","
        "\"field\":\"lines[2].quantity\"}");
    http_peer_close(&peer);
    close_server(&f);
}

static void answer_may_come_later_from_a_post(void **state)
{
    (void)state;
    struct fixture f;
    struct http_peer peer;
    struct slice body;
    open_server(&f, (struct http_config){0});
    join(&f, &peer);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(
            http_peer_ask(&peer, "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
                          &body),
            201);
        assert_string_equal(body.data, "saved");
    }
    http_peer_close(&peer);
    close_server(&f);
}

static bool is_held(void *context)
{
    const struct fixture *f = context;
    return f->held != NULL;
}

static void answer_to_a_peer_that_left_goes_into_the_void(void **state)
{
    (void)state;
    struct fixture f;
    struct http_peer peer;
    open_server(&f, (struct http_config){0});
    join(&f, &peer);
    say(&peer, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(await(f.loop, is_held, &f, AWAIT_MS));
    http_peer_close(&peer);
    loop_run_once(f.loop, 10);
    answer_text(f.held, 200, "too late");
    join(&f, &peer);
    assert_int_equal(http_peer_ask(&peer, "GET /ask HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 200);
    http_peer_close(&peer);
    close_server(&f);
}

static void request_outlives_its_server(void **state)
{
    (void)state;
    struct fixture f;
    struct http_peer peer;
    open_server(&f, (struct http_config){0});
    join(&f, &peer);
    say(&peer, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(await(f.loop, is_held, &f, AWAIT_MS));
    http_server_close(f.server);
    f.server = NULL;
    assert_string_equal(http_request_path(f.held), "/hold");
    assert_null(http_request_header(f.held, "Host"));
    answer_text(f.held, 200, "nobody hears it");
    http_peer_close(&peer);
    close_server(&f);
}

static void body_above_the_cap_is_413(void **state)
{
    (void)state;
    enum { TEN_MB = 10 * 1000 * 1000 };
    struct fixture f;
    struct http_peer peer;
    open_server(&f, (struct http_config){.limits = {.body_bytes = 1000}});
    join(&f, &peer);
    char *large = calloc(1, TEN_MB);
    assert_non_null(large);
    memset(large, 'x', TEN_MB);
    char head[128];
    (void)snprintf(head, sizeof head,
                   "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", TEN_MB);
    say(&peer, head);
    http_peer_say(&peer, large, TEN_MB);
    assert_int_equal(http_peer_answer(&peer, NULL), 413);
    assert_int_equal(f.handled, 0);
    /* The connection stays usable, and the cap itself is allowed. */
    http_peer_forget(&peer);
    say(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
    http_peer_say(&peer, large, 1000);
    assert_int_equal(http_peer_answer(&peer, NULL), 200);
    http_peer_forget(&peer);
    say(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n");
    http_peer_say(&peer, large, 2000);
    say(&peer, "\r\n0\r\n\r\n");
    assert_int_equal(http_peer_answer(&peer, NULL), 413);
    free(large);
    http_peer_close(&peer);
    close_server(&f);
}

static void bad_requests_are_refused_and_reach_nobody(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "nonsense\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", /* no Host */
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    };
    struct fixture f;
    open_server(&f, (struct http_config){0});
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct http_peer peer;
        join(&f, &peer);
        int status = http_peer_ask(&peer, requests[i], NULL);
        if (status != 0 && (status < 400 || status > 505))
            fail_msg("request %zu got %d", i, status);
        http_peer_close(&peer);
    }
    assert_int_equal(f.handled, 0);
    struct http_peer peer;
    join(&f, &peer);
    char *header = calloc(1, 200 * 1024);
    assert_non_null(header);
    memset(header, 'a', 200 * 1024 - 1);
    say(&peer, "GET /ask HTTP/1.1\r\nHost: x\r\nX: ");
    http_peer_say(&peer, header, 200 * 1024 - 1);
    int status = http_peer_answer(&peer, NULL);
    assert_true(status == 0 || status == 413 || status == 431);
    free(header);
    http_peer_close(&peer);
    assert_int_equal(f.handled, 0);
    close_server(&f);
}

struct trickle {
    struct http_peer *peer;
    struct loop_timer *timer;
};

static void drip(void *context)
{
    struct trickle *trickle = context;
    http_peer_say(trickle->peer, "a", 1);
}

/* Says `head`, then a byte every few milliseconds: never idle, never done. Until it is cut off. */
static void trickles(struct fixture *f, const char *head)
{
    struct http_peer peer;
    join(f, &peer);
    say(&peer, head);
    struct trickle trickle = {.peer = &peer};
    trickle.timer = loop_timer_open(f->loop, drip, &trickle);
    loop_timer_start(trickle.timer, 10, 10);
    assert_true(await(f->loop, has_ended, &peer, 20 * SHORT_MS));
    assert_int_equal(peer.got.len, 0);
    loop_timer_close(trickle.timer);
    http_peer_close(&peer);
}

static void slow_loris_is_cut_off(void **state)
{
    (void)state;
    struct fixture f;
    open_server(&f, (struct http_config){.limits = {.headers_ms = SHORT_MS, .body_ms = SHORT_MS}});
    trickles(&f, "GET /ask HTTP/1.1\r\nHost: x\r\nX: ");
    trickles(&f, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    trickles(&f, "");
    assert_int_equal(f.handled, 0);
    close_server(&f);
}

static void idle_connection_is_closed_a_held_one_is_not(void **state)
{
    (void)state;
    struct fixture f;
    struct http_peer idle;
    struct http_peer holding;
    open_server(&f, (struct http_config){.limits = {.idle_ms = SHORT_MS, .headers_ms = SHORT_MS}});
    join(&f, &holding);
    say(&holding, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    join(&f, &idle);
    assert_int_equal(http_peer_ask(&idle, "GET /ask HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 200);
    assert_true(await(f.loop, has_ended, &idle, 20 * SHORT_MS));
    assert_false(holding.ended);
    answer_text(f.held, 200, "patience");
    assert_int_equal(http_peer_answer(&holding, NULL), 200);
    http_peer_close(&idle);
    http_peer_close(&holding);
    close_server(&f);
}

enum { LIMIT = 128, LIMIT_PER_ADDRESS = 16 };

static void connections_are_limited_in_all_and_per_address(void **state)
{
    (void)state;
    struct fixture f;
    open_server(&f, (struct http_config){0});
    struct http_peer *peers = calloc(LIMIT, sizeof *peers);
    struct http_peer extra;
    char source[16];
    assert_non_null(peers);
    for (int i = 0; i < LIMIT; i++) {
        (void)snprintf(source, sizeof source, "127.0.0.%d", 2 + i / LIMIT_PER_ADDRESS);
        http_peer_open(&peers[i], f.loop, http_server_address(f.server), source, NULL);
        assert_int_equal(http_peer_ask(&peers[i], "GET /ask HTTP/1.1\r\nHost: x\r\n\r\n", NULL),
                         200);
        if (i == LIMIT_PER_ADDRESS - 1) {
            http_peer_open(&extra, f.loop, http_server_address(f.server), source, NULL);
            assert_true(await(f.loop, has_ended, &extra, AWAIT_MS));
            http_peer_close(&extra);
        }
    }
    http_peer_open(&extra, f.loop, http_server_address(f.server), "127.0.0.99", NULL);
    assert_true(await(f.loop, has_ended, &extra, AWAIT_MS));
    http_peer_close(&extra);
    /* One leaves, one gets in. */
    http_peer_close(&peers[0]);
    int status = 0;
    for (int i = 0; i < 100 && status == 0; i++) {
        loop_run_once(f.loop, 10);
        http_peer_open(&peers[0], f.loop, http_server_address(f.server), "127.0.0.99", NULL);
        status = http_peer_ask(&peers[0], "GET /ask HTTP/1.1\r\nHost: x\r\n\r\n", NULL);
        if (status == 0)
            http_peer_close(&peers[0]);
    }
    assert_int_equal(status, 200);
    for (int i = 0; i < LIMIT; i++)
        http_peer_close(&peers[i]);
    free(peers);
    close_server(&f);
}

static void begin_stream(struct fixture *f, struct http_peer *peer)
{
    say(peer, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(http_peer_hears(peer, "retry: 2000\n\n", AWAIT_MS));
    assert_non_null(strstr(peer->got.data, "Content-Type: text/event-stream"));
    assert_non_null(f->stream);
}

static bool is_gone(void *context)
{
    const struct fixture *f = context;
    return f->gone > 0;
}

static void stream_carries_events(struct fixture *f, struct http_peer *peer)
{
    begin_stream(f, peer);
    http_stream_send(f->stream, "scan", SLICE_LITERAL("{\"a\":1}"));
    assert_true(http_peer_hears(peer, "event: scan\ndata: {\"a\":1}\n\n", AWAIT_MS));
    http_stream_send(f->stream, NULL, SLICE_LITERAL("two\nlines"));
    assert_true(http_peer_hears(peer, "data: two\ndata: lines\n\n", AWAIT_MS));
    http_peer_close(peer);
    assert_true(await(f->loop, is_gone, f, AWAIT_MS));
    assert_int_equal(f->gone, 1);
}

static void stream_carries_events_and_notices_the_peer_s_leave(void **state)
{
    (void)state;
    struct fixture f;
    struct http_peer peer;
    open_server(&f, (struct http_config){.limits = {.idle_ms = SHORT_MS}});
    join(&f, &peer);
    stream_carries_events(&f, &peer);
    close_server(&f);
}

static void stream_that_its_owner_ends_says_no_gone(void **state)
{
    (void)state;
    struct fixture f;
    struct http_peer peer;
    open_server(&f, (struct http_config){0});
    join(&f, &peer);
    begin_stream(&f, &peer);
    http_stream_send(f.stream, "last", SLICE_LITERAL("1"));
    http_stream_end(f.stream);
    assert_true(http_peer_hears(&peer, "event: last\ndata: 1\n\n", AWAIT_MS));
    assert_true(http_peer_hears(&peer, "\r\n0\r\n\r\n", AWAIT_MS));
    assert_int_equal(f.gone, 0);
    http_peer_close(&peer);
    close_server(&f);
}

static void stream_to_a_peer_that_does_not_read_is_cut_off(void **state)
{
    (void)state;
    struct fixture f;
    struct http_peer peer;
    char noise[8192];
    memset(noise, 'n', sizeof noise);
    open_server(&f, (struct http_config){0});
    join(&f, &peer);
    begin_stream(&f, &peer);
    peer.deaf = true;
    say(&peer, "");
    for (int i = 0; i < 100000 && f.gone == 0; i++) {
        http_stream_send(f.stream, "n", (struct slice){noise, sizeof noise});
        loop_run_once(f.loop, 0);
    }
    assert_int_equal(f.gone, 1);
    http_peer_close(&peer);
    close_server(&f);
}

static void closing_the_server_ends_its_streams(void **state)
{
    (void)state;
    struct fixture f;
    struct http_peer peer;
    open_server(&f, (struct http_config){0});
    join(&f, &peer);
    begin_stream(&f, &peer);
    http_server_close(f.server);
    f.server = NULL;
    assert_int_equal(f.gone, 1);
    http_peer_close(&peer);
    close_server(&f);
}

static void plain_is_refused_beyond_loopback(void **state)
{
    (void)state;
    static const char *const addresses[] = {"0.0.0.0:0", "[::]:0", "192.0.2.1:8080"};
    struct loop *loop;
    struct http_server *server;
    struct fault fault;
    assert_int_equal(loop_open(&loop, NULL), ERR_OK);
    for (size_t i = 0; i < 3; i++) {
        struct http_config config = {.address = addresses[i], .handle = handle};
        assert_int_equal(http_server_open(&server, loop, &config, &fault), ERR_FORBIDDEN);
        assert_non_null(strstr(fault.text, "without TLS only loopback"));
    }
    struct http_config wrong = {.address = "example.com:80", .handle = handle};
    assert_int_equal(http_server_open(&server, loop, &wrong, &fault), ERR_INVALID);
    struct http_config six = {.address = "[::1]:0", .handle = handle};
    assert_int_equal(http_server_open(&server, loop, &six, &fault), ERR_OK);
    assert_memory_equal(http_server_address(server), "[::1]:", 6);
    http_server_close(server);
    loop_close(loop);
}

static void taken_port_is_named(void **state)
{
    (void)state;
    struct fixture f;
    struct http_server *second;
    struct fault fault;
    open_server(&f, (struct http_config){0});
    struct http_config config = {.address = http_server_address(f.server), .handle = handle};
    assert_int_not_equal(http_server_open(&second, f.loop, &config, &fault), ERR_OK);
    assert_string_equal(fault.where, http_server_address(f.server));
    close_server(&f);
}

/* --- TLS ----------------------------------------------------------------------------------------
 */

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
    struct fixture f;
    struct http_peer peer;
    struct slice body;
    open_server(&f, (struct http_config){.tls = optional_client()});
    join_tls(&f, &peer, "shop-1");
    assert_int_equal(http_peer_ask(&peer, "GET /ask HTTP/1.1\r\nHost: x\r\n\r\n", &body), 200);
    assert_string_equal(body.data, "GET /ask q=- agent=- peer=shop-1 secure=1");
    http_peer_close(&peer);
    join_tls(&f, &peer, NULL);
    assert_int_equal(http_peer_ask(&peer, "GET /ask HTTP/1.1\r\nHost: x\r\n\r\n", &body), 200);
    assert_string_equal(body.data, "GET /ask q=- agent=- peer= secure=1");
    http_peer_close(&peer);
    close_server(&f);
}

static void tls_peer_without_its_certificate_never_reaches_http(void **state)
{
    (void)state;
    static const char *const names[] = {NULL, "bad-shop", "far-shop", "late-shop"};
    struct fixture f;
    open_server(&f, (struct http_config){.tls = tls_pki_context(&pki, TLS_SERVER, "server")});
    for (size_t i = 0; i < 4; i++) {
        struct http_peer peer;
        join_tls(&f, &peer, names[i]);
        say(&peer, "GET /ask HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(await(f.loop, has_ended, &peer, AWAIT_MS));
        assert_int_equal(peer.fault.code, ERR_TLS);
        assert_non_null(strstr(peer.fault.text, "certificate"));
        http_peer_close(&peer);
    }
    assert_int_equal(f.handled, 0);
    close_server(&f);
}

static void plain_peer_of_a_tls_port_is_closed(void **state)
{
    (void)state;
    struct fixture f;
    struct http_peer peer;
    open_server(
        &f, (struct http_config){.tls = optional_client(), .limits = {.handshake_ms = SHORT_MS}});
    join(&f, &peer);
    say(&peer, "GET /ask HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(await(f.loop, has_ended, &peer, AWAIT_MS));
    http_peer_close(&peer);
    join(&f, &peer); /* says nothing at all */
    assert_true(await(f.loop, has_ended, &peer, 20 * SHORT_MS));
    http_peer_close(&peer);
    assert_int_equal(f.handled, 0);
    close_server(&f);
}

static void tls_echoes_a_megabyte(void **state)
{
    (void)state;
    struct fixture f;
    struct http_peer peer;
    struct slice body;
    char *large = malloc(HTTP_BODY_MAX);
    assert_non_null(large);
    for (size_t i = 0; i < HTTP_BODY_MAX; i++)
        large[i] = (char)('a' + i % 23);
    open_server(&f, (struct http_config){.tls = optional_client()});
    join_tls(&f, &peer, "shop-1");
    for (int i = 0; i < 3; i++) {
        http_peer_forget(&peer);
        say(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n");
        http_peer_say(&peer, large, HTTP_BODY_MAX);
        assert_int_equal(http_peer_answer(&peer, &body), 200);
        assert_int_equal(body.len, HTTP_BODY_MAX);
        assert_memory_equal(body.data, large, HTTP_BODY_MAX);
    }
    free(large);
    http_peer_close(&peer);
    close_server(&f);
}

static void tls_streams_too(void **state)
{
    (void)state;
    struct fixture f;
    struct http_peer peer;
    open_server(&f, (struct http_config){.tls = optional_client()});
    join_tls(&f, &peer, NULL);
    stream_carries_events(&f, &peer);
    close_server(&f);
}

static void tls_slow_loris_is_cut_off(void **state)
{
    (void)state;
    struct fixture f;
    struct http_peer peer;
    open_server(&f,
                (struct http_config){.tls = optional_client(), .limits = {.headers_ms = SHORT_MS}});
    join_tls(&f, &peer, NULL);
    say(&peer, "GET /ask HTTP/1.1\r\nHost");
    assert_true(await(f.loop, has_ended, &peer, 20 * SHORT_MS));
    http_peer_close(&peer);
    close_server(&f);
}

static void tls_server_closes_with_everything_open(void **state)
{
    (void)state;
    struct fixture f;
    struct http_peer streaming;
    struct http_peer holding;
    open_server(&f, (struct http_config){.tls = optional_client()});
    join_tls(&f, &streaming, NULL);
    begin_stream(&f, &streaming);
    join_tls(&f, &holding, NULL);
    say(&holding, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(await(f.loop, is_held, &f, AWAIT_MS));
    http_server_close(f.server);
    f.server = NULL;
    assert_int_equal(f.gone, 1);
    answer_text(f.held, 200, "void");
    http_peer_close(&streaming);
    http_peer_close(&holding);
    close_server(&f);
}

static size_t take_curl(char *data, size_t size, size_t count, void *context)
{
    buf_append(context, data, size * count);
    return size * count;
}

static void curl_is_done(void *context)
{
    struct fixture *f = context;
    f->curl_done = true;
}

/* Another TLS library as the client: Debian's libcurl has OpenSSL or GnuTLS inside. */
static void *run_curl(void *context)
{
    struct fixture *f = context;
    char url[96];
    char ca[SCRATCH_PATH_MAX];
    char certificate[SCRATCH_PATH_MAX];
    char key[SCRATCH_PATH_MAX];
    char file[64];
    const char *port = strrchr(http_server_address(f->server), ':');
    (void)snprintf(url, sizeof url, "https://localhost%s/ask", port);
    CURL *curl = curl_easy_init();
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_CAINFO, tls_pki_path(&pki, "ca.pem", ca));
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_curl);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &f->curl_body);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "curl");
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (f->curl_certificate) {
        (void)snprintf(file, sizeof file, "%s.pem", f->curl_certificate);
        (void)curl_easy_setopt(curl, CURLOPT_SSLCERT, tls_pki_path(&pki, file, certificate));
        (void)snprintf(file, sizeof file, "%s-key.pem", f->curl_certificate);
        (void)curl_easy_setopt(curl, CURLOPT_SSLKEY, tls_pki_path(&pki, file, key));
    }
    f->curl_code = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &f->curl_status);
    curl_easy_cleanup(curl);
    if (loop_post(f->loop, curl_is_done, f))
        abort();
    return NULL;
}

static void ask_with_curl(struct fixture *f, const char *certificate)
{
    pthread_t thread;
    buf_init(&f->curl_body, 4096);
    f->curl_done = false;
    f->curl_status = 0;
    f->curl_certificate = certificate;
    assert_int_equal(pthread_create(&thread, NULL, run_curl, f), 0);
    assert_true(await_flag(f->loop, &f->curl_done, AWAIT_MS));
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void curl_is_served_with_its_certificate_and_refused_without(void **state)
{
    (void)state;
    struct fixture f;
    open_server(&f, (struct http_config){.tls = tls_pki_context(&pki, TLS_SERVER, "server")});
    ask_with_curl(&f, "hub");
    if (f.curl_code != CURLE_OK)
        fail_msg("%s", curl_easy_strerror(f.curl_code));
    assert_int_equal(f.curl_status, 200);
    assert_string_equal(f.curl_body.data, "GET /ask q=- agent=curl peer=hub secure=1");
    buf_free(&f.curl_body);
    ask_with_curl(&f, NULL);
    assert_int_not_equal(f.curl_code, CURLE_OK);
    buf_free(&f.curl_body);
    assert_int_equal(f.handled, 1);
    close_server(&f);
    open_server(&f, (struct http_config){.tls = tls_pki_context(&pki, TLS_SERVER, "expired")});
    ask_with_curl(&f, "hub");
    assert_int_equal(f.curl_code, CURLE_PEER_FAILED_VERIFICATION);
    buf_free(&f.curl_body);
    close_server(&f);
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
        cmocka_unit_test(request_reaches_the_handler_whole),
        cmocka_unit_test(answers_carry_the_security_headers),
        cmocka_unit_test(problem_names_field_and_rule),
        cmocka_unit_test(answer_may_come_later_from_a_post),
        cmocka_unit_test(answer_to_a_peer_that_left_goes_into_the_void),
        cmocka_unit_test(request_outlives_its_server),
        cmocka_unit_test(body_above_the_cap_is_413),
        cmocka_unit_test(bad_requests_are_refused_and_reach_nobody),
        cmocka_unit_test(slow_loris_is_cut_off),
        cmocka_unit_test(idle_connection_is_closed_a_held_one_is_not),
        cmocka_unit_test(connections_are_limited_in_all_and_per_address),
        cmocka_unit_test(stream_carries_events_and_notices_the_peer_s_leave),
        cmocka_unit_test(stream_that_its_owner_ends_says_no_gone),
        cmocka_unit_test(stream_to_a_peer_that_does_not_read_is_cut_off),
        cmocka_unit_test(closing_the_server_ends_its_streams),
        cmocka_unit_test(plain_is_refused_beyond_loopback),
        cmocka_unit_test(taken_port_is_named),
        cmocka_unit_test(tls_names_its_peer),
        cmocka_unit_test(tls_peer_without_its_certificate_never_reaches_http),
        cmocka_unit_test(plain_peer_of_a_tls_port_is_closed),
        cmocka_unit_test(tls_echoes_a_megabyte),
        cmocka_unit_test(tls_streams_too),
        cmocka_unit_test(tls_slow_loris_is_cut_off),
        cmocka_unit_test(tls_server_closes_with_everything_open),
        cmocka_unit_test(curl_is_served_with_its_certificate_and_refused_without),
    };
    return cmocka_run_group_tests(tests, make_pki, remove_pki);
}
