/*
 * What is plugged in that could be a scanner: serial ports (by libserialport) and keyboards (input
 * devices, by /dev/input/by-id and /sys), each with the name that stays the same when it is plugged
 * in elsewhere. Blocks on the file system for a moment; any thread.
 */
#ifndef HAL_PORTS_H
#define HAL_PORTS_H

#include "hal/base/fault.h"

enum { PORTS_MAX = 32, PORT_DEVICE_MAX = 300, PORT_TEXT_MAX = 80 };

struct port {
    char device[PORT_DEVICE_MAX + 1]; /* as settings name it: "serial:/dev/serial/by-id/..." */
    char node[PORT_DEVICE_MAX + 1];   /* what that stands for just now: "/dev/ttyACM0" */
    char vendor[PORT_TEXT_MAX + 1];   /* texts are "" when the device doesn't tell */
    char product[PORT_TEXT_MAX + 1];
    char serial_number[PORT_TEXT_MAX + 1];
};

struct ports {
    struct port list[PORTS_MAX];
    size_t count;
};

/* `root` stands before /dev and /sys of keyboards and links: "", but in tests. */
void ports_find(const char *root, struct ports *ports);

#endif
