#include "sync/transport/dial.h"

#include "tests/support/await.h"
#include "tests/support/broker.h"
#include "tests/support/openssl.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { TICK_MS = 5 };

static struct tls_pki pki;

/* Stands before the C library's: a resolver that has nothing to say, for as long as it is told. */
static atomic_bool resolver_is_stuck;

int stuck_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                      struct addrinfo **found) __asm__("getaddrinfo");
int stuck_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                      struct addrinfo **found)
{
    while (resolver_is_stuck)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(host, service, hints, found);
}

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

struct pulse {
    int ticks;
    int enough; /* after so many the resolver answers; 0: never */
};

static void tick(void *context)
{
    struct pulse *pulse = context;
    if (++pulse->ticks == pulse->enough)
        resolver_is_stuck = false;
}

/* Dials while the resolver is stuck; the loop has other things to do meanwhile. */
static void dial_with_stuck_resolver(struct fixture *f, struct dial_config config,
                                     struct pulse *pulse)
{
    resolver_is_stuck = true;
    dial(f, config);
    struct loop_timer *timer = loop_timer_open(f->loop, tick, pulse);
    loop_timer_start(timer, TICK_MS, TICK_MS);
    assert_true(await_flag(f->loop, &f->result.ended, AWAIT_MS));
    loop_timer_close(timer);
    resolver_is_stuck = false;
}

static void slow_resolver_holds_nothing_else_up(void **state)
{
    (void)state;
    struct broker broker;
    struct fixture f;
    struct pulse pulse = {.enough = 10};
    broker_start(&broker, &pki, "server", NULL);
    struct dial_config config = {.host = "localhost", .port = broker.port, .timeout_ms = AWAIT_MS};
    dial_with_stuck_resolver(&f, config, &pulse);
    assert_true(pulse.ticks >= 10);
    assert_non_null(f.result.stream);
    hang_up(&f);
    broker_kill(&broker);
}

static void resolver_that_never_answers_ends_by_the_limit(void **state)
{
    (void)state;
    struct fixture f;
    struct pulse pulse = {0};
    struct dial_config config = {.host = "localhost", .port = 1, .timeout_ms = 200};
    dial_with_stuck_resolver(&f, config, &pulse);
    assert_true(pulse.ticks > 0);
    assert_int_equal(f.result.fault.code, ERR_TIMEOUT);
    assert_string_equal(f.result.fault.text, "looking the name up took too long");
    hang_up(&f);
}

/* --- Real servers of another make ------------------------------------------------------------ */

static void dial_openssl(struct fixture *f, const char *version)
{
    char certificate[SCRATCH_PATH_MAX];
    char key[SCRATCH_PATH_MAX];
    uint16_t port = broker_free_port();
    pid_t server = openssl_serve(port, "-quiet -%s -cipher ALL:@SECLEVEL=0 -cert %s -key %s",
                                 version, tls_pki_path(&pki, "server.pem", certificate),
                                 tls_pki_path(&pki, "server-key.pem", key));
    dial(f, (struct dial_config){.host = "localhost", .port = port, .timeout_ms = AWAIT_MS});
    assert_true(await_flag(f->loop, &f->result.ended, AWAIT_MS));
    openssl_kill(server);
}

static void openssl_server_with_only_tls_1_1_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    dial_openssl(&f, "tls1_1");
    assert_null(f.result.stream);
    assert_int_equal(f.result.fault.code, ERR_TLS);
    hang_up(&f);
    dial_openssl(&f, "tls1_2");
    assert_non_null(f.result.stream);
    hang_up(&f);
}

/* Its kernel takes the connection and our ClientHello; then nothing. */
static void broker_that_stalls_in_the_handshake_is_left(void **state)
{
    (void)state;
    struct broker broker;
    struct fixture f;
    broker_start(&broker, &pki, "server", NULL);
    assert_int_equal(kill(broker.process, SIGSTOP), 0);
    dial(&f, (struct dial_config){.host = "127.0.0.1", .port = broker.port, .timeout_ms = 300});
    assert_true(await_flag(f.loop, &f.result.ended, AWAIT_MS));
    assert_null(f.result.stream);
    assert_int_equal(f.result.fault.code, ERR_TIMEOUT);
    assert_string_equal(f.result.fault.text, "the TLS handshake took too long");
    hang_up(&f);
    broker_kill(&broker);
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
        cmocka_unit_test(slow_resolver_holds_nothing_else_up),
        cmocka_unit_test(resolver_that_never_answers_ends_by_the_limit),
        cmocka_unit_test(openssl_server_with_only_tls_1_1_is_refused),
        cmocka_unit_test(broker_that_stalls_in_the_handshake_is_left),
    };
    return cmocka_run_group_tests(tests, make_pki, remove_pki);
}
