#include "tests/support/http_house.h"

#include "tests/support/await.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void http_house_answer(struct http_request *request, int status, const char *text)
{
    http_answer(request, status, "text/plain", slice_of(text), NULL, 0);
}

static void answer_later(void *context)
{
    http_house_answer(context, 201, "saved");
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

static void send_away(struct http_house *house, struct http_request *request)
{
    pthread_t thread;
    struct errand *errand = malloc(sizeof *errand);
    assert_non_null(errand);
    *errand = (struct errand){house->loop, request};
    assert_int_equal(pthread_create(&thread, NULL, run_errand, errand), 0);
    assert_int_equal(pthread_detach(thread), 0);
}

static void on_gone(void *context)
{
    struct http_house *house = context;
    house->gone++;
    house->stream = NULL;
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
    struct http_house *house = context;
    const char *path = http_request_path(request);
    house->handled++;
    if (strcmp(path, "/echo") == 0) {
        http_answer(request, 200, "application/octet-stream", http_request_body(request), NULL, 0);
    } else if (strcmp(path, "/later") == 0) {
        send_away(house, request);
    } else if (strcmp(path, "/hold") == 0) {
        house->held = request;
    } else if (strcmp(path, "/stream") == 0) {
        house->stream = http_stream_begin(request, on_gone, house);
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

void http_house_open(struct http_house *house, struct http_config config)
{
    struct fault fault;
    *house = (struct http_house){.tls = config.tls};
    assert_int_equal(loop_open(&house->loop, NULL), ERR_OK);
    config.address = "127.0.0.1:0";
    config.handle = handle;
    config.context = house;
    if (http_server_open(&house->server, house->loop, &config, &fault))
        fail_msg("%s", fault.text);
}

void http_house_close(struct http_house *house)
{
    http_server_close(house->server);
    tls_context_close(house->tls);
    loop_close(house->loop);
}

void http_house_join(struct http_house *house, struct http_peer *peer)
{
    http_peer_open(peer, house->loop, http_server_address(house->server), NULL, NULL);
}

static bool is_held(void *context)
{
    const struct http_house *house = context;
    return house->held != NULL;
}

bool http_house_holds(struct http_house *house)
{
    return await(house->loop, is_held, house, AWAIT_MS);
}

void http_house_begin_stream(struct http_house *house, struct http_peer *peer)
{
    http_peer_say(peer, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(http_peer_hears(peer, "retry: 2000\n\n", AWAIT_MS));
    assert_non_null(strstr(peer->got.data, "Content-Type: text/event-stream"));
    assert_non_null(house->stream);
}

static bool is_gone(void *context)
{
    const struct http_house *house = context;
    return house->gone > 0;
}

void http_house_streams(struct http_house *house, struct http_peer *peer)
{
    http_house_begin_stream(house, peer);
    http_stream_send(house->stream, "scan", SLICE_LITERAL("{\"a\":1}"));
    assert_true(http_peer_hears(peer, "event: scan\ndata: {\"a\":1}\n\n", AWAIT_MS));
    http_stream_send(house->stream, NULL, SLICE_LITERAL("two\nlines"));
    assert_true(http_peer_hears(peer, "data: two\ndata: lines\n\n", AWAIT_MS));
    http_peer_close(peer);
    assert_true(await(house->loop, is_gone, house, AWAIT_MS));
    assert_int_equal(house->gone, 1);
}
