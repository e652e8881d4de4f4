#include "hal/base/version.h"
#include "tests/sim/sim.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct sim_command commands[] = {
    {"scanner", "--link PATH [--suffix TEXT]",
     "a serial scanner at PATH (a link to a pty); each line of standard input is a scan",
     sim_scanner},
    {"printer", "--listen ADDRESS:PORT|--link PATH --paper FILE [--bytes FILE]",
     "a receipt printer whose paper is a text file; standard input: paper-out, cover-open, off, "
     "ready",
     sim_printer},
    {"pos",
     "--url URL [--token-file FILE] [--record FILE] [--returns N] [--rate PER_SECOND] "
     "[--tills N] [--seed N] [--store 0042]",
     "tills that sell, and return what they sold; FILE gets a line for each answer", sim_pos},
    {"fleet",
     "N --state HUB_STATE --url mqtts://HOST:PORT [--prefix sim] [--refuse M] [--silent M] "
     "[--grow M]",
     "N appliances that take configurations; the first M of them refuse each, or never say that "
     "they took it, or have more and more that waits from then on; tells when all are connected, "
     "and when all have answered a version",
     sim_fleet},
};

const char *sim_option(int argc, char **argv, const char *name, const char *fallback)
{
    for (int i = 0; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return argv[i + 1];
    return fallback;
}

long sim_number(int argc, char **argv, const char *name, long fallback)
{
    const char *text = sim_option(argc, argv, name, NULL);
    return text ? strtol(text, NULL, 10) : fallback;
}

static void print_help(void)
{
    puts("usage: tillback-sim COMMAND\n\n"
         "Stand-ins for what stands around an appliance, for tests, demos and measurements.\n\n"
         "commands:");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        printf("  %s %s\n      %s\n", commands[i].name, commands[i].arguments, commands[i].help);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        print_help();
        return argc < 2 ? 2 : 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("tillback-sim " TILLBACK_VERSION);
        return 0;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, argv[1]) == 0)
            return commands[i].run(argc - 2, argv + 2);
    fprintf(stderr, "tillback-sim: there is no command %s; try --help\n", argv[1]);
    return 2;
}
