#include "hal/serial_line.h"

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

struct serial_line {
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

static enum err configure(struct sp_port *sp, const char *path, int baud, enum serial_flow flow,
                          struct fault *fault)
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
        status = sp_set_flowcontrol(sp, flow == SERIAL_FLOW_XONXOFF ? SP_FLOWCONTROL_XONXOFF
                                                                    : SP_FLOWCONTROL_NONE);
    return status == SP_OK ? ERR_OK : fail(status, path, "set the line", fault);
}

static enum err open_listed(struct serial_line *line, const char *path, int baud,
                            enum serial_flow flow, struct fault *fault)
{
    enum sp_return status = sp_get_port_by_name(path, &line->sp);
    if (status != SP_OK)
        return fail(status, path, "find the port", fault);
    status = sp_open(line->sp, SP_MODE_READ_WRITE);
    if (status != SP_OK) {
        sp_free_port(line->sp);
        line->sp = NULL;
        return fail(status, path, "open the port", fault);
    }
    (void)sp_get_port_handle(line->sp, &line->fd);
    (void)fcntl(line->fd, F_SETFD, FD_CLOEXEC);
    return configure(line->sp, path, baud, flow, fault);
}

static enum err open_plain(struct serial_line *line, const char *path, enum serial_flow flow,
                           struct fault *fault)
{
    line->fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (line->fd < 0)
        return fault_errno(fault, errno, path, "open");
    struct termios mode;
    if (tcgetattr(line->fd, &mode) != 0)
        return fault_set(fault, ERR_UNSUPPORTED, path, "neither a serial port nor a terminal");
    cfmakeraw(&mode);
    if (flow == SERIAL_FLOW_XONXOFF)
        mode.c_iflag |= IXON;
    if (tcsetattr(line->fd, TCSANOW, &mode) != 0)
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

void serial_line_close(struct serial_line *line)
{
    if (!line)
        return;
    if (line->sp) {
        (void)sp_close(line->sp);
        sp_free_port(line->sp);
    } else if (line->fd >= 0) {
        (void)close(line->fd);
    }
    free(line);
}

enum err serial_line_open(struct serial_line **out, const char *path, int baud,
                          enum serial_flow flow, struct fault *fault)
{
    char device[PATH_MAX];
    if (!realpath(path, device))
        return fault_errno(fault, errno, path, "find the device");
    struct serial_line *line = calloc(1, sizeof *line);
    if (!line)
        return fault_set(fault, ERR_NO_MEMORY, path, "out of memory");
    line->fd = -1;
    enum err err = is_listed(device) ? open_listed(line, device, baud, flow, fault)
                                     : open_plain(line, device, flow, fault);
    if (err) {
        serial_line_close(line);
        return err;
    }
    *out = line;
    return ERR_OK;
}

bool serial_line_hung_up(int descriptor)
{
    struct pollfd state = {.fd = descriptor, .events = POLLIN};
    return poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR | POLLNVAL));
}

int serial_line_descriptor(const struct serial_line *line)
{
    return line->fd;
}
