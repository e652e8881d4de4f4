#include "agent/capture/tap.h"
#include "agent/capture/tap_template.h"
#include "agent/capture/tap_text.h"
#include "agent/returns/words.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "hal/base/sha256.h"
#include "hal/serial_line.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BAUD = 9600,
    RETRY_MS = 1000,
    READ_BYTES = 4096,
    SALE_MAX_BYTES = 256 * 1024,
    DETAIL_MAX_BYTES = 500,
    TAP_NAME = 32
};

struct tap {
    struct tap_config config;
    char name[TAP_NAME + 1];
    char path[PATH_MAX];
    struct tap_template *template;
    struct tap_text text;
    struct serial_line *line; /* NULL while absent */
    struct loop_poll *poll;
    struct loop_timer *retry;
};

/* Writer thread. */
static void on_raised(void *context, const struct capture_answer *answer)
{
    const struct tap *tap = context;
    if (answer->err)
        diag_fault(tap->config.diag, DIAG_ERROR, "tap.not_raised", answer->fault);
}

/* A person is told, once for each receipt: nobody stands at this till's other end. Any thread. */
static void raise(struct tap *tap, const char *code, const struct fault *why, struct slice receipt)
{
    char hex[SHA256_TEXT + 1];
    struct fault fault;
    struct buf detail CLEANUP(buf_free);
    struct buf body CLEANUP(buf_free);
    struct buf key CLEANUP(buf_free);
    buf_init(&detail, DETAIL_MAX_BYTES);
    buf_init(&body, 2 * DETAIL_MAX_BYTES);
    buf_init(&key, sizeof hex + 8);
    buf_printf(&detail, "receipt tap %s: %s: %s", tap->name, why->where, why->text);
    struct jsonw w = jsonw_to(&body);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "code", code);
    jsonw_slice(&w, "detail", buf_slice(&detail));
    jsonw_end(&w);
    const struct slice parts[] = {buf_slice(&body), receipt};
    struct sha256 hash = sha256_of_all(parts, 2);
    sha256_format(&hash, hex);
    buf_printf(&key, "tap-%s", hex);
    struct capture_order order = {
        .kind = CAPTURE_RAISE,
        .body = buf_slice(&body),
        .key = buf_slice(&key),
        .traceparent = {"", 0},
        .actor = {.lane = "", .person = ""},
    };
    if (capture_submit(tap->config.capture, &order, on_raised, tap, &fault) != ERR_OK)
        diag_fault(tap->config.diag, DIAG_ERROR, "tap.not_raised", &fault);
}

/* Writer thread. */
static void on_saved(void *context, const struct capture_answer *answer)
{
    struct tap *tap = context;
    if (answer->err)
        diag_fault(tap->config.diag, DIAG_ERROR, "tap.not_saved", answer->fault);
    if (answer->err == ERR_CONFLICT)
        raise(tap, "id_body_conflict", answer->fault, (struct slice){"", 0});
    else if (!answer->err)
        diag_write(tap->config.diag, DIAG_INFO, "tap.sale", "%s: a sale was %s", tap->name,
                   answer->replayed ? "printed again" : "recorded");
}

/* Lines, taxes and payments of a sale that don't come to the same. */
static bool does_not_add_up(enum err err, const struct fault *fault)
{
    static const char *const fields[] = {"total", "tax", "tenders", NULL};
    return err == ERR_INVALID && word_find(fields, fault->where) >= 0;
}

static void take_receipt(struct tap *tap)
{
    struct fault fault = {0};
    struct buf sale CLEANUP(buf_free);
    buf_init(&sale, SALE_MAX_BYTES);
    enum err err = buf_check(&tap->text.text, &fault, tap->name);
    if (!err)
        err = tap_template_sale(tap->template, buf_slice(&tap->text.text), &sale, &fault);
    if (err == ERR_NOT_FOUND)
        return;
    struct capture_order order = {
        .kind = CAPTURE_SALE,
        .body = buf_slice(&sale),
        .key = {"", 0}, /* the receipt's number tells a sale from another */
        .traceparent = {"", 0},
        .actor = {.lane = "", .person = ""},
    };
    if (!err)
        err = capture_submit(tap->config.capture, &order, on_saved, tap, &fault);
    if (err)
        diag_fault(tap->config.diag, DIAG_WARN, "tap.not_recognised", &fault);
    if (does_not_add_up(err, &fault))
        raise(tap, "tax_payment_mismatch", &fault, buf_slice(&tap->text.text));
}

static void let_go(struct tap *tap)
{
    loop_poll_close(tap->poll);
    tap->poll = NULL;
    serial_line_close(tap->line);
    tap->line = NULL;
}

/* What was cut in the middle is no receipt. */
static void lose(struct tap *tap)
{
    let_go(tap);
    tap_text_free(&tap->text);
    tap_text_init(&tap->text, tap_template_page(tap->template));
    loop_timer_start(tap->retry, RETRY_MS, 0);
    diag_write(tap->config.diag, DIAG_WARN, "tap.absent", "%s went away", tap->name);
}

static void on_ready(void *context, unsigned ready)
{
    (void)ready;
    struct tap *tap = context;
    char bytes[READ_BYTES];
    int fd = serial_line_descriptor(tap->line);
    ssize_t got = read(fd, bytes, sizeof bytes);
    struct slice input = {bytes, got > 0 ? (size_t)got : 0};
    while (tap_text_take(&tap->text, &input))
        take_receipt(tap);
    bool failed = got < 0 && errno != EAGAIN && errno != EINTR;
    if (failed || (got <= 0 && serial_line_hung_up(fd)))
        lose(tap);
}

static void attach(void *context)
{
    struct tap *tap = context;
    enum err err = serial_line_open(&tap->line, tap->path, BAUD, SERIAL_FLOW_NONE, NULL);
    if (!err)
        err = loop_poll_open(tap->config.loop, serial_line_descriptor(tap->line), on_ready, tap,
                             &tap->poll, NULL);
    if (err) {
        let_go(tap);
        loop_timer_start(tap->retry, RETRY_MS, 0);
        return;
    }
    loop_poll_want(tap->poll, LOOP_READ);
    diag_write(tap->config.diag, DIAG_INFO, "tap.ready", "%s is ready", tap->name);
}

/* "serial:PATH,template=FILE" */
static enum err read_value(struct tap *tap, struct fault *fault)
{
    static const char scheme[] = "serial:";
    static const char option[] = ",template=";
    const char *value = tap->config.value;
    const char *template = strstr(value, option);
    if (strncmp(value, scheme, sizeof scheme - 1) != 0 || !template)
        return fault_set(fault, ERR_INVALID, tap->name, "must be serial:PATH,template=FILE");
    const char *path = value + sizeof scheme - 1;
    size_t len = (size_t)(template - path);
    if (len == 0 || len >= sizeof tap->path || strlen(tap->config.name) > TAP_NAME)
        return fault_set(fault, ERR_INVALID, tap->name, "the path or the name is too long");
    memcpy(tap->path, path, len);
    return tap_template_open(&tap->template, template + sizeof option - 1, fault);
}

enum err tap_open(struct tap **out, const struct tap_config *config, struct fault *fault)
{
    struct tap *tap = calloc(1, sizeof *tap);
    if (!tap)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    tap->config = *config;
    (void)snprintf(tap->name, sizeof tap->name, "%s", config->name);
    enum err err = read_value(tap, fault);
    if (!err) {
        tap_text_init(&tap->text, tap_template_page(tap->template));
        tap->retry = loop_timer_open(config->loop, attach, tap);
        err = tap->retry ? ERR_OK : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    if (err) {
        tap_close(tap);
        return err;
    }
    loop_timer_start(tap->retry, 0, 0);
    *out = tap;
    return ERR_OK;
}

void tap_stop(struct tap *tap)
{
    if (!tap)
        return;
    let_go(tap);
    loop_timer_close(tap->retry);
    tap->retry = NULL;
}

void tap_close(struct tap *tap)
{
    if (!tap)
        return;
    tap_stop(tap);
    tap_text_free(&tap->text);
    tap_template_close(tap->template);
    free(tap);
}
