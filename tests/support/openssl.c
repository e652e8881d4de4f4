#include "tests/support/openssl.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_TRIES = 1000, TRY_EVERY_NS = 10000000 };

bool openssl_present(void)
{
    return system("openssl version >/dev/null 2>&1") == 0; /* NOLINT(cert-env33-c) */
}

bool openssl_run(char *out, size_t size, const char *arguments, ...)
{
    char rest[2048], command[2200];
    va_list args;
    va_start(args, arguments);
    (void)vsnprintf(rest, sizeof rest, arguments, args);
    va_end(args);
    (void)snprintf(command, sizeof command, "openssl %s 2>&1", rest);
    FILE *pipe = popen(command, "r"); /* NOLINT(cert-env33-c) */
    if (!pipe)
        return false;
    size_t len = fread(out, 1, size - 1, pipe);
    out[len] = '\0';
    char rubbish[1024];
    while (fread(rubbish, 1, sizeof rubbish, pipe) > 0)
        continue;
    return pclose(pipe) == 0;
}

static void become_server(const char *command)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int nothing = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        (void)dup2(nothing, fd);
    (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static bool answers(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    (void)close(fd);
    return connected;
}

pid_t openssl_serve(uint16_t port, const char *arguments, ...)
{
    char rest[2048], command[2200];
    va_list args;
    va_start(args, arguments);
    (void)vsnprintf(rest, sizeof rest, arguments, args);
    va_end(args);
    (void)snprintf(command, sizeof command, "exec openssl s_server -accept 127.0.0.1:%u %s", port,
                   rest);
    pid_t server = fork();
    if (server == 0)
        become_server(command);
    for (int i = 0; server > 0 && i < START_TRIES; i++) {
        if (answers(port))
            return server;
        if (waitpid(server, NULL, WNOHANG) != 0)
            break;
        (void)nanosleep(&(struct timespec){.tv_nsec = TRY_EVERY_NS}, NULL);
    }
    (void)fprintf(stderr, "it did not start: %s\n", command);
    exit(1);
}

void openssl_kill(pid_t server)
{
    (void)kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
}
