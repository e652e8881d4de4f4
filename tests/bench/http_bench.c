/*
 * A counter's load over HTTP: sells first, then asks for quotes or takes goods back, on some
 * connections that stay open, each waiting for its answer. Prints a line of JSON: requests a
 * second, and the latency of one.
 *
 *   http_bench ADDRESS:PORT TOKEN quote|return REQUESTS CONNECTIONS NAME
 *
 * Connections come from several loopback addresses, since a server limits each. All are one
 * thread's: this runs on the machine that it measures, and should leave the processors to the
 * server.
 */
#include "tests/bench/raw.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECES = 4, CONNECTIONS_MAX = 64, PER_ADDRESS = 8, TEXT_MAX = 65536 };

struct bench {
    struct sockaddr_in server;
    const char *token;
    const char *name; /* of the run: makes receipts and keys its own */
    bool quotes;
    long requests;
    long connections;
    int epoll;
    double *took_ms;
};

struct connection {
    struct bench *bench;
    int fd;
    long number;
    long request; /* that is on its way */
    double sent_s;
    size_t len; /* of its answer so far */
    char text[TEXT_MAX];
};

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "http_bench: %s\n", what);
    exit(1);
}

static void dial(struct connection *c)
{
    struct sockaddr_in own = {.sin_family = AF_INET};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(c->number / PER_ADDRESS));
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(c->fd >= 0 && bind(c->fd, (struct sockaddr *)&own, sizeof own) == 0, "a socket");
    must(connect(c->fd, (struct sockaddr *)&c->bench->server, sizeof c->bench->server) == 0,
         "connecting");
    must(setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
    must(epoll_ctl(c->bench->epoll, EPOLL_CTL_ADD, c->fd, &event) == 0, "watching");
}

static void post(struct connection *c, const char *path, const char *key, const char *body)
{
    char request[8192];
    int len = snprintf(request, sizeof request,
                       "POST %s HTTP/1.1\r\nHost: appliance\r\nAuthorization: Bearer %s\r\n"
                       "Content-Type: application/json\r\nIdempotency-Key: %s\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       path, c->bench->token, key, strlen(body), body);
    c->len = 0;
    c->sent_s = raw_seconds();
    must(send(c->fd, request, (size_t)len, MSG_NOSIGNAL) == len, "sending");
}

/* Reads what is there of an answer with a Content-Length; its status, 0 while it isn't whole. */
static int receive(struct connection *c)
{
    ssize_t got = recv(c->fd, c->text + c->len, sizeof c->text - 1 - c->len, 0);
    must(got > 0, "the server hung up");
    c->len += (size_t)got;
    c->text[c->len] = '\0';
    char *end = strstr(c->text, "\r\n\r\n");
    if (!end)
        return 0;
    char *length = strcasestr(c->text, "content-length:");
    must(length != NULL, "an answer without a length");
    size_t wanted = (size_t)(end + 4 - c->text) + strtoul(length + 15, NULL, 10);
    must(wanted < sizeof c->text, "an answer too long");
    return c->len < wanted ? 0 : (int)strtol(c->text + 9, NULL, 10);
}

static void receipt_of(const struct bench *bench, long request, char *out, size_t size)
{
    (void)snprintf(out, size, "0042-01-%s-%06ld", bench->name, request / PIECES);
}

static void sell(struct connection *c)
{
    char body[2048];
    char receipt[64];
    char key[80];
    char sold_at[32];
    time_t now = time(NULL);
    struct tm utc;
    (void)gmtime_r(&now, &utc);
    (void)strftime(sold_at, sizeof sold_at, "%Y-%m-%dT%H:%M:%SZ", &utc);
    receipt_of(c->bench, c->request, receipt, sizeof receipt);
    (void)snprintf(key, sizeof key, "sale-%s", receipt);
    (void)snprintf(body, sizeof body,
                   "{\"receipt\":\"%s\",\"channel\":\"store\",\"store\":\"0042\",\"lane\":\"01\","
                   "\"sold_at\":\"%s\",\"currency\":\"EUR\",\"prices_include_tax\":true,\"lines\":"
                   "[{\"line\":1,\"sku\":\"4711\",\"gtin\":\"04006381333931\",\"description\":"
                   "\"Socks\",\"category\":\"apparel\",\"quantity\":%d,\"unit\":\"each\","
                   "\"amount\":%d,\"tax\":[{\"type\":\"vat\",\"class\":\"standard\","
                   "\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":640}],\"cost\":600}],"
                   "\"tenders\":[{\"tender\":1,\"type\":\"card\",\"amount\":%d,"
                   "\"reference\":\"tok_8f2\"}]}",
                   receipt, sold_at, PIECES, PIECES * 1000, PIECES * 1000);
    post(c, "/v1/sales", key, body);
}

static void ask(struct connection *c)
{
    char body[512];
    char receipt[64];
    char key[96];
    receipt_of(c->bench, c->request, receipt, sizeof receipt);
    (void)snprintf(key, sizeof key, "return-%s-%ld", receipt, c->request);
    (void)snprintf(body, sizeof body,
                   "{\"receipt\":\"%s\",\"lines\":[{\"line\":1,\"quantity\":1,\"reason\":"
                   "\"unwanted\",\"condition\":\"new_sealed\"}]}",
                   receipt);
    post(c, c->bench->quotes ? "/v1/returns/quote" : "/v1/returns", key, body);
}

/* What is done once for every `pieces` requests. */
struct work {
    void (*send)(struct connection *c);
    long pieces;
    int status; /* that it is answered with */
};

/* Something came in: once the answer is whole, sends the next. True: that was the last. */
static bool go_on(struct connection *c, const struct work *work)
{
    int status = receive(c);
    if (!status)
        return false;
    must(status == work->status, c->text);
    c->bench->took_ms[c->request] = (raw_seconds() - c->sent_s) * 1000;
    c->request += work->pieces * c->bench->connections;
    if (c->request >= c->bench->requests)
        return true;
    work->send(c);
    return false;
}

/* On every connection; the seconds until the last is done. */
static double on_all(const struct bench *bench, struct connection *all, const struct work *work)
{
    struct epoll_event events[CONNECTIONS_MAX];
    double start = raw_seconds();
    long busy = 0;
    for (long i = 0; i < bench->connections; i++) {
        all[i].request = i * work->pieces;
        if (all[i].request < bench->requests) {
            work->send(&all[i]);
            busy++;
        }
    }
    while (busy) {
        int ready = epoll_wait(bench->epoll, events, CONNECTIONS_MAX, -1);
        for (int i = 0; i < ready; i++)
            busy -= go_on(events[i].data.ptr, work);
    }
    return raw_seconds() - start;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    must(argc == 7, "usage: http_bench ADDRESS:PORT TOKEN quote|return REQUESTS CONNECTIONS NAME");
    struct bench bench = {
        .server = {.sin_family = AF_INET},
        .token = argv[2],
        .quotes = strcmp(argv[3], "quote") == 0,
        .requests = strtol(argv[4], NULL, 10),
        .connections = strtol(argv[5], NULL, 10),
        .name = argv[6],
    };
    char *colon = strrchr(argv[1], ':');
    must(colon && bench.requests > 0 && bench.connections > 0 &&
             bench.connections <= CONNECTIONS_MAX,
         "bad arguments");
    *colon = '\0';
    must(inet_pton(AF_INET, argv[1], &bench.server.sin_addr) == 1, "bad address");
    bench.server.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    bench.took_ms = calloc((size_t)bench.requests, sizeof *bench.took_ms);
    struct connection *all = calloc((size_t)bench.connections, sizeof *all);
    must(bench.took_ms && all, "out of memory");
    bench.epoll = epoll_create1(EPOLL_CLOEXEC);
    must(bench.epoll >= 0, "epoll");
    for (long i = 0; i < bench.connections; i++) {
        all[i] = (struct connection){.bench = &bench, .number = i};
        dial(&all[i]);
    }
    const struct work sales = {sell, PIECES, 201};
    const struct work asked = {ask, 1, bench.quotes ? 200 : 201};
    (void)on_all(&bench, all, &sales);
    double took = on_all(&bench, all, &asked);
    qsort(bench.took_ms, (size_t)bench.requests, sizeof *bench.took_ms, by_size);
    (void)printf("{\"rate\":%.0f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"requests\":%ld,"
                 "\"connections\":%ld}\n",
                 (double)bench.requests / took, bench.took_ms[bench.requests / 2],
                 bench.took_ms[bench.requests * 99 / 100], bench.requests, bench.connections);
    for (long i = 0; i < bench.connections; i++)
        (void)close(all[i].fd);
    (void)close(bench.epoll);
    free(all);
    free(bench.took_ms);
    return 0;
}
