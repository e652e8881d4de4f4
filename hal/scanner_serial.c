/*
 * Serial scanners through libserialport: 8 data bits, no parity, 1 stop bit, no flow control, raw.
 *
 * libserialport opens only what the system lists under /sys/class/tty by its own name, and asks for
 * modem lines. So links such as /dev/serial/by-id/... are resolved first; and a terminal that is no
 * listed port (a pty: a simulated scanner, socat, a virtual machine's line) is opened plainly.
 */
#include "hal/scanner_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <libserialport.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

struct scanner_port {
    struct sp_port *sp; /* NULL for a plain terminal */
    int fd;
};

static enum err fail(enum sp_return status, const char *path, const char *doing,
                     struct fault *fault)
{
    if (status == SP_ERR_FAIL)
        return fault_errno(fault, sp_last_error_code(), path, doing);
    if (status == SP_ERR_MEM)
        return fault_set(fault, ERR_NO_MEMORY, path, "%s: out of memory", doing);
    return fault_set(fault, ERR_UNSUPPORTED, path, "%s: the port can't do that", doing);
}

static enum err configure(struct sp_port *sp, const char *path, int baud, struct fault *fault)
{
    enum sp_return status = sp_set_baudrate(sp, baud);
    if (status != SP_OK)
        return fail(status, path, "set the baud rate", fault);
    status = sp_set_bits(sp, 8);
    if (status == SP_OK)
        status = sp_set_parity(sp, SP_PARITY_NONE);
    if (status == SP_OK)
        status = sp_set_stopbits(sp, 1);
    if (status == SP_OK)
        status = sp_set_flowcontrol(sp, SP_FLOWCONTROL_NONE);
    return status == SP_OK ? ERR_OK : fail(status, path, "set the line", fault);
}

static enum err attach_listed(struct scanner_port *port, const char *path, int baud,
                              struct fault *fault)
{
    enum sp_return status = sp_get_port_by_name(path, &port->sp);
    if (status != SP_OK)
        return fail(status, path, "find the port", fault);
    status = sp_open(port->sp, SP_MODE_READ_WRITE);
    if (status != SP_OK) {
        sp_free_port(port->sp);
        port->sp = NULL;
        return fail(status, path, "open the port", fault);
    }
    (void)sp_get_port_handle(port->sp, &port->fd);
    (void)fcntl(port->fd, F_SETFD, FD_CLOEXEC);
    return configure(port->sp, path, baud, fault);
}

static enum err attach_plain(struct scanner_port *port, const char *path, struct fault *fault)
{
    port->fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (port->fd < 0)
        return fault_errno(fault, errno, path, "open");
    struct termios line;
    if (tcgetattr(port->fd, &line) != 0)
        return fault_set(fault, ERR_UNSUPPORTED, path, "neither a serial port nor a terminal");
    cfmakeraw(&line);
    if (tcsetattr(port->fd, TCSANOW, &line) != 0)
        return fault_errno(fault, errno, path, "set the line");
    return ERR_OK;
}

static bool is_listed(const char *device)
{
    static const char devices[] = "/dev/";
    char entry[PATH_MAX];
    if (strncmp(device, devices, sizeof devices - 1) != 0)
        return false;
    int len = snprintf(entry, sizeof entry, "/sys/class/tty/%s", device + sizeof devices - 1);
    return len > 0 && (size_t)len < sizeof entry && access(entry, F_OK) == 0;
}

static void serial_detach(struct scanner_port *port)
{
    if (port->sp) {
        (void)sp_close(port->sp);
        sp_free_port(port->sp);
    } else if (port->fd >= 0) {
        (void)close(port->fd);
    }
    free(port);
}

static enum err serial_attach(void *context, const char *path, int baud, struct scanner_port **out,
                              struct fault *fault)
{
    (void)context;
    char device[PATH_MAX];
    if (!realpath(path, device))
        return fault_errno(fault, errno, path, "find the device");
    struct scanner_port *port = calloc(1, sizeof *port);
    if (!port)
        return fault_set(fault, ERR_NO_MEMORY, path, "out of memory");
    port->fd = -1;
    enum err err = is_listed(device) ? attach_listed(port, device, baud, fault)
                                     : attach_plain(port, device, fault);
    if (err) {
        serial_detach(port);
        return err;
    }
    *out = port;
    return ERR_OK;
}

static int serial_descriptor(const struct scanner_port *port)
{
    return port->fd;
}

/* A raw line reads as empty both when nothing came and when it is gone; poll(2) tells which. */
static bool hung_up(int fd)
{
    struct pollfd state = {.fd = fd, .events = POLLIN};
    return poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR | POLLNVAL));
}

static enum err serial_read(struct scanner_port *port, struct buf *bytes, struct fault *fault)
{
    char chunk[1024];
    ssize_t got = read(port->fd, chunk, sizeof chunk);
    if (got > 0) {
        buf_append(bytes, chunk, (size_t)got);
        return ERR_OK;
    }
    if (got < 0 && errno != EAGAIN && errno != EINTR)
        return fault_errno(fault, errno, "", "read");
    if (hung_up(port->fd))
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
