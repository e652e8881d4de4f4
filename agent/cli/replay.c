#include "agent/cli/cli.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/json_scan.h"

#include <stdio.h>
#include <string.h>

enum { BODY_MAX = 4096 };

static const struct {
    const char *option;
    const char *member;
    bool is_number;
} words[] = {
    {"--from", "from", true},
    {"--to", "to", true},
    {"--from-time", "from_time", false},
    {"--to-time", "to_time", false},
    {"--return", "return", false},
    {"--stream", "stream", false},
};

static bool is_known(const char *option)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(option, words[i].option) == 0)
            return true;
    return false;
}

static bool write_body(const struct cli *cli, struct buf *body)
{
    struct jsonw w = jsonw_to(body);
    jsonw_object(&w, NULL);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *value = cli_option(cli, words[i].option);
        int64_t number = 0;
        if (!value)
            continue;
        if (words[i].is_number && json_scan_int(slice_of(value), &number) != ERR_OK)
            return false;
        if (words[i].is_number)
            jsonw_int(&w, words[i].member, number);
        else
            jsonw_text(&w, words[i].member, value);
    }
    jsonw_end(&w);
    return !body->failed;
}

enum cli_exit cli_replay(struct cli *cli)
{
    struct fault fault = {0};
    struct buf body CLEANUP(buf_free);
    struct buf out CLEANUP(buf_free);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    buf_init(&body, BODY_MAX);
    buf_init(&out, BODY_MAX);
    for (int i = 0; i < cli->argc; i += 2)
        if (!is_known(cli->argv[i]) || i + 1 == cli->argc)
            return cli_usage(
                "replay takes --from, --to, --from-time, --to-time, --return, --stream");
    if (!cli->argc || !write_body(cli, &body))
        return cli_usage("replay needs --from SEQ, --from-time TIME or --return RETURN");
    if (cli_post(cli, "/v1/replay", body.data, &out, &fault) != ERR_OK)
        return cli_fail(&fault);
    if (cli->json)
        cli_print(&out);
    else if (json_parse(buf_slice(&out), JSON_LIMITS_DEFAULT, &doc, NULL) == ERR_OK)
        printf("%lld events go to the hub once more.\n",
               (long long)json_member_int(doc, "events", 0));
    return CLI_FINE;
}
