/*
 * The value of a setting that names a device: "serial:/dev/ttyS0,lane=01,baud=19200". What comes
 * after the device are options, each once; an unknown one is refused by name. Pure.
 */
#ifndef HAL_DEVICE_SETTING_H
#define HAL_DEVICE_SETTING_H

#include "hal/base/fault.h"

enum { DEVICE_TEXT_MAX = 511, DEVICE_OPTION_MAX = 200 };

struct device_option {
    const char *name;
    char value[DEVICE_OPTION_MAX + 1]; /* "" as long as it isn't given */
};

/*
 * Takes the value apart: `device` gets what stands before the options, and each option named in the
 * list its value. ERR_INVALID, with the option, for one that isn't listed.
 */
enum err device_setting_read(const char *value, char device[static DEVICE_TEXT_MAX + 1],
                             struct device_option *options, size_t count,
                             struct fault *fault) MUST_CHECK;
/* An option's whole number within the bounds; `fallback` when it isn't given. */
enum err device_option_number(const struct device_option *option, int least, int most, int fallback,
                              int *number, struct fault *fault) MUST_CHECK;

#endif
