#include "hal/device_setting.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Where the options begin: at the first comma with "word=" behind it. */
static const char *options_of(const char *value)
{
    for (const char *comma = strchr(value, ','); comma; comma = strchr(comma + 1, ',')) {
        const char *at = comma + 1;
        while (islower((unsigned char)*at))
            at++;
        if (at > comma + 1 && *at == '=')
            return comma;
    }
    return value + strlen(value);
}

static enum err take_option(const char *at, size_t len, struct device_option *options, size_t count,
                            struct fault *fault)
{
    const char *equals = memchr(at, '=', len);
    size_t name = equals ? (size_t)(equals - at) : len;
    for (size_t i = 0; equals && i < count; i++) {
        if (strlen(options[i].name) != name || memcmp(options[i].name, at, name) != 0)
            continue;
        size_t value = len - name - 1;
        if (value == 0 || value > DEVICE_OPTION_MAX)
            return fault_set(fault, ERR_INVALID, options[i].name, "must have 1 to %d characters",
                             DEVICE_OPTION_MAX);
        memcpy(options[i].value, equals + 1, value);
        options[i].value[value] = '\0';
        return ERR_OK;
    }
    return fault_set(fault, ERR_INVALID, "", "there is no option \"%.*s\" here", (int)name, at);
}

enum err device_setting_read(const char *value, char device[static DEVICE_TEXT_MAX + 1],
                             struct device_option *options, size_t count, struct fault *fault)
{
    const char *rest = options_of(value);
    size_t len = (size_t)(rest - value);
    if (len > DEVICE_TEXT_MAX)
        return fault_set(fault, ERR_INVALID, "device", "must have at most %d characters",
                         DEVICE_TEXT_MAX);
    while (*rest == ',') {
        size_t option = strcspn(rest + 1, ",");
        enum err err = take_option(rest + 1, option, options, count, fault);
        if (err)
            return err;
        rest += 1 + option;
    }
    memcpy(device, value, len);
    device[len] = '\0';
    return ERR_OK;
}

enum err device_option_number(const struct device_option *option, int least, int most, int fallback,
                              int *number, struct fault *fault)
{
    if (!option->value[0]) {
        *number = fallback;
        return ERR_OK;
    }
    char *end;
    long value = strtol(option->value, &end, 10);
    if (*end || value < least || value > most)
        return fault_set(fault, ERR_INVALID, option->name, "must be a whole number from %d to %d",
                         least, most);
    *number = (int)value;
    return ERR_OK;
}
