#include "agent/cli/screen.h"
#include "agent/service/not_started.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ANSWER_MAX = 1024 * 1024, SCREEN_MAX = 8 * 1024, LOOK_S = 2 };

int64_t screen_count_parked(const struct cJSON *status)
{
    int64_t parked = 0;
    const struct cJSON *streams = json_member(status, "streams");
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++)
        parked += json_member_int(json_member(streams, stream_name((enum stream)i)), "parked", 0);
    return parked;
}

static const char *text_of(const struct cJSON *object, const char *name)
{
    const char *text = json_member_text(object, name);
    return text ? text : "";
}

static void write_version(const struct cJSON *doc, struct buf *out)
{
    const struct cJSON *software = json_member(doc, "software");
    const char *slot = text_of(software, "slot");
    buf_printf(out, "version  %s%s%s\n", text_of(software ? software : doc, "version"),
               slot[0] ? ", slot " : "", slot);
}

void screen_write_link(const struct cJSON *doc, struct buf *out)
{
    const char *link = text_of(doc, "link");
    const char *reason = text_of(doc, "reason");
    if (strcmp(link, "none") == 0)
        buf_append_text(out, "link     none: enrol it (tillback provision, or a stick)\n");
    else
        buf_printf(out, "link     %s since %s%s%s\n", link, text_of(doc, "since"),
                   reason[0] ? ": " : "", reason);
}

static void write_update(const struct cJSON *software, const char *member, const char *how,
                         struct buf *out)
{
    const struct cJSON *update = json_member(software, member);
    const char *reason = text_of(update, "reason");
    if (!update || strcmp(text_of(update, how), "installed") == 0)
        return;
    buf_printf(out, "update   %s: %s%s%s\n", text_of(update, "version"), text_of(update, how),
               reason[0] ? ": " : "", reason);
}

static void write_events(const struct cJSON *doc, struct buf *out)
{
    int64_t parked = screen_count_parked(doc);
    int64_t lost = json_member_int(doc, "lost", 0);
    buf_printf(out, "waiting  %lld events for the hub\n",
               (long long)json_member_int(doc, "waiting", 0));
    if (parked)
        buf_printf(out, "parked   %lld wait for a person: tillback parked list\n",
                   (long long)parked);
    if (lost)
        buf_printf(out, "lost     %lld events that were saved once\n", (long long)lost);
}

static void write_printers(const struct cJSON *doc, struct buf *out)
{
    for (const struct cJSON *printer = json_first(json_member(doc, "printers")); printer;
         printer = json_next(printer))
        buf_printf(out, "printer  %s: %s\n", text_of(printer, "name"), text_of(printer, "state"));
}

enum err screen_write(struct slice answer, struct buf *out, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    enum err err = json_parse(answer, JSON_LIMITS_DEFAULT, &doc, fault);
    if (err)
        return err;
    const struct cJSON *software = json_member(doc, "software");
    buf_printf(out, "Tillback %s, store %s\n", text_of(doc, "device"), text_of(doc, "store"));
    write_version(doc, out);
    screen_write_link(doc, out);
    write_events(doc, out);
    if (!json_member_bool(doc, "can_save", true))
        buf_append_text(out, "disk     FULL: no return can be saved\n");
    write_update(software, "update", "state", out);
    if (!json_member(software, "update"))
        write_update(software, "last", "result", out);
    write_printers(doc, out);
    return buf_check(out, fault, "screen");
}

static void write_silence(const struct cli *cli, const struct fault *fault, struct buf *screen)
{
    char why[NOT_STARTED_MAX];
    if (cli->state && not_started_read(cli->state, why))
        buf_printf(screen, "Tillback does not start: %s\n", why);
    else
        buf_printf(screen, "Tillback does not answer: %s\n", fault->text);
}

/* What to show now: also that it doesn't answer, and why. */
static void compose(const struct cli *cli, struct buf *screen)
{
    struct buf answer CLEANUP(buf_free);
    struct fault fault = {0};
    buf_init(&answer, ANSWER_MAX);
    buf_reset(screen);
    enum err err = cli_get(cli, "/v1/status", &answer, &fault);
    if (!err)
        err = screen_write(buf_slice(&answer), screen, &fault);
    if (err) {
        buf_reset(screen);
        write_silence(cli, &fault, screen);
    }
}

static enum cli_exit watch(const struct cli *cli)
{
    const struct timespec pause = {.tv_sec = LOOK_S};
    struct buf shown CLEANUP(buf_free);
    struct buf screen CLEANUP(buf_free);
    buf_init(&shown, SCREEN_MAX);
    buf_init(&screen, SCREEN_MAX);
    for (;;) {
        compose(cli, &screen);
        if (!slice_equal(buf_slice(&screen), buf_slice(&shown))) {
            printf("\n%s", screen.data);
            if (fflush(stdout) != 0)
                return CLI_PROBLEM; /* nobody reads any more */
            buf_reset(&shown);
            buf_append(&shown, screen.data, screen.len);
        }
        (void)nanosleep(&pause, NULL);
    }
}

enum cli_exit screen_watch(const struct cli *cli)
{
    struct cli held = *cli;
    held.line = curl_easy_init(); /* a handshake each time is much for a small box */
    enum cli_exit code = watch(&held);
    curl_easy_cleanup(held.line);
    return code;
}
