#include "agent/cli/cli.h"
#include "hal/base/cleanup.h"
#include "hal/base/rfc3339.h"

#include <stdio.h>
#include <stdlib.h>

enum { QUEUE_DEFAULT = 50, QUEUE_MAX = 10000, OUT_MAX = 16 * 1024 * 1024 };

struct listing {
    const struct cli *cli;
    struct jsonw w;
    enum stream stream;
    int64_t shown;
};

static enum err show(void *context, int64_t seq, struct slice body, const struct sha256 *hash,
                     struct fault *fault)
{
    (void)hash;
    struct listing *listing = context;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, EVENT_BODY_MAX);
    struct event event;
    enum err err = event_read(body, &arena, &event, fault);
    if (err)
        return err;
    listing->shown++;
    char time[RFC3339_TEXT + 1];
    rfc3339_format(event.time_ms, time);
    if (!listing->cli->json) {
        printf("%-8s %8lld  %s  %s  %.*s\n", stream_name(listing->stream), (long long)seq, time,
               event_type_name(event.type), (int)event.subject.len, event.subject.data);
        return ERR_OK;
    }
    jsonw_object(&listing->w, NULL);
    jsonw_text(&listing->w, "stream", stream_name(listing->stream));
    jsonw_int(&listing->w, "seq", seq);
    jsonw_raw(&listing->w, "event", body);
    jsonw_end(&listing->w);
    return ERR_OK;
}

static enum err show_stream(struct listing *listing, struct eventlog_reader *reader,
                            const struct eventlog_stream_status *stream, int64_t max,
                            struct fault *fault)
{
    if (stream->head <= stream->through || max <= 0)
        return ERR_OK;
    struct sha256 before;
    const struct eventlog_span waiting = {stream->log, stream->through + 1, max};
    return eventlog_range(reader, &waiting, &before, show, listing, fault);
}

enum cli_exit cli_queue(struct cli *cli)
{
    if (!cli->state)
        return cli_usage("queue reads the files: give --state DIR");
    if (!cli_only(cli, "--max"))
        return cli_usage("queue takes --max N and nothing else");
    struct fault fault = {0};
    const char *given = cli_option(cli, "--max");
    char *end = NULL;
    long max = given ? strtol(given, &end, 10) : QUEUE_DEFAULT;
    if ((end && *end) || max < 1 || max > QUEUE_MAX)
        return cli_usage("--max must be from 1 to 10000");
    struct cli_log log CLEANUP(cli_log_cleanup) = {0};
    struct eventlog_status status;
    if (cli_log_open(&log, cli->state, &fault) != ERR_OK ||
        eventlog_reader_status(log.reader, &status, &fault) != ERR_OK)
        return cli_fail(&fault);
    struct buf out CLEANUP(buf_free);
    buf_init(&out, OUT_MAX);
    struct listing listing = {.cli = cli, .w = jsonw_to(&out)};
    jsonw_array(&listing.w, NULL);
    for (size_t i = 0; i < STREAMS_OF_APPLIANCE; i++) {
        listing.stream = (enum stream)i;
        if (show_stream(&listing, log.reader, &status.streams[i], max - listing.shown, &fault) !=
            ERR_OK)
            return cli_fail(&fault);
    }
    jsonw_end(&listing.w);
    if (cli->json)
        cli_print(&out);
    else if (listing.shown == 0)
        puts("Nothing waits: the hub holds everything that was saved here.");
    return CLI_FINE;
}
