/*
 * What stands behind a scanner: how one kind of device is attached, read and let go. The scanner
 * (hal/scanner.c) does all the rest: when to attach, when to try again, framing, telling.
 * Loop thread only; nothing here waits.
 */
#ifndef HAL_SCANNER_BACKEND_H
#define HAL_SCANNER_BACKEND_H

#include "hal/scanner.h"

struct scanner_port;

/* How the device speaks. */
struct scanner_line {
    int baud;               /* of a serial one */
    enum hid_layout layout; /* of one that acts as a keyboard */
};

struct scanner_backend {
    const char *scheme; /* the device's part before the colon */
    void *context;      /* handed to attach; NULL for the real ones */

    /* `path` is the device's part after the colon. ERR_NOT_FOUND while it is absent. */
    enum err (*attach)(void *context, const char *path, const struct scanner_line *line,
                       struct scanner_port **port, struct fault *fault);
    /* What to watch; readable when there are bytes or the device went away. */
    int (*descriptor)(const struct scanner_port *port);
    /* Appends what is there now, maybe nothing. ERR_CLOSED or another error: the device is gone. */
    enum err (*read)(struct scanner_port *port, struct buf *bytes, struct fault *fault);
    void (*detach)(struct scanner_port *port);
};

/* On a serial line (hal/scanner_serial.c). */
extern const struct scanner_backend scanner_serial;
/* Keyboard-like scanners, by libevdev (hal/scanner_hid.c). */
extern const struct scanner_backend scanner_hid;

/* As scanner_open, with a backend that the caller keeps until scanner_close. */
enum err scanner_open_backend(struct scanner **scanner, struct loop *loop,
                              const struct scanner_config *config,
                              const struct scanner_listener *listener,
                              const struct scanner_backend *backend,
                              struct fault *fault) MUST_CHECK;

#endif
