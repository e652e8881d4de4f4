/*
 * What stands in for a Tryton and answers anything: an entry is posted there. Each line of the
 * input is the body of an answer, in turn; one that begins with '!' comes with status 500, with '?'
 * 401. When they are used up the result is null. Whatever it says, an entry that counts as posted
 * has a number.
 */
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "sync/hub/connect/tryton.h"
#include "tests/support/fuzz_ground.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 256 * 1024, CONFIG_MAX = 4096, ANSWERS_MAX = 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char config[SCRATCH_PATH_MAX];
static int listener = -1;

/* The stand-in's thread and the poster take turns: a call waits for its answer. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slice rest;
static int answers;

/* --- The stand-in ---------------------------------------------------------------------------- */

static struct slice next_answer(const char **status)
{
    static const struct slice none = SLICE_LITERAL("{\"result\":null}");
    pthread_mutex_lock(&lock);
    struct slice answer = none;
    *status = answers++ < ANSWERS_MAX ? "200 OK" : "500 Tired";
    if (rest.len) {
        const char *end = memchr(rest.data, '\n', rest.len);
        answer = (struct slice){rest.data, end ? (size_t)(end - rest.data) : rest.len};
        size_t used = answer.len + (end != NULL);
        rest = (struct slice){rest.data + used, rest.len - used};
    }
    pthread_mutex_unlock(&lock);
    if (answer.len && (*answer.data == '!' || *answer.data == '?')) {
        *status = *answer.data == '!' ? "500 Inside" : "401 Who";
        answer = (struct slice){answer.data + 1, answer.len - 1};
    }
    return answer;
}

/* A whole request, whatever it asks; false when the peer has left. */
static bool take_request(int peer)
{
    static const char length[] = "Content-Length: ";
    struct buf got CLEANUP(buf_free);
    char some[8192];
    buf_init(&got, REQUEST_MAX);
    for (;;) {
        ssize_t n = recv(peer, some, sizeof some, 0);
        if (n <= 0)
            return false;
        buf_append(&got, some, (size_t)n);
        const char *body = memmem(got.data, got.len, "\r\n\r\n", 4);
        const char *says = body ? memmem(got.data, got.len, length, sizeof length - 1) : NULL;
        size_t needed = says ? strtoul(says + sizeof length - 1, NULL, 10) : 0;
        if (body && got.len >= (size_t)(body + 4 - got.data) + needed)
            return true;
    }
}

/* It ends by a reset, so that no port waits for late packets: there are many inputs in a minute. */
static void serve_peer(int peer)
{
    const struct linger reset = {.l_onoff = 1};
    (void)setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    while (take_request(peer)) {
        struct buf text CLEANUP(buf_free);
        const char *status;
        struct slice answer = next_answer(&status);
        buf_init(&text, REQUEST_MAX + answer.len);
        buf_printf(&text, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", status, answer.len);
        buf_append(&text, answer.data, answer.len);
        if (send(peer, text.data, text.len, MSG_NOSIGNAL) != (ssize_t)text.len)
            break;
    }
    (void)close(peer);
}

static void *stand_in(void *context)
{
    (void)context;
    for (int peer; (peer = accept(listener, NULL, NULL)) >= 0;)
        serve_peer(peer);
    return NULL;
}

/* --- The hub's side -------------------------------------------------------------------------- */

static void write_config(unsigned port)
{
    struct fault fault;
    char password[SCRATCH_PATH_MAX];
    struct buf text CLEANUP(buf_free);
    buf_init(&text, CONFIG_MAX);
    (void)scratch_path(fuzz_folder(), "tryton.json", config);
    (void)scratch_path(fuzz_folder(), "password", password);
    struct jsonw w = jsonw_to(&text);
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "url", url);
    jsonw_text(&w, "database", "retail");
    jsonw_text(&w, "user", "tillback");
    jsonw_text(&w, "password_file", password);
    jsonw_array(&w, "companies");
    jsonw_object(&w, NULL);
    jsonw_text(&w, "company", "main");
    jsonw_text(&w, "erp_company", "Retail Ltd");
    jsonw_text(&w, "journal", "RET");
    jsonw_text(&w, "party", "Walk-in customer");
    jsonw_end(&w);
    jsonw_end(&w);
    jsonw_end(&w);
    fuzz_must(storage_replace(password, SLICE_LITERAL("secret"), 0600, &fault), &fault);
    fuzz_must(storage_replace(config, buf_slice(&text), 0600, &fault), &fault);
}

static void open_all(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    pthread_t thread;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&at, len) != 0 || listen(listener, 8) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &len) != 0 ||
        pthread_create(&thread, NULL, stand_in, NULL) != 0)
        abort();
    write_config(ntohs(at.sin_port));
}

static void post(void)
{
    struct fault fault;
    struct connector connector = {0};
    struct posted posted = {.number = ""};
    struct journal_line lines[] = {
        {.account = "2100", .key = {"revenue", "", "", "", ""}, .debit_minor = 333},
        {.account = "1410", .key = {"debt", "", "", "", ""}, .credit_minor = 333},
    };
    struct entry entry = {
        .reference = "0193e4a5-0000-7000-8000-000000000001/accepted",
        .return_id = "0193e4a5-0000-7000-8000-000000000001",
        .number = "R0042-000123-7",
        .event_id = "0193e4a5-0000-7000-8000-000000000001",
        .rule = "accepted",
        .company = "main",
        .store = "0042",
        .currency = "EUR",
        .document_day = 20780,
        .text = "",
        .lines = lines,
        .line_count = sizeof lines / sizeof *lines,
    };
    const struct post_order order = {.entry = &entry, .day = entry.document_day, .may_move = true};
    fuzz_must(tryton_open(config, &connector, &fault), &fault);
    enum err err = connector.ops->post(connector.self, &order, &posted, &fault);
    connector.ops->close(connector.self);
    if (!err && !posted.number[0])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (listener < 0)
        open_all();
    pthread_mutex_lock(&lock);
    rest = (struct slice){(const char *)data, size};
    answers = 0;
    pthread_mutex_unlock(&lock);
    post();
    return 0;
}
