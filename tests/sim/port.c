#include "tests/sim/sim.h"

#include <pty.h>
#include <termios.h>
#include <unistd.h>

int sim_port(const char *link)
{
    int port;
    int other;
    char path[128];
    struct termios raw;
    if (openpty(&port, &other, path, NULL, NULL) != 0)
        return -1;
    if (tcgetattr(other, &raw) == 0) {
        cfmakeraw(&raw);
        (void)tcsetattr(other, TCSANOW, &raw);
    }
    (void)unlink(link);
    if (symlink(path, link) != 0) {
        (void)close(port);
        return -1;
    }
    return port; /* the other end stays open, so that the port outlives its readers */
}
