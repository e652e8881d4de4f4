#include "sync/transport/dial.h"

#include "tests/support/await.h"
#include "tests/support/broker.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct tls_pki pki;

static enum err answer(const char *text, bool *whole, struct fault *fault)
{
    return dial_proxy_answer(slice_of(text), whole, fault);
}

static void proxy_answer_is_whole_at_its_empty_line(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.0 200 OK\r\nVia: x\r\n\r\n";
    bool whole = true;
    for (size_t len = 0; len < sizeof text - 2; len++) {
        whole = true;
        assert_int_equal(dial_proxy_answer((struct slice){text, len}, &whole, NULL), ERR_OK);
        assert_false(whole);
    }
    assert_int_equal(answer(text, &whole, NULL), ERR_OK);
    assert_true(whole);
}

static void proxy_answer_that_is_none_is_refused(void **state)
{
    (void)state;
    bool whole = false;
    struct fault fault;
    assert_int_equal(answer("SSH-2.0", &whole, &fault), ERR_INVALID);
    assert_int_equal(answer("HTTP/1.1\r\n\r\n", &whole, &fault), ERR_INVALID);
    assert_int_equal(answer("HTTP/1.1 2\r\n\r\n", &whole, &fault), ERR_INVALID);
    assert_int_equal(answer("HTTP/1.1 abc\r\n\r\n", &whole, &fault), ERR_INVALID);
    assert_int_equal(answer("HTTP/1.1 503 Busy\r\n\r\n", &whole, &fault), ERR_REFUSED);
    assert_non_null(strstr(fault.text, "503"));
    assert_int_equal(answer("HTTP/1.1 407 Auth\r\n\r\n", &whole, &fault), ERR_REFUSED);
    assert_non_null(strstr(fault.text, "name and password"));
    assert_false(whole);
}

static void endless_proxy_answer_is_refused(void **state)
{
    (void)state;
    char text[DIAL_PROXY_ANSWER_MAX + 1];
    bool whole = false;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memcpy(text, "HTTP/1.1 200 ", 13);
    assert_int_equal(answer(text, &whole, NULL), ERR_TOO_LARGE);
}

struct result {
    bool ended;
    struct tls_stream *stream;
    struct fault fault;
};

static void on_ended(void *context, struct tls_stream *stream, const struct fault *fault)
{
    struct result *result = context;
    result->ended = true;
    result->stream = stream;
    if (fault)
        result->fault = *fault;
}

struct fixture {
    struct loop *loop;
    struct tls_context *tls;
    struct dial *dial;
    struct result result;
};

static void dial(struct fixture *f, struct dial_config config)
{
    *f = (struct fixture){.tls = tls_pki_context(&pki, TLS_CLIENT, "shop-1")};
    struct fault fault;
    config.tls = f->tls;
    assert_int_equal(loop_open(&f->loop, NULL), ERR_OK);
    if (dial_open(&f->dial, f->loop, &config, on_ended, &f->result, &fault))
        fail_msg("%s", fault.text);
}

static void hang_up(struct fixture *f)
{
    tls_stream_close(f->result.stream);
    dial_close(f->dial);
    tls_context_close(f->tls);
    loop_close(f->loop);
}

/* localhost is ::1 and 127.0.0.1 where both are configured; the broker has only the latter. */
static void next_address_is_tried_after_one_that_refuses(void **state)
{
    (void)state;
    struct broker broker;
    struct fixture f;
    broker_start(&broker, &pki, "server", NULL);
    dial(&f, (struct dial_config){.host = "localhost", .port = broker.port, .timeout_ms = 5000});
    assert_true(await_flag(f.loop, &f.result.ended, AWAIT_MS));
    if (!f.result.stream)
        fail_msg("%s", f.result.fault.text);
    assert_string_equal(tls_stream_peer(f.result.stream), "server");
    hang_up(&f);
    broker_kill(&broker);
}

/* A listener whose backlog is full answers no further SYN. */
static int make_deaf_listener(uint16_t *port, int fillers[4])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    for (int i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fillers[i], (struct sockaddr *)&address, sizeof address);
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static void host_that_never_answers_ends_by_the_limit(void **state)
{
    (void)state;
    struct fixture f;
    uint16_t port;
    int fillers[4];
    int fd = make_deaf_listener(&port, fillers);
    dial(&f, (struct dial_config){.host = "127.0.0.1", .port = port, .timeout_ms = 200});
    assert_true(await_flag(f.loop, &f.result.ended, AWAIT_MS));
    assert_null(f.result.stream);
    assert_int_equal(f.result.fault.code, ERR_TIMEOUT);
    assert_string_equal(f.result.fault.text, "connecting took too long");
    hang_up(&f);
    for (int i = 0; i < 4; i++)
        close(fillers[i]);
    close(fd);
}

static void closing_while_dialling_calls_nobody_back(void **state)
{
    (void)state;
    struct fixture f;
    dial(&f, (struct dial_config){.host = "localhost", .port = 1, .timeout_ms = 5000});
    hang_up(&f);
    assert_false(f.result.ended);
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
        cmocka_unit_test(proxy_answer_is_whole_at_its_empty_line),
        cmocka_unit_test(proxy_answer_that_is_none_is_refused),
        cmocka_unit_test(endless_proxy_answer_is_refused),
        cmocka_unit_test(next_address_is_tried_after_one_that_refuses),
        cmocka_unit_test(host_that_never_answers_ends_by_the_limit),
        cmocka_unit_test(closing_while_dialling_calls_nobody_back),
    };
    return cmocka_run_group_tests(tests, make_pki, remove_pki);
}
