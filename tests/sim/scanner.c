#include "tests/sim/sim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fail(const char *doing)
{
    fprintf(stderr, "tillback-sim: %s: %s\n", doing, strerror(errno));
    return 1;
}

static int send_scan(int port, const char *line, size_t len, const char *suffix)
{
    char frame[4200];
    int size = snprintf(frame, sizeof frame, "%.*s%s\r", (int)len, line, suffix);
    if (size < 0 || (size_t)size >= sizeof frame)
        return 0; /* longer than a scanner's buffer */
    return write(port, frame, (size_t)size) == size ? 0 : -1;
}

int sim_scanner(int argc, char **argv)
{
    const char *link = sim_option(argc, argv, "--link", NULL);
    const char *suffix = sim_option(argc, argv, "--suffix", "");
    if (!link) {
        fputs("tillback-sim: scanner needs --link PATH\n", stderr);
        return 2;
    }
    int port = sim_port(link);
    if (port < 0)
        return fail(link);
    printf("ready scanner=%s\n", link);
    fflush(stdout);
    char line[4096];
    while (fgets(line, sizeof line, stdin))
        if (send_scan(port, line, strcspn(line, "\r\n"), suffix) != 0)
            return fail("scan");
    (void)unlink(link);
    return 0;
}
