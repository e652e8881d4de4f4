#include "tests/support/fake_installer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void answer(int fd, const char *text)
{
    char line[2 * FAKE_INSTALLER_TEXT];
    int len = snprintf(line, sizeof line, "%s\n", text);
    (void)!send(fd, line, (size_t)len, MSG_NOSIGNAL);
}

/* Whoever asks has sent its line before anybody could accept. */
static void on_asked(void *context, unsigned ready)
{
    (void)ready;
    struct fake_installer *fake = context;
    char line[FAKE_INSTALLER_TEXT];
    int fd = accept(fake->fd, NULL, NULL);
    ssize_t got = fd >= 0 ? recv(fd, line, sizeof line - 1, 0) : 0;
    if (got > 0) {
        line[got] = '\0';
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "install ", 8) == 0) {
            fake->installs++;
            (void)snprintf(fake->bundle, sizeof fake->bundle, "%s", line + 8);
            if (fake->install)
                answer(fd, fake->install);
        } else {
            fake->statuses++;
            answer(fd, fake->status);
        }
    }
    if (fd >= 0)
        close(fd);
}

void fake_installer_open(struct fake_installer *fake, struct loop *loop,
                         const struct scratch *scratch)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memset(fake, 0, sizeof *fake);
    fake->status = "{\"result\":\"none\",\"running\":\"0.1.0\",\"slot\":\"A\"}";
    scratch_path(scratch, "installer", fake->path);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.100s", fake->path);
    fake->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fake->fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fake->fd, 8) != 0 ||
        loop_poll_open(loop, fake->fd, on_asked, fake, &fake->poll, NULL) != ERR_OK) {
        perror("fake installer");
        exit(1);
    }
    loop_poll_want(fake->poll, LOOP_READ);
}

void fake_installer_close(struct fake_installer *fake)
{
    loop_poll_close(fake->poll);
    close(fake->fd);
}
