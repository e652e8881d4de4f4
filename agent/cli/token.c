#include "agent/people/token.h"
#include "agent/cli/cli.h"
#include "hal/base/cleanup.h"

#include <stdio.h>
#include <string.h>

static enum cli_exit add(struct cli *cli)
{
    const char *lane = cli_option(cli, "--lane");
    const char *name = cli_option(cli, "--name");
    if (!lane)
        return cli_usage("token add needs --lane, e.g. --lane 01");
    char made[64];
    (void)snprintf(made, sizeof made, "pos-%.20s", lane);
    char token[TOKEN_TEXT + 1];
    struct fault fault = {0};
    if (token_add(cli->state, lane, name ? name : made, token, &fault) != ERR_OK)
        return cli_fail(&fault);
    if (!cli->json) {
        puts(token);
        return CLI_FINE;
    }
    printf("{\"token\":\"%s\",\"lane\":\"%s\",\"name\":\"%s\"}\n", token, lane, name ? name : made);
    return CLI_FINE;
}

static void list_one(void *context, const struct token_holder *holder)
{
    struct jsonw *w = context;
    if (!w) {
        printf("lane %s  %s\n", holder->lane, holder->name);
        return;
    }
    jsonw_object(w, NULL);
    jsonw_text(w, "lane", holder->lane);
    jsonw_text(w, "name", holder->name);
    jsonw_end(w);
}

static enum cli_exit list(struct cli *cli)
{
    struct fault fault = {0};
    struct buf out CLEANUP(buf_free);
    buf_init(&out, (size_t)64 * 1024);
    struct jsonw w = jsonw_to(&out);
    jsonw_array(&w, NULL);
    if (token_list(cli->state, list_one, cli->json ? &w : NULL, &fault) != ERR_OK)
        return cli_fail(&fault);
    jsonw_end(&w);
    if (cli->json)
        cli_print(&out);
    return CLI_FINE;
}

static enum cli_exit forget(struct cli *cli)
{
    struct fault fault = {0};
    if (cli->argc < 2)
        return cli_usage("token remove needs the NAME that `token list` shows");
    if (token_remove(cli->state, cli->argv[1], &fault) != ERR_OK)
        return cli_fail(&fault);
    puts(cli->json ? "{\"removed\":true}" : "Removed. The POS client is refused from now on.");
    return CLI_FINE;
}

enum cli_exit cli_token(struct cli *cli)
{
    if (!cli->state)
        return cli_usage("tokens are kept in the state directory: give --state DIR");
    const char *what = cli->argc ? cli->argv[0] : "";
    if (strcmp(what, "add") == 0)
        return add(cli);
    if (strcmp(what, "list") == 0)
        return list(cli);
    if (strcmp(what, "remove") == 0)
        return forget(cli);
    return cli_usage("token: add, list or remove");
}
