/*
 * Scanners that act as a keyboard, through libevdev. The device is grabbed, so that what is scanned
 * reaches no console and no window. Its keys become the bytes that a serial scanner would send, and
 * go through the same framing; Enter is the terminator CR.
 */
#include "hal/base/utf8.h"
#include "hal/scanner_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <libevdev/libevdev.h>
#include <stdlib.h>
#include <unistd.h>

struct scanner_port {
    struct libevdev *device;
    int fd;
    struct hid_keys keys;
};

static void hid_detach(struct scanner_port *port)
{
    libevdev_free(port->device); /* takes NULL */
    if (port->fd >= 0)
        (void)close(port->fd);
    free(port);
}

static enum err attach_device(struct scanner_port *port, const char *path, struct fault *fault)
{
    port->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (port->fd < 0)
        return fault_errno(fault, errno, path, "open");
    if (libevdev_new_from_fd(port->fd, &port->device) < 0)
        return fault_set(fault, ERR_UNSUPPORTED, path, "not an input device");
    if (!libevdev_has_event_code(port->device, EV_KEY, KEY_ENTER))
        return fault_set(fault, ERR_UNSUPPORTED, path, "not a keyboard: it has no Enter key");
    int status = libevdev_grab(port->device, LIBEVDEV_GRAB);
    return status < 0 ? fault_errno(fault, -status, path, "grab the device") : ERR_OK;
}

static enum err hid_attach(void *context, const char *path, const struct scanner_line *line,
                           struct scanner_port **out, struct fault *fault)
{
    (void)context;
    struct scanner_port *port = calloc(1, sizeof *port);
    if (!port)
        return fault_set(fault, ERR_NO_MEMORY, path, "out of memory");
    port->fd = -1;
    port->keys.layout = line->layout;
    enum err err = attach_device(port, path, fault);
    if (err) {
        hid_detach(port);
        return err;
    }
    *out = port;
    return ERR_OK;
}

static int hid_descriptor(const struct scanner_port *port)
{
    return port->fd;
}

/* A NUL makes the framer refuse the scan: a character is missing, and none is better than wrong. */
static void spoil(struct buf *bytes)
{
    buf_append_char(bytes, '\0');
}

static void take_event(struct scanner_port *port, const struct input_event *event,
                       struct buf *bytes)
{
    if (event->type != EV_KEY)
        return;
    int typed = hid_keys_take(&port->keys, event->code, event->value);
    if (typed >= 0)
        utf8_append(bytes, (unsigned)typed);
    else if (typed == HID_KEYS_UNKNOWN)
        spoil(bytes);
}

/* The kernel's queue overran: only the modifiers' present state can still be learnt. */
static void catch_up(struct scanner_port *port, struct buf *bytes)
{
    struct input_event event;
    while (libevdev_next_event(port->device, LIBEVDEV_READ_FLAG_SYNC, &event) ==
           LIBEVDEV_READ_STATUS_SYNC)
        if (event.type == EV_KEY)
            (void)hid_keys_take(&port->keys, event.code, event.value);
    spoil(bytes);
}

static enum err hid_read(struct scanner_port *port, struct buf *bytes, struct fault *fault)
{
    struct input_event event;
    int status;
    while ((status = libevdev_next_event(port->device, LIBEVDEV_READ_FLAG_NORMAL, &event)) >= 0) {
        if (status == LIBEVDEV_READ_STATUS_SYNC)
            catch_up(port, bytes);
        else
            take_event(port, &event, bytes);
    }
    if (status == -EAGAIN || status == -EINTR)
        return ERR_OK;
    return fault_set(fault, ERR_CLOSED, "", "the device went away");
}

const struct scanner_backend scanner_hid = {
    .scheme = "hid",
    .attach = hid_attach,
    .descriptor = hid_descriptor,
    .read = hid_read,
    .detach = hid_detach,
};
