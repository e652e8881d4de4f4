#include "hal/panel_device.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/input.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct device {
    char lamps[PANEL_LAMP_COUNT][PATH_MAX]; /* "" for none */
    char beeper[PATH_MAX];
};

/* What the device doesn't take is lost, as a lamp that is unplugged isn't lit. */
static void write_to(const char *path, const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t written = write(fd, bytes, len);
    (void)written;
    (void)close(fd);
}

static void lamp(void *context, enum panel_lamp which, bool lit)
{
    const struct device *device = context;
    if (device->lamps[which][0])
        write_to(device->lamps[which], lit ? "255\n" : "0\n", lit ? 4 : 2);
}

/* Linux input: EV_SND, SND_TONE, the frequency; and the report's end. */
static void beep(void *context, int hertz)
{
    const struct device *device = context;
    const struct input_event events[] = {
        {.type = EV_SND, .code = SND_TONE, .value = hertz},
        {.type = EV_SYN, .code = SYN_REPORT},
    };
    if (device->beeper[0])
        write_to(device->beeper, events, sizeof events);
}

static const struct panel_ops ops = {.lamp = lamp, .beep = beep, .close = free};

static enum err take(char out[static PATH_MAX], const char *path, const char *file,
                     const char *field, struct fault *fault)
{
    if (!path[0])
        return ERR_OK;
    int len = snprintf(out, PATH_MAX, "%s%s", path, file);
    return len < 0 || len >= PATH_MAX ? fault_set(fault, ERR_INVALID, field, "the path is too long")
                                      : ERR_OK;
}

enum err panel_device_make(const struct panel_device_config *config, const struct panel_ops **out,
                           void **context, struct fault *fault)
{
    struct device *device = calloc(1, sizeof *device);
    if (!device)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    enum err err =
        take(device->lamps[PANEL_GREEN], config->lamps[PANEL_GREEN], "/brightness", "green", fault);
    if (!err)
        err = take(device->lamps[PANEL_RED], config->lamps[PANEL_RED], "/brightness", "red", fault);
    if (!err)
        err = take(device->beeper, config->beeper, "", "beep", fault);
    if (!err && !device->lamps[PANEL_GREEN][0] && !device->lamps[PANEL_RED][0] &&
        !device->beeper[0])
        err = fault_set(fault, ERR_INVALID, "", "names neither green, red nor beep");
    if (err) {
        free(device);
        return err;
    }
    *out = &ops;
    *context = device;
    return ERR_OK;
}

enum err panel_device_open(struct panel **panel, struct loop *loop,
                           const struct panel_device_config *config, struct fault *fault)
{
    const struct panel_ops *made;
    void *device;
    enum err err = panel_device_make(config, &made, &device, fault);
    return err ? err : panel_open(panel, loop, made, device, fault);
}
