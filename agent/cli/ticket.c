#include "provisioning/ticket.h"
#include "agent/cli/cli.h"
#include "hal/base/cleanup.h"
#include "hal/base/version.h"
#include "hal/storage.h"
#include "hal/time_floor.h"

#include <limits.h>
#include <stdio.h>

enum { MS_PER_S = 1000, MS_PER_MINUTE = 60000, ANSWER_MAX = 4096 };

static enum err check(const struct cli *cli, const char *file, struct ticket *ticket,
                      int64_t *left_ms, struct fault *fault)
{
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    struct clock *clock = NULL;
    struct buf envelope CLEANUP(buf_free);
    char folder[PATH_MAX];
    buf_init(&envelope, TICKET_BYTES_MAX);
    if (storage_path(folder, sizeof folder, cli->state, "identity") != ERR_OK)
        return fault_set(fault, ERR_TOO_LARGE, cli->state, "the path is too long");
    enum err err = storage_read(file, &envelope, fault);
    if (!err)
        err = identity_open(&identity, folder, IDENTITY_CURRENT, fault);
    if (!err)
        err = clock_open(&clock, time_floor_read(cli->state, TILLBACK_BUILD_MS), fault);
    if (!err) {
        err = ticket_open(buf_slice(&envelope), identity, clock_wall_ms(clock), ticket, left_ms,
                          fault);
        if (err)
            fault_in_file(fault, file);
    }
    clock_close(clock);
    return err;
}

static void print_json(const struct ticket *ticket, int64_t left_ms)
{
    struct buf out CLEANUP(buf_free);
    buf_init(&out, ANSWER_MAX);
    struct jsonw w = jsonw_to(&out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "action", ticket_action_name(ticket->action));
    jsonw_int(&w, "seconds", left_ms / MS_PER_S);
    jsonw_time(&w, "expires", ticket->expires_ms);
    jsonw_text(&w, "holder", ticket->holder);
    jsonw_text(&w, "reason", ticket->reason);
    jsonw_end(&w);
    cli_print(&out);
}

enum cli_exit cli_ticket(struct cli *cli)
{
    struct ticket ticket;
    struct fault fault = {0};
    int64_t left_ms;
    if (cli->argc != 1 || !cli->state)
        return cli_usage("ticket takes a file, and --state DIR");
    if (check(cli, cli->argv[0], &ticket, &left_ms, &fault) != ERR_OK)
        return cli_fail(&fault);
    if (cli->json)
        print_json(&ticket, left_ms);
    else
        printf("%s for %s, for %lld more minutes: %s\n", ticket_action_name(ticket.action),
               ticket.holder, (long long)(left_ms / MS_PER_MINUTE), ticket.reason);
    return CLI_FINE;
}
