#include "sync/transport/http.h"

#include "tests/support/await.h"
#include "tests/support/http_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SHORT_MS = 200 };

static void request_reaches_the_handler_whole(void **state)
{
    (void)state;
    struct http_house f;
    struct http_peer peer;
    struct slice body;
    http_house_open(&f, (struct http_config){0});
    http_house_join(&f, &peer);
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
    http_house_close(&f);
}

static void answers_carry_the_security_headers(void **state)
{
    (void)state;
    struct http_house f;
    struct http_peer peer;
    http_house_open(&f, (struct http_config){0});
    http_house_join(&f, &peer);
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
    http_house_close(&f);
}

static void problem_names_field_and_rule(void **state)
{
    (void)state;
    struct http_house f;
    struct http_peer peer;
    struct slice body;
    http_house_open(&f, (struct http_config){0});
    http_house_join(&f, &peer);
    assert_int_equal(http_peer_ask(&peer, "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", &body), 404);
    assert_non_null(strstr(peer.got.data, "Content-Type: application/problem+json\r\n"));
    assert_string_equal(
        body.data,
        "{\"type\":\"urn:tillback:problem:not_found\",\"title\":\"not found\","
        "\"status\":404,\"detail\":\"there is no \\\"/nowhere\\\"\",\"code\":\"not_found\","
        "\"field\":\"lines[2].quantity\"}");
    http_peer_close(&peer);
    http_house_close(&f);
}

static void answer_may_come_later_from_a_post(void **state)
{
    (void)state;
    struct http_house f;
    struct http_peer peer;
    struct slice body;
    http_house_open(&f, (struct http_config){0});
    http_house_join(&f, &peer);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(
            http_peer_ask(&peer, "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
                          &body),
            201);
        assert_string_equal(body.data, "saved");
    }
    http_peer_close(&peer);
    http_house_close(&f);
}

static void answer_to_a_peer_that_left_goes_into_the_void(void **state)
{
    (void)state;
    struct http_house f;
    struct http_peer peer;
    http_house_open(&f, (struct http_config){0});
    http_house_join(&f, &peer);
    http_peer_say(&peer, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(http_house_holds(&f));
    http_peer_close(&peer);
    loop_run_once(f.loop, 10);
    http_house_answer(f.held, 200, "too late");
    http_house_join(&f, &peer);
    assert_int_equal(http_peer_ask(&peer, "GET /ask HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 200);
    http_peer_close(&peer);
    http_house_close(&f);
}

static void request_outlives_its_server(void **state)
{
    (void)state;
    struct http_house f;
    struct http_peer peer;
    http_house_open(&f, (struct http_config){0});
    http_house_join(&f, &peer);
    http_peer_say(&peer, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(http_house_holds(&f));
    http_server_close(f.server);
    f.server = NULL;
    assert_string_equal(http_request_path(f.held), "/hold");
    assert_null(http_request_header(f.held, "Host"));
    http_house_answer(f.held, 200, "nobody hears it");
    http_peer_close(&peer);
    http_house_close(&f);
}

static void body_above_the_cap_is_413(void **state)
{
    (void)state;
    enum { TEN_MB = 10 * 1000 * 1000 };
    struct http_house f;
    struct http_peer peer;
    http_house_open(&f, (struct http_config){.limits = {.body_bytes = 1000}});
    http_house_join(&f, &peer);
    char *large = calloc(1, TEN_MB);
    assert_non_null(large);
    memset(large, 'x', TEN_MB);
    char head[128];
    (void)snprintf(head, sizeof head,
                   "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", TEN_MB);
    http_peer_say(&peer, head);
    http_peer_send(&peer, large, TEN_MB);
    assert_int_equal(http_peer_answer(&peer, NULL), 413);
    assert_int_equal(f.handled, 0);
    /* The connection stays usable, and the cap itself is allowed. */
    http_peer_forget(&peer);
    http_peer_say(&peer, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
    http_peer_send(&peer, large, 1000);
    assert_int_equal(http_peer_answer(&peer, NULL), 200);
    http_peer_forget(&peer);
    http_peer_say(&peer,
                  "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n");
    http_peer_send(&peer, large, 2000);
    http_peer_say(&peer, "\r\n0\r\n\r\n");
    assert_int_equal(http_peer_answer(&peer, NULL), 413);
    free(large);
    http_peer_close(&peer);
    http_house_close(&f);
}

static void bad_requests_are_refused_and_reach_nobody(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "nonsense\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",               /* no Host */
        "GET ?a=1 HTTP/1.1\r\nHost: x\r\n\r\n", /* no path */
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    };
    struct http_house f;
    http_house_open(&f, (struct http_config){0});
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct http_peer peer;
        http_house_join(&f, &peer);
        int status = http_peer_ask(&peer, requests[i], NULL);
        if (status != 0 && (status < 400 || status > 505))
            fail_msg("request %zu got %d", i, status);
        http_peer_close(&peer);
    }
    assert_int_equal(f.handled, 0);
    struct http_peer peer;
    http_house_join(&f, &peer);
    char *header = calloc(1, 200 * 1024);
    assert_non_null(header);
    memset(header, 'a', 200 * 1024 - 1);
    http_peer_say(&peer, "GET /ask HTTP/1.1\r\nHost: x\r\nX: ");
    http_peer_send(&peer, header, 200 * 1024 - 1);
    int status = http_peer_answer(&peer, NULL);
    assert_true(status == 0 || status == 413 || status == 431);
    free(header);
    http_peer_close(&peer);
    assert_int_equal(f.handled, 0);
    http_house_close(&f);
}

struct trickle {
    struct http_peer *peer;
    struct loop_timer *timer;
};

static void drip(void *context)
{
    struct trickle *trickle = context;
    http_peer_send(trickle->peer, "a", 1);
}

/* Says `head`, then a byte every few milliseconds: never idle, never done. Until it is cut off. */
static void trickles(struct http_house *f, const char *head)
{
    struct http_peer peer;
    http_house_join(f, &peer);
    http_peer_say(&peer, head);
    struct trickle trickle = {.peer = &peer};
    trickle.timer = loop_timer_open(f->loop, drip, &trickle);
    loop_timer_start(trickle.timer, 10, 10);
    assert_true(http_peer_ends(&peer, 20 * SHORT_MS));
    assert_int_equal(peer.got.len, 0);
    loop_timer_close(trickle.timer);
    http_peer_close(&peer);
}

static void slow_loris_is_cut_off(void **state)
{
    (void)state;
    struct http_house f;
    http_house_open(&f,
                    (struct http_config){.limits = {.headers_ms = SHORT_MS, .body_ms = SHORT_MS}});
    trickles(&f, "GET /ask HTTP/1.1\r\nHost: x\r\nX: ");
    trickles(&f, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    trickles(&f, "");
    assert_int_equal(f.handled, 0);
    http_house_close(&f);
}

static void idle_connection_is_closed_a_held_one_is_not(void **state)
{
    (void)state;
    struct http_house f;
    struct http_peer idle;
    struct http_peer holding;
    http_house_open(&f,
                    (struct http_config){.limits = {.idle_ms = SHORT_MS, .headers_ms = SHORT_MS}});
    http_house_join(&f, &holding);
    http_peer_say(&holding, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    http_house_join(&f, &idle);
    assert_int_equal(http_peer_ask(&idle, "GET /ask HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 200);
    assert_true(http_peer_ends(&idle, 20 * SHORT_MS));
    assert_false(holding.ended);
    http_house_answer(f.held, 200, "patience");
    assert_int_equal(http_peer_answer(&holding, NULL), 200);
    http_peer_close(&idle);
    http_peer_close(&holding);
    http_house_close(&f);
}

enum { LIMIT = 128, LIMIT_PER_ADDRESS = 16 };

static void connections_are_limited_in_all_and_per_address(void **state)
{
    (void)state;
    struct http_house f;
    http_house_open(&f, (struct http_config){0});
    struct http_peer *peers = calloc(LIMIT, sizeof *peers);
    struct http_peer extra;
    char source[24];
    assert_non_null(peers);
    for (int i = 0; i < LIMIT; i++) {
        (void)snprintf(source, sizeof source, "127.0.0.%d", 2 + i / LIMIT_PER_ADDRESS);
        http_peer_open(&peers[i], f.loop, http_server_address(f.server), source, NULL);
        assert_int_equal(http_peer_ask(&peers[i], "GET /ask HTTP/1.1\r\nHost: x\r\n\r\n", NULL),
                         200);
        if (i == LIMIT_PER_ADDRESS - 1) {
            http_peer_open(&extra, f.loop, http_server_address(f.server), source, NULL);
            assert_true(http_peer_ends(&extra, AWAIT_MS));
            http_peer_close(&extra);
        }
    }
    http_peer_open(&extra, f.loop, http_server_address(f.server), "127.0.0.99", NULL);
    assert_true(http_peer_ends(&extra, AWAIT_MS));
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
    http_house_close(&f);
}

static void stream_carries_events_and_notices_the_peer_s_leave(void **state)
{
    (void)state;
    struct http_house f;
    struct http_peer peer;
    http_house_open(&f, (struct http_config){.limits = {.idle_ms = SHORT_MS}});
    http_house_join(&f, &peer);
    http_house_streams(&f, &peer);
    http_house_close(&f);
}

static void stream_that_its_owner_ends_says_no_gone(void **state)
{
    (void)state;
    struct http_house f;
    struct http_peer peer;
    http_house_open(&f, (struct http_config){0});
    http_house_join(&f, &peer);
    http_house_begin_stream(&f, &peer);
    http_stream_send(f.stream, "last", SLICE_LITERAL("1"));
    http_stream_end(f.stream);
    assert_true(http_peer_hears(&peer, "event: last\ndata: 1\n\n", AWAIT_MS));
    assert_true(http_peer_hears(&peer, "\r\n0\r\n\r\n", AWAIT_MS));
    assert_int_equal(f.gone, 0);
    http_peer_close(&peer);
    http_house_close(&f);
}

static void stream_to_a_peer_that_does_not_read_is_cut_off(void **state)
{
    (void)state;
    struct http_house f;
    struct http_peer peer;
    char noise[8192];
    memset(noise, 'n', sizeof noise);
    http_house_open(&f, (struct http_config){0});
    http_house_join(&f, &peer);
    http_house_begin_stream(&f, &peer);
    peer.deaf = true;
    http_peer_say(&peer, "");
    for (int i = 0; i < 100000 && f.gone == 0; i++) {
        http_stream_send(f.stream, "n", (struct slice){noise, sizeof noise});
        loop_run_once(f.loop, 0);
    }
    assert_int_equal(f.gone, 1);
    http_peer_close(&peer);
    http_house_close(&f);
}

static void closing_the_server_ends_its_streams(void **state)
{
    (void)state;
    struct http_house f;
    struct http_peer peer;
    http_house_open(&f, (struct http_config){0});
    http_house_join(&f, &peer);
    http_house_begin_stream(&f, &peer);
    http_server_close(f.server);
    f.server = NULL;
    assert_int_equal(f.gone, 1);
    http_peer_close(&peer);
    http_house_close(&f);
}

static void reach_nobody(void *context, struct http_request *request)
{
    (void)context;
    (void)request;
    fail_msg("nothing should be asked here");
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
        struct http_config config = {.address = addresses[i], .handle = reach_nobody};
        assert_int_equal(http_server_open(&server, loop, &config, &fault), ERR_FORBIDDEN);
        assert_non_null(strstr(fault.text, "plain HTTP is for loopback"));
    }
    struct http_config wrong = {.address = "example.com:80", .handle = reach_nobody};
    assert_int_equal(http_server_open(&server, loop, &wrong, &fault), ERR_INVALID);
    struct http_config six = {.address = "[::1]:0", .handle = reach_nobody};
    assert_int_equal(http_server_open(&server, loop, &six, &fault), ERR_OK);
    assert_memory_equal(http_server_address(server), "[::1]:", 6);
    http_server_close(server);
    loop_close(loop);
}

static void taken_port_is_named(void **state)
{
    (void)state;
    struct http_house f;
    struct http_server *second;
    struct fault fault;
    http_house_open(&f, (struct http_config){0});
    struct http_config config = {.address = http_server_address(f.server), .handle = reach_nobody};
    assert_int_not_equal(http_server_open(&second, f.loop, &config, &fault), ERR_OK);
    assert_string_equal(fault.where, http_server_address(f.server));
    http_house_close(&f);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
