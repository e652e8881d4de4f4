/*
 * A panel of the kernel's devices: LEDs (a folder of /sys/class/leds with its file "brightness")
 * and a beeper (an input device that takes tones, such as
 * /dev/input/by-path/platform-pcspkr-event-spkr). Each may be missing; what can't be opened now is
 * tried again at every sign, so that a lamp on a USB lead may come later.
 */
#ifndef HAL_PANEL_DEVICE_H
#define HAL_PANEL_DEVICE_H

#include "hal/panel.h"

struct panel_device_config {
    const char *lamps[PANEL_LAMP_COUNT]; /* folders; "" for none */
    const char *beeper;                  /* "" for none */
};

/* ERR_INVALID when it names nothing at all. The texts are copied. */
enum err panel_device_open(struct panel **panel, struct loop *loop,
                           const struct panel_device_config *config,
                           struct fault *fault) MUST_CHECK;

/* The same devices for another face (hal/beacon.h): `context` is closed by ops->close. */
enum err panel_device_make(const struct panel_device_config *config, const struct panel_ops **ops,
                           void **context, struct fault *fault) MUST_CHECK;

#endif
