#include "agent/cli/cli.h"
#include "hal/base/cleanup.h"

#include <stdio.h>
#include <string.h>

enum { OUT_MAX = 4 * 1024 * 1024 };

struct listing {
    const struct cli *cli;
    const char *only; /* an id; NULL: all */
    struct jsonw w;
    int64_t count;
};

static enum err show(void *context, enum stream stream, const struct ack_parked *item,
                     struct fault *fault)
{
    (void)fault;
    struct listing *listing = context;
    char id[ID_TEXT + 1];
    id_format(&item->id, id);
    if (listing->only && strcmp(listing->only, id) != 0)
        return ERR_OK;
    listing->count++;
    if (!listing->cli->json) {
        printf("%s  %s seq %lld\n    %s: %s\n", id, stream_name(stream), (long long)item->seq,
               item->code, item->detail);
        return ERR_OK;
    }
    jsonw_object(&listing->w, NULL);
    jsonw_text(&listing->w, "id", id);
    jsonw_text(&listing->w, "stream", stream_name(stream));
    jsonw_int(&listing->w, "seq", item->seq);
    jsonw_text(&listing->w, "code", item->code);
    jsonw_text(&listing->w, "detail", item->detail);
    jsonw_end(&listing->w);
    return ERR_OK;
}

enum cli_exit cli_parked(struct cli *cli)
{
    const char *what = cli->argc ? cli->argv[0] : "list";
    bool one = strcmp(what, "show") == 0;
    if (!one && strcmp(what, "list") != 0)
        return cli_usage("parked: list, or show ID");
    if (one && cli->argc != 2)
        return cli_usage("parked show needs the ID that `parked list` prints");
    if (!cli->state)
        return cli_usage("parked reads the files: give --state DIR");
    struct fault fault = {0};
    struct cli_log log CLEANUP(cli_log_cleanup) = {0};
    if (cli_log_open(&log, cli->state, &fault) != ERR_OK)
        return cli_fail(&fault);
    struct buf out CLEANUP(buf_free);
    buf_init(&out, OUT_MAX);
    struct listing listing = {.cli = cli, .only = one ? cli->argv[1] : NULL, .w = jsonw_to(&out)};
    jsonw_array(&listing.w, NULL);
    if (eventlog_parked(log.reader, show, &listing, &fault) != ERR_OK)
        return cli_fail(&fault);
    jsonw_end(&listing.w);
    if (cli->json)
        cli_print(&out);
    else if (listing.count == 0)
        puts("Nothing is parked.");
    return listing.count ? CLI_PROBLEM : CLI_FINE;
}
