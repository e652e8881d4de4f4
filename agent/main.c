/* tillbackd: the appliance's program. */
#include "agent/appliance.h"
#include "agent/service/not_started.h"
#include "agent/service/setup.h"
#include "hal/base/cleanup.h"
#include "hal/base/version.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { EXIT_FINE = 0, EXIT_PROBLEM = 1, EXIT_USAGE = 2 };

static void print_help(void)
{
    struct buf keys CLEANUP(buf_free);
    buf_init(&keys, 16 * 1024);
    settings_help(appliance_settings, appliance_setting_count, &keys);
    printf("usage: tillbackd --state DIR [--config FILE] [--set KEY=VALUE]...\n"
           "\n"
           "Captures returns at a store, decides them, keeps them, and sends them to the hub.\n"
           "On an empty state directory it starts, serves and captures; `tillback provision`\n"
           "gives it an identity. Diagnostics go to standard error, a line of JSON each;\n"
           "\"ready http=ADDRESS\" goes to standard output.\n"
           "\n"
           "settings:\n%s",
           keys.data ? keys.data : "");
}

static int fail(const struct fault *fault)
{
    fprintf(stderr, "tillbackd: %s%s%s\n", fault->where, fault->where[0] ? ": " : "", fault->text);
    return EXIT_PROBLEM;
}

/* Who stands before the box reads it on the screen; who started this, here. */
static int fail_to_start(const char *folder, enum err err, const struct fault *why)
{
    struct fault fault = {0};
    (void)fail(why);
    if (folder && not_started_note(folder, err, why, &fault) != ERR_OK)
        (void)fail(&fault);
    return EXIT_PROBLEM;
}

static int usage(const char *word, const char *problem)
{
    fprintf(stderr, "tillbackd: %s %s\nTry tillbackd --help.\n", word, problem);
    return EXIT_USAGE;
}

static int serve(const char *folder, const struct settings *settings)
{
    struct fault fault = {0};
    for (bool again = true; again;) {
        struct appliance *appliance;
        enum err err = appliance_open(&appliance, folder, settings, &fault);
        if (err)
            return fail_to_start(folder, err, &fault);
        printf("ready http=%s\n", appliance_address(appliance));
        fflush(stdout);
        again = appliance_run(appliance);
        appliance_close(appliance);
    }
    return EXIT_FINE;
}

/* Reads the arguments; returns -1 to go on, or the exit code. */
static int read_arguments(int count, char **words, struct settings *settings, const char **folder)
{
    struct fault fault = {0};
    for (int i = 1; i < count; i += 2) {
        const char *value = i + 1 < count ? words[i + 1] : NULL;
        enum err err = ERR_OK;
        if (strcmp(words[i], "--help") == 0) {
            print_help();
            return EXIT_FINE;
        }
        if (strcmp(words[i], "--version") == 0) {
            puts("tillbackd " TILLBACK_VERSION);
            return EXIT_FINE;
        }
        if (!slice_among(slice_of(words[i]), "--state --config --set"))
            return usage(words[i], "is no option");
        if (!value)
            return usage(words[i], "needs a value");
        if (strcmp(words[i], "--state") == 0)
            *folder = value;
        else if (strcmp(words[i], "--config") == 0)
            err = settings_load(settings, value, &fault);
        else
            err = settings_set(settings, value, &fault);
        if (err) {
            (void)fail_to_start(*folder, err, &fault);
            return EXIT_USAGE;
        }
    }
    return *folder ? -1 : usage("--state DIR", "is missing");
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    struct fault fault = {0};
    struct settings *settings;
    if (settings_open(&settings, appliance_settings, appliance_setting_count, &fault) != ERR_OK)
        return fail(&fault);
    const char *folder = NULL;
    int code = read_arguments(argc, argv, settings, &folder);
    if (code < 0)
        code = serve(folder, settings);
    settings_close(settings);
    return code;
}
