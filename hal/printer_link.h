/*
 * The way of bytes to a printer and back: opens `serial:PATH`, `usb:PATH` (a line printer such as
 * /dev/usb/lp0), `tcp:HOST:PORT` or `file:PATH` (appended to, for tests and demonstrations), and
 * gives a descriptor that doesn't block. What goes over it is the printer's business
 * (hal/printer.h). Loop thread only; name look-up and connecting don't block, opening a device or a
 * file may for a moment.
 */
#ifndef HAL_PRINTER_LINK_H
#define HAL_PRINTER_LINK_H

#include "hal/loop.h"

#include <sys/types.h>

struct printer_link;

/* Comes once, from the loop: ERR_OK, or why it failed. The link may be closed within. */
typedef void printer_link_opened(void *context, enum err err, const struct fault *fault);

/* Checks the form of a device's name: ERR_INVALID. */
enum err printer_link_check(const char *device, struct fault *fault) MUST_CHECK;

/* `device` is copied and must have passed the check. `baud`: of a serial line. */
enum err printer_link_open(struct printer_link **link, struct loop *loop, const char *device,
                           int baud, printer_link_opened *opened, void *context,
                           struct fault *fault) MUST_CHECK;
void printer_link_close(struct printer_link *link); /* takes NULL; before or after it opened */

/* Once it has opened; to watch. */
int printer_link_descriptor(const struct printer_link *link);
/* As read(2) and write(2), with errno; never raises SIGPIPE. */
ssize_t printer_link_read(struct printer_link *link, void *bytes, size_t len);
ssize_t printer_link_write(struct printer_link *link, const void *bytes, size_t len);
/* After a read of no bytes: true if the other side went away. Doesn't block. */
bool printer_link_gone(const struct printer_link *link);
/* True for a file: it is always ready, can't be watched, and never answers. */
bool printer_link_is_file(const struct printer_link *link);

#endif
