/*
 * tillback: the command line of technicians and associates. One const table of commands; each
 * prints for people, or with --json one JSON document for scripts.
 */
#ifndef AGENT_CLI_CLI_H
#define AGENT_CLI_CLI_H

#include "agent/views/views.h"
#include "hal/base/jsonw.h"

enum cli_exit { CLI_FINE = 0, CLI_PROBLEM = 1, CLI_USAGE = 2, CLI_UNREACHABLE = 3 };

struct cli {
    const char *state; /* --state DIR: look at the files */
    const char *url;   /* --url URL: ask the running appliance */
    const char *token; /* TILLBACK_TOKEN, for --url */
    void *line; /* libcurl's, for who asks again and again: its connection stays; NULL: none */
    bool json;
    int argc; /* what follows the command's name */
    char **argv;
};

struct cli_command {
    const char *name;
    const char *arguments;
    const char *help;
    enum cli_exit (*run)(struct cli *cli);
};

enum cli_exit cli_status(struct cli *cli);
enum cli_exit cli_queue(struct cli *cli);
enum cli_exit cli_show(struct cli *cli);
enum cli_exit cli_parked(struct cli *cli);
enum cli_exit cli_verify(struct cli *cli);
enum cli_exit cli_rebuild(struct cli *cli);
enum cli_exit cli_token(struct cli *cli);
enum cli_exit cli_staff(struct cli *cli);
enum cli_exit cli_policy(struct cli *cli);
enum cli_exit cli_replay(struct cli *cli);
enum cli_exit cli_provision(struct cli *cli);
enum cli_exit cli_csr(struct cli *cli);
enum cli_exit cli_cert(struct cli *cli);
enum cli_exit cli_ticket(struct cli *cli);
enum cli_exit cli_wipe(struct cli *cli);
enum cli_exit cli_doctor(struct cli *cli);
enum cli_exit cli_ports(struct cli *cli);
enum cli_exit cli_selftest(struct cli *cli);
enum cli_exit cli_commission(struct cli *cli);
enum cli_exit cli_diag(struct cli *cli);

/* Prints "tillback: where: text" and returns the exit code that the failure means. */
enum cli_exit cli_fail(const struct fault *fault);
/* `problem` NULL: it was told already. */
enum cli_exit cli_usage(const char *problem);
/* The argument after `--name`; NULL if it isn't there. */
const char *cli_option(const struct cli *cli, const char *name);
/* Whether nothing was given but, at most, `option` with its value; NULL: no option. */
bool cli_only(const struct cli *cli, const char *option);
/* Prints a JSON document and a newline. */
void cli_print(const struct buf *json);

/* The log in --state, for reading beside a running appliance; close in the reverse order. */
struct cli_log {
    struct clock *clock;
    struct eventlog_view views[VIEWS_COUNT];
    struct eventlog_config config;
    struct eventlog_reader *reader;
};
enum err cli_log_open(struct cli_log *log, const char *folder, struct fault *fault) MUST_CHECK;
void cli_log_cleanup(struct cli_log *log); /* for CLEANUP; zeroed is fine */

/* GET of a path below --url, or of the appliance that runs in --state; `out` gets the body.
 * ERR_UNREACHABLE, or the problem's detail. */
enum err cli_get(const struct cli *cli, const char *path, struct buf *out,
                 struct fault *fault) MUST_CHECK;

/* POST of a JSON body, under a key of its own; else as cli_get. */
enum err cli_post(const struct cli *cli, const char *path, const char *body, struct buf *out,
                  struct fault *fault) MUST_CHECK;

#endif
