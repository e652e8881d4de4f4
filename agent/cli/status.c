#include "agent/cli/cli.h"
#include "agent/cli/screen.h"
#include "agent/service/not_started.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"

#include <stdio.h>
#include <string.h>

enum { ANSWER_MAX = 1024 * 1024 };

static void write_stream(struct jsonw *w, const char *name,
                         const struct eventlog_stream_status *stream)
{
    char id[ID_TEXT + 1];
    id_format(&stream->log, id);
    jsonw_object(w, name);
    jsonw_text(w, "log_id", id);
    jsonw_int(w, "head", stream->head);
    jsonw_int(w, "through", stream->through);
    jsonw_int(w, "backed_up_through", stream->backed_up_through);
    jsonw_int(w, "waiting", stream->head - stream->through);
    jsonw_int(w, "parked", stream->parked);
    jsonw_bool(w, "forked", stream->forked);
    jsonw_end(w);
}

/* What no file says: how the one that runs there, if one does, judges itself. */
static struct cJSON *ask_running(const struct cli *cli)
{
    struct cJSON *doc = NULL;
    struct buf answer CLEANUP(buf_free);
    buf_init(&answer, ANSWER_MAX);
    if (cli_get(cli, "/v1/status", &answer, NULL) != ERR_OK ||
        json_parse(buf_slice(&answer), JSON_LIMITS_DEFAULT, &doc, NULL) != ERR_OK)
        return NULL;
    return doc;
}

static bool print_health(const struct cli *cli, const struct cJSON *doc)
{
    const char *ill = json_member_text(doc, "health_reason");
    if (ill && !cli->json)
        printf("health   %s: %s\n", json_member_text(doc, "health"), ill);
    return ill != NULL;
}

static void print_stream(const char *name, int64_t head, int64_t through, int64_t parked,
                         bool forked)
{
    printf("%-8s %lld saved, %lld at the hub, %lld waiting, %lld parked%s\n", name, (long long)head,
           (long long)through, (long long)(head - through), (long long)parked,
           forked ? ", continued after a lost tail" : "");
}

static void print_lost(int64_t lost)
{
    if (lost)
        printf("lost     %lld events that were saved once; tillback verify names them\n",
               (long long)lost);
}

static void print_link(const struct cJSON *doc)
{
    struct buf out CLEANUP(buf_free);
    buf_init(&out, ANSWER_MAX);
    screen_write_link(doc, &out);
    printf("%s", out.data);
}

static void write_running(struct jsonw *w, const struct cJSON *running)
{
    static const char *const members[] = {"health", "health_reason", "link", "since", "reason"};
    jsonw_bool(w, "running", running != NULL);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (json_member_text(running, members[i]))
            jsonw_text(w, members[i], json_member_text(running, members[i]));
}

/* Of one that doesn't run. */
static void print_absence(const struct cli *cli)
{
    char why[NOT_STARTED_MAX];
    puts("link     none: tillbackd doesn't run here");
    if (not_started_read(cli->state, why))
        printf("start    failed: %s\n", why);
}

static enum cli_exit print_files(const struct cli *cli, const struct eventlog_status *status)
{
    struct buf out CLEANUP(buf_free);
    buf_init(&out, ANSWER_MAX);
    struct jsonw w = jsonw_to(&out);
    struct cJSON *running CLEANUP(json_cleanup) = ask_running(cli);
    char why[NOT_STARTED_MAX];
    bool ill = print_health(cli, running);
    if (running && !cli->json)
        print_link(running);
    else if (!cli->json)
        print_absence(cli);
    jsonw_object(&w, NULL);
    write_running(&w, running);
    if (!running && not_started_read(cli->state, why))
        jsonw_text(&w, "not_started", why);
    jsonw_object(&w, "streams");
    int64_t parked = 0;
    for (size_t i = 0; i < STREAMS_OF_APPLIANCE; i++) {
        const struct eventlog_stream_status *stream = &status->streams[i];
        const char *name = stream_name((enum stream)i);
        write_stream(&w, name, stream);
        parked += stream->parked;
        if (!cli->json)
            print_stream(name, stream->head, stream->through, stream->parked, stream->forked);
    }
    jsonw_end(&w);
    jsonw_int(&w, "hub_epoch", status->hub_epoch);
    jsonw_int(&w, "inbox_through", status->inbox_through);
    int64_t lost = status->lost[STREAM_RETURNS] + status->lost[STREAM_SALES];
    jsonw_int(&w, "lost", lost);
    if (lost)
        jsonw_time(&w, "lost_at", status->lost_at_ms);
    jsonw_end(&w);
    if (cli->json)
        cli_print(&out);
    else
        print_lost(lost);
    return parked || lost || ill ? CLI_PROBLEM : CLI_FINE;
}

static void print_streams(const struct cJSON *doc)
{
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++) {
        const char *name = stream_name((enum stream)i);
        const struct cJSON *stream = json_member(json_member(doc, "streams"), name);
        print_stream(name, json_member_int(stream, "head", 0),
                     json_member_int(stream, "through", 0), json_member_int(stream, "parked", 0),
                     json_member_bool(stream, "forked", false));
    }
}

static enum cli_exit print_answer(const struct cli *cli, const struct buf *answer)
{
    struct fault fault = {0};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    if (json_parse(buf_slice(answer), JSON_LIMITS_DEFAULT, &doc, &fault) != ERR_OK)
        return cli_fail(&fault);
    int64_t lost = json_member_int(doc, "lost", 0);
    bool ill = print_health(cli, doc);
    if (cli->json) {
        cli_print(answer);
    } else {
        print_link(doc);
        print_streams(doc);
        print_lost(lost);
    }
    return screen_count_parked(doc) || lost || ill ? CLI_PROBLEM : CLI_FINE;
}

enum cli_exit cli_status(struct cli *cli)
{
    struct fault fault = {0};
    if (cli->argc == 1 && strcmp(cli->argv[0], "--watch") == 0)
        return screen_watch(cli);
    if (!cli_only(cli, NULL))
        return cli_usage("status takes --watch, or nothing");
    if (cli->url) {
        struct buf answer CLEANUP(buf_free);
        buf_init(&answer, ANSWER_MAX);
        if (cli_get(cli, "/v1/status", &answer, &fault) != ERR_OK)
            return cli_fail(&fault);
        return print_answer(cli, &answer);
    }
    struct cli_log log CLEANUP(cli_log_cleanup) = {0};
    struct eventlog_status status;
    if (cli_log_open(&log, cli->state, &fault) != ERR_OK ||
        eventlog_reader_status(log.reader, &status, &fault) != ERR_OK)
        return cli_fail(&fault);
    return print_files(cli, &status);
}
