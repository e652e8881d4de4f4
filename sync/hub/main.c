/* tillback-hub: the central program. Reads its command line, and wires everything together. */
#include "hal/base/cleanup.h"
#include "hal/base/version.h"
#include "hal/storage.h"
#include "sync/hub/ca.h"
#include "sync/hub/config_command.h"
#include "sync/hub/connector_command.h"
#include "sync/hub/contact_command.h"
#include "sync/hub/device_command.h"
#include "sync/hub/hub_settings.h"
#include "sync/hub/import_command.h"
#include "sync/hub/journal_command.h"
#include "sync/hub/order_command.h"
#include "sync/hub/parked_command.h"
#include "sync/hub/report_command.h"
#include "sync/hub/serve.h"
#include "sync/hub/staff_command.h"
#include "sync/hub/token.h"
#include "sync/hub/upkeep_command.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_PROBLEM = 1, EXIT_USAGE = 2, HELP_MAX = 16 * 1024, COMMAND_WORDS_MAX = 64 };

static const char usage[] =
    "usage: tillback-hub --state DIR [--db URL] [--config FILE] [--set KEY=VALUE]... [COMMAND]\n"
    "\n"
    "Without a command it serves. --db is sqlite:PATH, or postgresql://USER@HOST/DATABASE, which\n"
    "several hubs may share; hub.db in the state directory unless given. Of several hosts\n"
    "(...HOST,HOST2/DATABASE) it takes the one that can be written to; when a standby has taken "
    "over,\n"
    "appliances are asked again for what that one may have missed.\n"
    "\n"
    "Commands:\n"
    "  backup FILE              copy the database while the hub runs; appliances may prune then\n"
    "                           (a PostgreSQL one by pg_dump)\n"
    "  restore FILE             put a backup in place; no hub may run on the database\n"
    "  verify                   read the whole database: are its pages, events and chains what "
    "they\n"
    "                           were; the hub may run\n"
    "  rescue                   after that found damage: keep what is sound, put a damaged file\n"
    "                           aside, and have the appliances send the rest again; no hub may\n"
    "                           run (one with a file of its own does it by itself)\n"
    "  rebuild-ledger           make all entries again from the events; no hub may run\n"
    "  export csv|ledger        write the journal to standard output; the hub may run\n"
    "  import orders|authorisations|goods-received FILE   one JSON document a line\n"
    "  import settlement adyen|stripe|amazon|camt053|camt054 FILE\n"
    "                           as the HTTP API takes them; the hub may run\n"
    "  connector list [--json]  the systems outside: does each answer, and what waits for it\n"
    "  parked list              what waits for a person; the hub may run\n"
    "  parked show ID           one of them, with the event as it came\n"
    "  parked resubmit|discard ID --reason TEXT\n"
    "                           try it again; let it go\n"
    "  parked mend ID --data FILE --reason TEXT\n"
    "                           say it anew with the JSON object in FILE as its data\n"
    "  contact erase CUSTOMER --reason TEXT   on that customer's wish: the keys of their contacts "
    "are\n"
    "                           destroyed, here and at every appliance; the hub may run\n"
    "  contact give-up --reason TEXT   contact-secret is lost: the keys sealed with it are "
    "forgotten,\n"
    "                           and a new one is made; no hub may run\n"
    "  token add --role ROLE [--name NAME]  make a token for the HTTP API and tell it, once;\n"
    "                           roles: viewer, it, finance, commerce\n"
    "  token list               the tokens' numbers, names, roles and ages\n"
    "  token revoke NUMBER      a token is nobody's from then on\n"
    "  device add --store S --name N [--id ID] [--days D] [--out FILE]\n"
    "                           invite an appliance: a signed bundle with its first\n"
    "                           configuration, and a code with its QR\n"
    "  device invite ID [--days D] [--out FILE]   a new code for one that was added\n"
    "  device replace ID --reason TEXT [--out FILE]\n"
    "                           another appliance in its place; the old one is closed\n"
    "  device revoke ID --reason TEXT   lost or stolen: it is refused from now on\n"
    "  device retire ID         given up in order; refused while its events wait\n"
    "  device list|show         all, or --store S; one, with its logs and certificates\n"
    "  device sign FILE [--out FILE]   answer a request that was carried here\n"
    "  device ticket ID --name N --reason TEXT [--action console|wipe|forced_wipe] [--hours 8]\n"
    "                           [--out FILE]   let somebody do that at the appliance, by a stick\n"
    "  report verify FILE [--page OUT]  a commissioning report: who signed it, and what it says\n"
    "  ca init                  make the certificate authority and the hub's identity\n"
    "  ca server NAME HOST...   issue a server's certificate (the broker's), in servers/\n"
    "  ca device ID [FOLDER]    issue an appliance's identity, devices/ID unless given\n"
    "  ca revoke ID             revoke what was issued to a name\n"
    "  ca crl                   make the revocation lists anew\n"
    "  ca next|switch|retire    replace the authority: trust the next one beside it, issue with "
    "it,\n"
    "                           trust the former no more\n";
static const char settings_usage[] = "\n"
                                     "Settings (--config takes a file of KEY=VALUE lines):\n";

struct options {
    const char *state;
    char database[PATH_MAX];
    struct settings *settings;
    char *words[COMMAND_WORDS_MAX];
    int word_count;
    bool help;
};

static int tell(const struct fault *fault)
{
    (void)fprintf(stderr, "tillback-hub: %s%s%s\n", fault->where, *fault->where ? ": " : "",
                  fault->text);
    return EXIT_PROBLEM;
}

/* What the text says of the command: its items, and the lines that are indented below them. */
static void print_help_of(const char *command, const char *text)
{
    size_t len = strlen(command);
    bool shown = false;
    while (*text) {
        int line = (int)strcspn(text, "\n") + 1;
        if (strncmp(text, "  ", 2) != 0 || text[2] != ' ')
            shown = strncmp(text, "  ", 2) == 0 && strncmp(text + 2, command, len) == 0 &&
                    (text[2 + len] == ' ' || text[2 + len] == '|');
        if (shown)
            (void)printf("%.*s", line, text);
        text += line;
    }
}

static void print_help(void)
{
    struct buf help CLEANUP(buf_free);
    buf_init(&help, HELP_MAX);
    settings_help(hub_settings, hub_settings_count, &help);
    (void)printf("%s%s%s%s%s%s", usage, config_usage, staff_usage, order_usage, settings_usage,
                 help.data ? help.data : "");
}

static enum err set_database(struct options *options, const char *url, struct fault *fault)
{
    const char prefix[] = "sqlite:";
    bool file = strncmp(url, prefix, sizeof prefix - 1) == 0;
    if (!file && !hubdb_is_server(url))
        return fault_set(fault, ERR_INVALID, "--db", "must be sqlite:PATH or postgresql://...");
    const char *path = file ? url + sizeof prefix - 1 : url;
    if (strlen(path) >= sizeof options->database)
        return fault_set(fault, ERR_TOO_LARGE, "--db", "is too long");
    (void)snprintf(options->database, sizeof options->database, "%s", path);
    return ERR_OK;
}

static enum err take_option(struct options *options, const char *name, const char *value,
                            struct fault *fault)
{
    if (!slice_among(slice_of(name), "--state --db --config --set"))
        return fault_set(fault, ERR_INVALID, name, "is no option; --help lists them");
    if (!value)
        return fault_set(fault, ERR_INVALID, name, "needs a value");
    if (strcmp(name, "--state") == 0) {
        options->state = value;
        return ERR_OK;
    }
    if (strcmp(name, "--db") == 0)
        return set_database(options, value, fault);
    if (strcmp(name, "--config") == 0)
        return settings_load(options->settings, value, fault);
    return settings_set(options->settings, value, fault);
}

/* Commands that take options of their own, behind their name. */
static bool has_own_options(const char *command)
{
    static const char *const names[] = {"token",   "parked", "contact", "config",
                                        "command", "device", "report",  "connector"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(command, names[i]) == 0)
            return true;
    return false;
}

static enum err read_options(struct options *options, int argc, char **argv, struct fault *fault)
{
    enum err err = settings_open(&options->settings, hub_settings, hub_settings_count, fault);
    for (int i = 1; !err && i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            options->help = true;
            return ERR_OK;
        }
        bool has_own = options->word_count > 0 && has_own_options(options->words[0]);
        if (strncmp(argv[i], "--", 2) == 0 && !has_own) {
            err = take_option(options, argv[i], argv[i + 1], fault);
            i++;
        } else if (options->word_count < COMMAND_WORDS_MAX) {
            options->words[options->word_count++] = argv[i];
        } else {
            err = fault_set(fault, ERR_INVALID, argv[i], "too many words");
        }
    }
    if (!err && !options->state)
        err = fault_set(fault, ERR_INVALID, "--state", "is missing");
    if (!err && !*options->database &&
        storage_path(options->database, PATH_MAX, options->state, "hub.db") != ERR_OK)
        err = fault_set(fault, ERR_TOO_LARGE, "--state", "the path is too long");
    return err;
}

/* --- Commands -------------------------------------------------------------------------------- */

static struct hubdb_config database_config(const struct options *options, struct clock *clock)
{
    return (struct hubdb_config){
        .path = options->database,
        .folder = options->state,
        .now_ms = clock_wall_ms(clock),
    };
}

static enum err run_backup(const struct options *options, struct clock *clock, struct fault *fault)
{
    const struct hubdb_config config = database_config(options, clock);
    return upkeep_backup(&config, options->words[1], fault);
}

static enum err run_restore(const struct options *options, struct clock *clock, struct fault *fault)
{
    const struct hubdb_config config = database_config(options, clock);
    return upkeep_restore(&config, options->words[1], fault);
}

static enum err run_verify(const struct options *options, struct clock *clock, struct fault *fault)
{
    const struct hubdb_config config = database_config(options, clock);
    return upkeep_verify(&config, fault);
}

static enum err run_rescue(const struct options *options, struct clock *clock, struct fault *fault)
{
    const struct hubdb_config config = database_config(options, clock);
    return upkeep_rescue(&config, fault);
}

/* A piece of work on the database that no running hub may be in. */
static enum err run_rebuild(const struct options *options, struct clock *clock, struct fault *fault)
{
    const struct hubdb_config config = database_config(options, clock);
    int lock;
    enum err err = storage_lock(options->state, &lock, fault);
    if (err)
        return err;
    err = journal_rebuild(&config, options->settings, fault);
    storage_unlock(lock);
    return err;
}

static enum err run_export(const struct options *options, struct clock *clock, struct fault *fault)
{
    const struct hubdb_config config = database_config(options, clock);
    return journal_export(&config, options->words[1], fault);
}

static enum err run_import(const struct options *options, struct clock *clock, struct fault *fault)
{
    const struct hubdb_config config = database_config(options, clock);
    return import_run(&config, options->word_count - 1, options->words + 1, fault);
}

static enum err run_token(const struct options *options, struct clock *clock, struct fault *fault)
{
    const struct hubdb_config config = database_config(options, clock);
    return token_run(&config, options->word_count - 1, options->words + 1, fault);
}

static enum err run_parked(const struct options *options, struct clock *clock, struct fault *fault)
{
    const struct hubdb_config config = database_config(options, clock);
    return parked_run(&config, options->settings, options->word_count - 1, options->words + 1,
                      fault);
}

static enum err run_contact(const struct options *options, struct clock *clock, struct fault *fault)
{
    const struct hubdb_config config = database_config(options, clock);
    return contact_run(&config, options->word_count - 1, options->words + 1, fault);
}

static enum err run_connector(const struct options *options, struct clock *clock,
                              struct fault *fault)
{
    const struct hubdb_config config = database_config(options, clock);
    return connector_run(&config, options->word_count - 1, options->words + 1, fault);
}

static enum err run_config(const struct options *options, struct clock *clock, struct fault *fault)
{
    const struct hubdb_config config = database_config(options, clock);
    return config_run(&config, options->word_count - 1, options->words + 1, fault);
}

static enum err run_order(const struct options *options, struct clock *clock, struct fault *fault)
{
    const struct hubdb_config config = database_config(options, clock);
    return order_run(&config, options->word_count - 1, options->words + 1, fault);
}

static enum err run_device(const struct options *options, struct clock *clock, struct fault *fault)
{
    const struct hubdb_config config = database_config(options, clock);
    return device_run(&config, options->settings, options->word_count - 1, options->words + 1,
                      fault);
}

static enum err run_ca(const struct options *options, struct clock *clock, struct fault *fault)
{
    return ca_run(options->state, options->word_count - 1, options->words + 1, clock_wall_ms(clock),
                  fault);
}

static enum err run_report(const struct options *options, struct clock *clock, struct fault *fault)
{
    return report_run(options->state, options->word_count - 1, options->words + 1,
                      clock_wall_ms(clock), fault);
}

static enum err run_staff(const struct options *options, struct clock *clock, struct fault *fault)
{
    (void)clock;
    return staff_run(options->word_count - 1, options->words + 1, fault);
}

enum { ITS_OWN = -1 }; /* it looks at what follows its name itself */

static const struct command {
    const char *name;
    int words; /* that follow it */
    enum err (*run)(const struct options *options, struct clock *clock, struct fault *fault);
} commands[] = {
    {"backup", 1, run_backup},          {"restore", 1, run_restore},
    {"verify", 0, run_verify},          {"rescue", 0, run_rescue},
    {"rebuild-ledger", 0, run_rebuild}, {"export", 1, run_export},
    {"import", ITS_OWN, run_import},    {"connector", ITS_OWN, run_connector},
    {"parked", ITS_OWN, run_parked},    {"contact", ITS_OWN, run_contact},
    {"token", ITS_OWN, run_token},      {"device", ITS_OWN, run_device},
    {"report", ITS_OWN, run_report},    {"ca", ITS_OWN, run_ca},
    {"config", ITS_OWN, run_config},    {"staff", ITS_OWN, run_staff},
    {"command", ITS_OWN, run_order},
};

static enum err find_command(const struct options *options, const struct command **found,
                             struct fault *fault)
{
    const char *name = options->words[0];
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const struct command *command = &commands[i];
        if (strcmp(command->name, name) != 0)
            continue;
        if (command->words != ITS_OWN && command->words != options->word_count - 1)
            return fault_set(fault, ERR_INVALID, name, "takes %s; see tillback-hub %s --help",
                             command->words ? "one word more" : "nothing more", name);
        *found = command;
        return ERR_OK;
    }
    return fault_set(fault, ERR_INVALID, name, "is no command; --help lists them");
}

/* --- Serving --------------------------------------------------------------------------------- */

static enum err run_hub(const struct options *options, struct clock *clock, struct fault *fault)
{
    struct loop *loop = NULL;
    int lock;
    enum err err = storage_lock(options->state, &lock, fault);
    if (err)
        return err;
    const struct hub_config config = {
        .state = options->state,
        .database = options->database,
        .settings = options->settings,
        .clock = clock,
        .diag = diag_open(STDERR_FILENO, "tillback-hub", DIAG_INFO),
    };
    err = loop_open(&loop, fault);
    if (!err)
        err = serve(loop, &config, fault);
    loop_close(loop);
    diag_close(config.diag);
    storage_unlock(lock);
    return err;
}

/* Serving, and the commands that may come before it. */
static bool may_begin(const struct options *options)
{
    static const char *const words[][2] = {
        {"ca", ""}, {"restore", ""}, {"staff", ""}, {"token", "add"}, {"device", "add"}};
    bool may = options->word_count == 0;
    for (size_t i = 0; !may && i < sizeof words / sizeof *words; i++)
        may = strcmp(options->words[0], words[i][0]) == 0 &&
              (!*words[i][1] ||
               (options->word_count > 1 && strcmp(options->words[1], words[i][1]) == 0));
    return may;
}

/* A name that was mistyped makes no state directory. */
static enum err open_folder(const struct options *options, struct fault *fault)
{
    struct stat found;
    if (may_begin(options))
        return storage_make_folder(options->state, fault);
    return stat(options->state, &found) == 0 && S_ISDIR(found.st_mode)
               ? ERR_OK
               : fault_set(fault, ERR_NOT_FOUND, options->state,
                           "there is no such directory; is --state right?");
}

static int run(const struct options *options)
{
    struct fault fault = {0};
    struct clock *clock = NULL;
    const struct command *command = NULL;
    enum err err = options->word_count ? find_command(options, &command, &fault) : ERR_OK;
    if (!err)
        err = open_folder(options, &fault);
    if (!err)
        err = clock_open(&clock, 0, &fault);
    if (!err)
        err = command ? command->run(options, clock, &fault) : run_hub(options, clock, &fault);
    clock_close(clock);
    if (err)
        (void)tell(&fault);
    return err == ERR_OK ? EXIT_SUCCESS : err == ERR_INVALID ? EXIT_USAGE : EXIT_PROBLEM;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct fault fault = {0};
    int status = EXIT_SUCCESS;
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void)puts("tillback-hub " TILLBACK_VERSION);
        return EXIT_SUCCESS;
    }
    if (read_options(&options, argc, argv, &fault) != ERR_OK) {
        (void)tell(&fault);
        status = EXIT_USAGE;
    } else if (options.help && options.word_count) {
        const char *const texts[] = {usage, config_usage, staff_usage, order_usage};
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            print_help_of(options.words[0], texts[i]);
    } else if (options.help) {
        print_help();
    } else {
        status = run(&options);
    }
    settings_close(options.settings);
    return status;
}
