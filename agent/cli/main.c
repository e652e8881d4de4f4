#include "agent/cli/cli.h"
#include "hal/base/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_COLUMNS = 79 };

static const struct cli_command commands[] = {
    {"status", "[--watch]",
     "how the appliance stands: link, what waits, what is parked; --watch: for a screen or a "
     "serial line, told anew whenever it changes",
     cli_status},
    {"queue", "[--max N]", "events that the hub doesn't hold yet, oldest first", cli_queue},
    {"show", "RETURN", "one return with its history, by id or number", cli_show},
    {"parked", "list | show ID | resubmit ID --reason TEXT | discard ID --reason TEXT",
     "what the hub refused, with the reason; resubmit and discard ask the hub", cli_parked},
    {"replay",
     "--from SEQ [--to SEQ] [--stream sales] | --from-time T [--to-time T] | --return RETURN",
     "send events to the hub once more; each has its effect only once (tillbackd must run)",
     cli_replay},
    {"verify", "", "the hash chain, every body and every view; exit 1 if anything is wrong",
     cli_verify},
    {"rebuild", "", "make every view again from the log (tillbackd must not run)", cli_rebuild},
    {"token", "add --lane 01 [--name NAME] | list | remove NAME", "bearer tokens of POS clients",
     cli_token},
    {"staff",
     "add --number N --name NAME [--role ROLE] [--badge B] [--language de] [--pin -] | list | "
     "remove N | reset-pin N [--pin -]",
     "who works here: associates, managers, technicians; PINs are told once", cli_staff},
    {"provision",
     "--bundle FILE | CODE --enrol URL [--store S] [--token URI] [--proxy URL] [--wait S] "
     "[--again]",
     "make this appliance a store's: by a bundle, or a code from the hub; without either, goes on "
     "where it was cut. --token pkcs11:token=NAME?module-path=FILE&pin-source=FILE makes its keys "
     "in a TPM or another PKCS #11 token, which they never leave",
     cli_provision},
    {"csr", "export [--bundle FILE] [--token URI] [--out FILE]",
     "the request for a certificate, to be carried to the hub where there is no line", cli_csr},
    {"cert", "import FILE", "take the answer that was carried back", cli_cert},
    {"doctor", "[--config FILE] [--set KEY=VALUE]...",
     "looks at everything in order, from the power to the printer, and says what to do; settings "
     "are for an appliance that doesn't run",
     cli_doctor},
    {"ports", "[bind --lane 01 [--timeout-s 30] [--device serial:PATH] [--config FILE]]",
     "scanners that are plugged in; binds one to a lane by a test scan", cli_ports},
    {"selftest", "[--timeout-s 30]",
     "a return of a built-in sale, a test receipt, a scan, and an event to the hub and back",
     cli_selftest},
    {"commission", "--technician NAME [--out FILE]",
     "the signed report of what was found, and a page of it to print", cli_commission},
    {"diag", "[--out FILE] [--diagnostics FILE]",
     "a bundle for support, without secrets and customers' data", cli_diag},
    {"ticket", "FILE", "is this ticket of the hub good, here and now; exit 1 and the reason if not",
     cli_ticket},
    {"wipe", "[--force --reason TEXT]",
     "empty the appliance, keys first; refused while events wait, unless forced", cli_wipe},
    {"policy", "check FILE | test FILE --against DIR",
     "is a return policy sound; what would it have decided otherwise of past returns", cli_policy},
};

static const struct cli_command *find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* The text in lines that a terminal has room for, each indented. */
static void print_wrapped(const char *text, int indent)
{
    int column = 0;
    while (*text) {
        int word = (int)strcspn(text, " ");
        bool fits = column && column + 1 + word <= LINE_MAX_COLUMNS;
        if (fits)
            printf(" %.*s", word, text);
        else
            printf("%s%*s%.*s", column ? "\n" : "", indent, "", word, text);
        column = fits ? column + 1 + word : indent + word;
        text += word;
        text += strspn(text, " ");
    }
    puts("");
}

static void print_command(const struct cli_command *command)
{
    printf("usage: tillback [--state DIR | --url URL] [--json] %s%s%s\n\n", command->name,
           command->arguments[0] ? " " : "", command->arguments);
    print_wrapped(command->help, 2);
}

static void print_help(void)
{
    puts("usage: tillback [--state DIR | --url URL] [--json] COMMAND\n"
         "\n"
         "What an appliance holds and how it stands, for technicians and associates.\n"
         "\n"
         "options:\n"
         "  --state DIR   look at an appliance's state directory, running or not\n"
         "  --url URL     ask a running appliance (TILLBACK_TOKEN holds the token)\n"
         "  --json        one JSON document instead of words\n"
         "\n"
         "commands:");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        printf("  %s%s%s\n", commands[i].name, commands[i].arguments[0] ? " " : "",
               commands[i].arguments);
        print_wrapped(commands[i].help, 6);
    }
    puts("\n"
         "exit status:\n"
         "  0  fine\n"
         "  1  a problem was found\n"
         "  2  usage\n"
         "  3  the appliance can't be reached");
}

enum cli_exit cli_usage(const char *problem)
{
    if (problem)
        fprintf(stderr, "tillback: %s\n", problem);
    fprintf(stderr, "Try tillback --help.\n");
    return CLI_USAGE;
}

enum cli_exit cli_fail(const struct fault *fault)
{
    fprintf(stderr, "tillback: %s%s%s\n", fault->where, fault->where[0] ? ": " : "", fault->text);
    return fault->code == ERR_UNREACHABLE || fault->code == ERR_TIMEOUT ? CLI_UNREACHABLE
                                                                        : CLI_PROBLEM;
}

const char *cli_option(const struct cli *cli, const char *name)
{
    for (int i = 0; i + 1 < cli->argc; i++)
        if (strcmp(cli->argv[i], name) == 0)
            return cli->argv[i + 1];
    return NULL;
}

bool cli_only(const struct cli *cli, const char *option)
{
    return cli->argc == 0 || (option && cli->argc == 2 && strcmp(cli->argv[0], option) == 0);
}

void cli_print(const struct buf *json)
{
    puts(json->data ? json->data : "");
}

/* Takes the options before the command; returns how many words they were, or -1. */
static int read_options(int argc, char **argv, struct cli *cli)
{
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        const char **value = strcmp(argv[i], "--state") == 0 ? &cli->state
                             : strcmp(argv[i], "--url") == 0 ? &cli->url
                                                             : NULL;
        if (strcmp(argv[i], "--json") == 0) {
            cli->json = true;
        } else if (!value || i + 1 == argc) {
            fprintf(stderr, "tillback: %s %s\n", argv[i], value ? "needs a value" : "is no option");
            return -1;
        } else {
            *value = argv[++i];
        }
    }
    return i;
}

int main(int argc, char **argv)
{
    struct cli cli = {.token = getenv("TILLBACK_TOKEN")};
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_help();
        return CLI_FINE;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("tillback " TILLBACK_VERSION);
        return CLI_FINE;
    }
    const struct cli_command *asked = argc == 3 ? find(argv[1]) : NULL;
    if (asked && strcmp(argv[2], "--help") == 0) {
        print_command(asked);
        return CLI_FINE;
    }
    int at = read_options(argc, argv, &cli);
    if (at < 0 || at >= argc)
        return (int)cli_usage(at < 0 ? NULL : "a command is missing");
    cli.argc = argc - at - 1;
    cli.argv = argv + at + 1;
    if (cli.argc && strcmp(cli.argv[cli.argc - 1], "--json") == 0) {
        cli.json = true;
        cli.argc--;
    }
    const struct cli_command *command = find(argv[at]);
    if (!command) {
        fprintf(stderr, "tillback: %s is no command\n", argv[at]);
        return (int)cli_usage(NULL);
    }
    bool alone = command->run == cli_policy; /* it names its own files */
    if (!alone && !cli.state == !cli.url)
        return (int)cli_usage("give one of --state DIR and --url URL");
    if (cli.url && strncmp(cli.url, "http://", 7) != 0 && strncmp(cli.url, "https://", 8) != 0)
        return (int)cli_usage("--url must begin with http:// or https://");
    return (int)command->run(&cli);
}
