/*
 * A serial line, opened through libserialport: 8 data bits, no parity, 1 stop bit, raw, not
 * blocking.
 *
 * libserialport opens only what the system lists under /sys/class/tty by its own name, and asks for
 * modem lines. So links such as /dev/serial/by-id/... are resolved first; and a terminal that is no
 * listed port (a pty: a simulated device, socat, a virtual machine's line) is opened plainly.
 */
#ifndef HAL_SERIAL_LINE_H
#define HAL_SERIAL_LINE_H

#include "hal/base/buf.h"

struct serial_line;

/* XONXOFF: what is sent pauses when the device asks for it. */
enum serial_flow { SERIAL_FLOW_NONE, SERIAL_FLOW_XONXOFF };

/* ERR_NOT_FOUND while the device is absent, ERR_UNSUPPORTED for what is no serial line. */
enum err serial_line_open(struct serial_line **line, const char *path, int baud,
                          enum serial_flow flow, struct fault *fault) MUST_CHECK;
void serial_line_close(struct serial_line *line); /* takes NULL */
/* For loop_poll_open, read(2) and write(2). */
int serial_line_descriptor(const struct serial_line *line);
/*
 * True if the device went away. A raw line reads as empty both then and when nothing came: this
 * tells which. Doesn't block.
 */
bool serial_line_hung_up(int descriptor);

#endif
