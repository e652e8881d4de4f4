/*
 * What may leave the appliance with a technician: what is listed here as harmless, never what is
 * left after a search for secrets. Pure; any thread.
 */
#ifndef AGENT_SERVICE_HARMLESS_H
#define AGENT_SERVICE_HARMLESS_H

#include "hal/base/buf.h"
#include "hal/device_setting.h"

/*
 * Appends what of one line of diagnostics may leave the appliance, and a newline; nothing of a line
 * that isn't one. The sentence only where none of its kind can hold what people typed.
 */
void harmless_line(struct slice line, struct buf *out);

/* The device and the lane ("") of a device's setting; the rest of the value stays here. */
bool harmless_device(const char *value, char device[static DEVICE_TEXT_MAX + 1],
                     char lane[static DEVICE_OPTION_MAX + 1]);

#endif
