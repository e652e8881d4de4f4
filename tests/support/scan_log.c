#include "tests/support/scan_log.h"

#include <stdio.h>
#include <string.h>

enum { AWAIT_MS = 10000, TEXT_MAX = 256 * 1024 };

void scan_log_open(struct scan_log *log, struct loop *loop)
{
    *log = (struct scan_log){.loop = loop};
    buf_init(&log->text, TEXT_MAX);
}

void scan_log_close(struct scan_log *log)
{
    buf_free(&log->text);
}

static void on_scanned(void *context, const struct scan *scan)
{
    struct scan_log *log = context;
    log->scans++;
    if (scan->aim[0])
        buf_printf(&log->text, "%s:", scan->aim);
    buf_append(&log->text, scan->data.data, scan->data.len);
    buf_append_char(&log->text, '|');
}

static void on_refused(void *context, const char *scanner, const char *why, size_t bytes)
{
    (void)scanner;
    (void)bytes;
    struct scan_log *log = context;
    log->refusals++;
    buf_printf(&log->text, "!%s|", why);
}

static void on_changed(void *context, const char *scanner, enum scanner_state state)
{
    (void)scanner;
    struct scan_log *log = context;
    buf_append_text(&log->text, state == SCANNER_READY ? "ready|" : "absent|");
}

struct scanner_listener scan_log_listener(struct scan_log *log)
{
    return (struct scanner_listener){
        .scanned = on_scanned, .refused = on_refused, .changed = on_changed, .context = log};
}

bool scan_log_awaits(struct scan_log *log, const char *expected)
{
    int64_t give_up_ms = loop_now_ms(log->loop) + AWAIT_MS;
    while (log->text.len < strlen(expected) && loop_now_ms(log->loop) < give_up_ms)
        loop_run_once(log->loop, 100);
    bool same = slice_is(buf_slice(&log->text), expected);
    if (!same)
        (void)fprintf(stderr, "expected %s\ncame     %s\n", expected, buf_slice(&log->text).data);
    buf_reset(&log->text);
    return same;
}
