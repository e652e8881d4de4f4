/* Scanners on a serial line. */
#include "hal/scanner_backend.h"
#include "hal/serial_line.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct scanner_port {
    struct serial_line *line;
};

static enum err serial_attach(void *context, const char *path, const struct scanner_line *line,
                              struct scanner_port **out, struct fault *fault)
{
    (void)context;
    struct scanner_port *port = calloc(1, sizeof *port);
    if (!port)
        return fault_set(fault, ERR_NO_MEMORY, path, "out of memory");
    enum err err = serial_line_open(&port->line, path, line->baud, SERIAL_FLOW_NONE, fault);
    if (err) {
        free(port);
        return err;
    }
    *out = port;
    return ERR_OK;
}

static void serial_detach(struct scanner_port *port)
{
    serial_line_close(port->line);
    free(port);
}

static int serial_descriptor(const struct scanner_port *port)
{
    return serial_line_descriptor(port->line);
}

static enum err serial_read(struct scanner_port *port, struct buf *bytes, struct fault *fault)
{
    char chunk[1024];
    int fd = serial_line_descriptor(port->line);
    ssize_t got = read(fd, chunk, sizeof chunk);
    if (got > 0) {
        buf_append(bytes, chunk, (size_t)got);
        return ERR_OK;
    }
    if (got < 0 && errno != EAGAIN && errno != EINTR)
        return fault_errno(fault, errno, "", "read");
    if (serial_line_hung_up(fd))
        return fault_set(fault, ERR_CLOSED, "", "the device went away");
    return ERR_OK;
}

const struct scanner_backend scanner_serial = {
    .scheme = "serial",
    .attach = serial_attach,
    .descriptor = serial_descriptor,
    .read = serial_read,
    .detach = serial_detach,
};
