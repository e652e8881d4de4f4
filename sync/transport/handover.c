#include "sync/transport/handover.h"

#include "hal/base/hex.h"
#include "hal/base/random.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NAME_BYTES = 6, BACKLOG = 4 };

enum err handover_open(struct handover *out, const char *folder, struct fault *fault)
{
    struct handover handover = {.listener = -1, .address = {.sun_family = AF_UNIX}};
    uint8_t bytes[NAME_BYTES];
    char name[2 * NAME_BYTES + 1];
    random_fill(NULL, bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, name);
    int len = snprintf(handover.address.sun_path, sizeof handover.address.sun_path, "%s/%s", folder,
                       name);
    if (len < 0 || (size_t)len >= sizeof handover.address.sun_path)
        return fault_set(fault, ERR_TOO_LARGE, folder,
                         "the path is too long for a socket: use a runtime folder of at most %zu "
                         "characters",
                         sizeof handover.address.sun_path - sizeof name - 1);
    handover.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (handover.listener < 0)
        return fault_errno(fault, errno, folder, "making a socket");
    if (bind(handover.listener, (const struct sockaddr *)&handover.address,
             sizeof handover.address) < 0 ||
        listen(handover.listener, BACKLOG) < 0) {
        int error = errno;
        handover_close(&handover);
        return fault_errno(fault, error, folder, "listening in the runtime folder");
    }
    *out = handover;
    return ERR_OK;
}

static bool is_ours(int fd)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid == getpid() &&
           peer.uid == geteuid();
}

enum err handover_accept(struct handover *handover, int *out, struct fault *fault)
{
    for (;;) {
        int fd = accept4(handover->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && errno == EINTR)
            continue;
        if (fd < 0)
            return fault_errno(fault, ECONNRESET, handover->address.sun_path,
                               "waiting for libmosquitto");
        if (is_ours(fd)) {
            *out = fd;
            return ERR_OK;
        }
        (void)close(fd);
    }
}

void handover_close(struct handover *handover)
{
    if (handover->listener < 0)
        return;
    (void)close(handover->listener);
    (void)unlink(handover->address.sun_path);
    handover->listener = -1;
}
