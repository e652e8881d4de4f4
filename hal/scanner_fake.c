#include "hal/scanner_fake.h"
#include "hal/scanner_backend.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct scanner_port {
    int fd;
};

struct scanner_fake {
    struct scanner_backend backend;
    bool plugged;
    int feed_fd; /* the other end of the attached port, -1 for none */
};

static enum err fake_attach(void *context, const char *path, const struct scanner_line *line,
                            struct scanner_port **out, struct fault *fault)
{
    (void)line;
    struct scanner_fake *fake = context;
    if (!fake->plugged)
        return fault_set(fault, ERR_NOT_FOUND, path, "the fake is unplugged");
    struct scanner_port *port = calloc(1, sizeof *port);
    int pair[2];
    if (!port || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
        free(port);
        return fault_set(fault, ERR_NO_MEMORY, path, "no descriptors for the fake");
    }
    port->fd = pair[0];
    if (fake->feed_fd >= 0)
        (void)close(fake->feed_fd);
    fake->feed_fd = pair[1];
    *out = port;
    return ERR_OK;
}

static int fake_descriptor(const struct scanner_port *port)
{
    return port->fd;
}

static enum err fake_read(struct scanner_port *port, struct buf *bytes, struct fault *fault)
{
    char chunk[512];
    ssize_t got = read(port->fd, chunk, sizeof chunk);
    if (got > 0)
        buf_append(bytes, chunk, (size_t)got);
    if (got == 0)
        return fault_set(fault, ERR_CLOSED, "", "the fake was unplugged");
    return ERR_OK;
}

static void fake_detach(struct scanner_port *port)
{
    (void)close(port->fd);
    free(port);
}

struct scanner_fake *scanner_fake_open(void)
{
    struct scanner_fake *fake = calloc(1, sizeof *fake);
    if (!fake)
        return NULL;
    fake->plugged = true;
    fake->feed_fd = -1;
    fake->backend = (struct scanner_backend){
        .scheme = "fake",
        .context = fake,
        .attach = fake_attach,
        .descriptor = fake_descriptor,
        .read = fake_read,
        .detach = fake_detach,
    };
    return fake;
}

void scanner_fake_close(struct scanner_fake *fake)
{
    if (!fake)
        return;
    scanner_fake_unplug(fake);
    free(fake);
}

enum err scanner_fake_attach(struct scanner_fake *fake, struct scanner **scanner, struct loop *loop,
                             const struct scanner_config *config,
                             const struct scanner_listener *listener, struct fault *fault)
{
    return scanner_open_backend(scanner, loop, config, listener, &fake->backend, fault);
}

void scanner_fake_feed(struct scanner_fake *fake, struct slice bytes)
{
    ssize_t sent =
        fake->feed_fd >= 0 ? send(fake->feed_fd, bytes.data, bytes.len, MSG_NOSIGNAL) : 0;
    (void)sent; /* what doesn't fit is lost, as on a real line */
}

void scanner_fake_unplug(struct scanner_fake *fake)
{
    fake->plugged = false;
    if (fake->feed_fd >= 0)
        (void)close(fake->feed_fd);
    fake->feed_fd = -1;
}

void scanner_fake_plug(struct scanner_fake *fake)
{
    fake->plugged = true;
}
