#include "hal/watchdog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MESSAGE_MAX = 512 };

struct watchdog {
    int fd; /* -1 when nobody listens */
    struct sockaddr_un address;
    socklen_t address_len;
    int64_t interval_ms;
};

static enum err take_address(struct watchdog *w, const char *path, struct fault *fault)
{
    size_t len = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof w->address.sun_path)
        return fault_set(fault, ERR_INVALID, "NOTIFY_SOCKET",
                         "must be an absolute path or begin with @, and be shorter than %zu bytes",
                         sizeof w->address.sun_path);
    w->address.sun_family = AF_UNIX;
    memcpy(w->address.sun_path, path, len);
    bool abstract = path[0] == '@';
    if (abstract)
        w->address.sun_path[0] = '\0';
    /* an abstract name has no NUL at its end */
    w->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + !abstract);
    w->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return w->fd >= 0 ? ERR_OK : fault_errno(fault, errno, "NOTIFY_SOCKET", "make a socket");
}

static enum err take_interval(struct watchdog *w, const char *text, struct fault *fault)
{
    char *end;
    errno = 0;
    long long us = strtoll(text, &end, 10);
    if (errno || end == text || *end || us <= 0)
        return fault_set(fault, ERR_INVALID, "WATCHDOG_USEC", "must be a number of microseconds");
    w->interval_ms = us / 2000 > 0 ? us / 2000 : 1;
    return ERR_OK;
}

enum err watchdog_open(struct watchdog **out, const char *socket_path, const char *interval_us,
                       struct fault *fault)
{
    struct watchdog *w = calloc(1, sizeof *w);
    if (!w)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    w->fd = -1;
    enum err err = ERR_OK;
    if (socket_path && socket_path[0])
        err = take_address(w, socket_path, fault);
    if (!err && interval_us && w->fd >= 0)
        err = take_interval(w, interval_us, fault);
    if (err) {
        watchdog_close(w);
        return err;
    }
    *out = w;
    return ERR_OK;
}

void watchdog_close(struct watchdog *w)
{
    if (!w)
        return;
    if (w->fd >= 0)
        (void)close(w->fd);
    free(w);
}

int64_t watchdog_interval_ms(const struct watchdog *w)
{
    return w->interval_ms;
}

static void tell(struct watchdog *w, const char *message)
{
    if (w->fd < 0)
        return;
    ssize_t sent = sendto(w->fd, message, strlen(message), MSG_NOSIGNAL,
                          (const struct sockaddr *)&w->address, w->address_len);
    (void)sent;
}

void watchdog_ready(struct watchdog *w)
{
    tell(w, "READY=1");
}

void watchdog_feed(struct watchdog *w)
{
    tell(w, "WATCHDOG=1");
}

void watchdog_status(struct watchdog *w, const char *status)
{
    char message[MESSAGE_MAX];
    (void)snprintf(message, sizeof message, "STATUS=%s", status);
    for (char *at = message; *at; at++)
        if (*at == '\n' || *at == '\r')
            *at = ' ';
    tell(w, message);
}

void watchdog_stopping(struct watchdog *w)
{
    tell(w, "STOPPING=1");
}
