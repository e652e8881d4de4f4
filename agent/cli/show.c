#include "agent/cli/cli.h"
#include "agent/views/return_answer.h"
#include "agent/views/return_view.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"

#include <stdio.h>

enum { ANSWER_MAX = 4 * 1024 * 1024, PATH_MAX_BYTES = 128 };

static enum err read_files(const struct cli *cli, const char *wanted, struct buf *out,
                           struct fault *fault)
{
    struct cli_log log CLEANUP(cli_log_cleanup) = {0};
    struct eventlog_status status;
    enum err err = cli_log_open(&log, cli->state, fault);
    if (!err)
        err = eventlog_reader_status(log.reader, &status, fault);
    if (err)
        return err;
    struct views views = views_of_reader(log.reader);
    struct return_state state;
    struct id id;
    if (id_parse(slice_of(wanted), &id) == ERR_OK)
        err = return_view_find(&views, &id, &state, fault);
    else
        err = return_view_by_number(&views, wanted, &state, fault);
    if (err)
        return err;
    struct return_answer how = {.with_history = true,
                                .through = status.streams[STREAM_RETURNS].through};
    return return_answer_write(&views, &state.id, &how, out, fault);
}

static enum err ask(const struct cli *cli, const char *wanted, struct buf *out, struct fault *fault)
{
    char path[PATH_MAX_BYTES];
    (void)snprintf(path, sizeof path, "/v1/returns/%.80s", wanted);
    return cli_get(cli, path, out, fault);
}

static void print_text(const struct cJSON *doc, const char *label, const char *name)
{
    const char *text = json_member_text(doc, name);
    printf("%-9s %s\n", label, text ? text : "none");
}

static void print_return(const struct cJSON *doc)
{
    print_text(doc, "number", "number");
    print_text(doc, "id", "return_id");
    print_text(doc, "receipt", "receipt");
    print_text(doc, "decision", "decision");
    print_text(doc, "goods", "goods");
    print_text(doc, "money", "money");
    print_text(doc, "posting", "posting");
    const struct cJSON *event = json_first(json_member(doc, "history"));
    for (; event; event = json_next(event)) {
        const char *time = json_member_text(event, "time");
        const char *type = json_member_text(event, "type");
        printf("  %s  %s\n", time ? time : "", type ? type : "");
    }
}

enum cli_exit cli_show(struct cli *cli)
{
    if (cli->argc != 1)
        return cli_usage("show needs one RETURN: its id, or its number like R0042-000123-7");
    struct fault fault = {0};
    struct buf out CLEANUP(buf_free);
    buf_init(&out, ANSWER_MAX);
    enum err err = cli->state ? read_files(cli, cli->argv[0], &out, &fault)
                              : ask(cli, cli->argv[0], &out, &fault);
    if (err)
        return cli_fail(&fault);
    if (cli->json) {
        cli_print(&out);
        return CLI_FINE;
    }
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct json_limits limits = {.bytes = ANSWER_MAX, .depth = 20};
    if (json_parse(buf_slice(&out), limits, &doc, &fault) != ERR_OK)
        return cli_fail(&fault);
    print_return(doc);
    return CLI_FINE;
}
