#include "agent/cli/cli.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"

#include <stdio.h>
#include <string.h>

enum { OUT_MAX = 32 * 1024 * 1024, PATH_TEXT = 128, BODY_MAX = 4096 };

struct listing {
    const struct cli *cli;
    struct eventlog_reader *reader;
    const char *only; /* an id; NULL: all */
    struct jsonw w;
    int64_t count;
};

static enum err print_body(void *context, int64_t seq, struct slice body, const struct sha256 *hash,
                           struct fault *fault)
{
    (void)seq;
    (void)hash;
    (void)fault;
    struct listing *listing = context;
    if (listing->cli->json)
        jsonw_raw(&listing->w, "event", body);
    else
        printf("    %.*s\n", (int)body.len, body.data);
    return ERR_OK;
}

static void print_item(struct listing *listing, const char *id,
                       const struct eventlog_parked *parked)
{
    if (!listing->cli->json) {
        printf("%s  %s seq %lld\n    %s: %s\n", id, stream_name(parked->stream),
               (long long)parked->item.seq, parked->item.code, parked->item.detail);
        return;
    }
    jsonw_text(&listing->w, "id", id);
    jsonw_text(&listing->w, "stream", stream_name(parked->stream));
    jsonw_int(&listing->w, "seq", parked->item.seq);
    jsonw_text(&listing->w, "code", parked->item.code);
    jsonw_text(&listing->w, "detail", parked->item.detail);
}

static enum err show(void *context, const struct eventlog_parked *parked, struct fault *fault)
{
    struct listing *listing = context;
    struct sha256 before;
    char id[ID_TEXT + 1];
    enum err err = ERR_OK;
    id_format(&parked->item.id, id);
    if (listing->only && strcmp(listing->only, id) != 0)
        return ERR_OK;
    listing->count++;
    if (listing->cli->json)
        jsonw_object(&listing->w, NULL);
    print_item(listing, id, parked);
    const struct eventlog_span one = {parked->log, parked->item.seq, 1};
    if (listing->only)
        err = eventlog_range(listing->reader, &one, &before, print_body, listing, fault);
    if (listing->cli->json)
        jsonw_end(&listing->w);
    return err;
}

static enum cli_exit look_into_files(struct cli *cli, const char *only)
{
    struct fault fault = {0};
    struct cli_log log CLEANUP(cli_log_cleanup) = {0};
    if (cli_log_open(&log, cli->state, &fault) != ERR_OK)
        return cli_fail(&fault);
    struct buf out CLEANUP(buf_free);
    buf_init(&out, OUT_MAX);
    struct listing listing = {.cli = cli, .reader = log.reader, .only = only, .w = jsonw_to(&out)};
    jsonw_array(&listing.w, NULL);
    if (eventlog_parked(log.reader, show, &listing, &fault) != ERR_OK)
        return cli_fail(&fault);
    jsonw_end(&listing.w);
    if (only && listing.count == 0) {
        (void)fault_set(&fault, ERR_NOT_FOUND, only, "no event of this id is parked");
        return cli_fail(&fault);
    }
    if (cli->json)
        cli_print(&out);
    else if (listing.count == 0)
        puts("Nothing is parked.");
    return listing.count ? CLI_PROBLEM : CLI_FINE;
}

static void print_answered(const struct cJSON *item)
{
    struct buf event CLEANUP(buf_free);
    buf_init(&event, OUT_MAX);
    printf("%s  %s seq %lld\n    %s: %s\n", json_member_text(item, "id"),
           json_member_text(item, "stream"), (long long)json_member_int(item, "seq", 0),
           json_member_text(item, "code"), json_member_text(item, "detail"));
    json_print(json_member(item, "event"), &event);
    if (json_member(item, "event"))
        printf("    %s\n", event.data);
}

static enum cli_exit ask_appliance(struct cli *cli, const char *only)
{
    struct fault fault = {0};
    char path[PATH_TEXT];
    struct buf out CLEANUP(buf_free);
    buf_init(&out, OUT_MAX);
    (void)snprintf(path, sizeof path, "/v1/parked%s%.64s", only ? "/" : "", only ? only : "");
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    if (cli_get(cli, path, &out, &fault) != ERR_OK ||
        json_parse(buf_slice(&out), JSON_LIMITS_DEFAULT, &doc, &fault) != ERR_OK)
        return cli_fail(&fault);
    const struct cJSON *item = only ? doc : json_first(json_member(doc, "parked"));
    enum cli_exit verdict = item ? CLI_PROBLEM : CLI_FINE;
    if (!cli->json && !item)
        puts("Nothing is parked.");
    buf_reset(&out);
    buf_append_char(&out, '[');
    for (; item; item = only ? NULL : json_next(item)) {
        if (!cli->json)
            print_answered(item);
        buf_append_text(&out, out.len > 1 ? "," : "");
        json_print(item, &out);
    }
    buf_append_char(&out, ']');
    if (cli->json)
        cli_print(&out);
    return verdict;
}

static enum cli_exit decide(struct cli *cli, const char *action, const char *id)
{
    struct fault fault = {0};
    char path[PATH_TEXT];
    struct buf body CLEANUP(buf_free);
    struct buf out CLEANUP(buf_free);
    const char *reason = cli_option(cli, "--reason");
    buf_init(&body, BODY_MAX);
    buf_init(&out, OUT_MAX);
    if (!reason)
        return cli_usage("give a --reason, for those who look back");
    struct jsonw w = jsonw_to(&body);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "reason", reason);
    jsonw_end(&w);
    (void)snprintf(path, sizeof path, "/v1/parked/%.64s/%s", id, action);
    if (buf_check(&body, &fault, "--reason") != ERR_OK ||
        cli_post(cli, path, body.data, &out, &fault) != ERR_OK)
        return cli_fail(&fault);
    if (cli->json)
        cli_print(&out);
    else
        puts("Asked: the hub decides when it hears of it.");
    return CLI_FINE;
}

enum cli_exit cli_parked(struct cli *cli)
{
    const char *what = cli->argc ? cli->argv[0] : "list";
    const char *id = cli->argc > 1 ? cli->argv[1] : NULL;
    bool list = strcmp(what, "list") == 0;
    bool one = strcmp(what, "show") == 0;
    bool asks = strcmp(what, "resubmit") == 0 || strcmp(what, "discard") == 0;
    if (!list && !one && !asks)
        return cli_usage("parked: list, show ID, resubmit ID, or discard ID");
    if (!list && !id)
        return cli_usage("it needs the ID that `parked list` prints");
    if (asks)
        return decide(cli, what, id);
    if (cli->argc > (one ? 2 : 1))
        return cli_usage("parked: list, show ID, resubmit ID, or discard ID");
    return cli->state ? look_into_files(cli, id) : ask_appliance(cli, id);
}
