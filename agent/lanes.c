#include "agent/lanes.h"
#include "hal/device_setting.h"
#include "hal/panel_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCANNERS_MAX = 16, PANELS_MAX = 16 };

struct lane_scanner {
    struct lanes *lanes;
    struct scanner *scanner;
    char name[SCANNER_NAME_MAX + 1];
    char lane[SCANNER_LANE_MAX + 1];
    char device[DEVICE_TEXT_MAX + 1];
};

struct lane_panel {
    struct panel *panel;
    char lane[SCANNER_LANE_MAX + 1];
};

struct lanes {
    struct loop *loop;
    struct diag *diag;
    struct lanes_listener listener;
    struct lane_scanner scanners[SCANNERS_MAX];
    size_t scanner_count;
    struct lane_panel panels[PANELS_MAX];
    size_t panel_count;
    bool cant_save; /* is shown at one at least */
};

enum err lanes_open(struct lanes **out, struct loop *loop, struct diag *diag,
                    const struct lanes_listener *listener, struct fault *fault)
{
    struct lanes *lanes = calloc(1, sizeof *lanes);
    if (!lanes)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    lanes->loop = loop;
    lanes->diag = diag;
    lanes->listener = *listener;
    *out = lanes;
    return ERR_OK;
}

void lanes_close(struct lanes *lanes)
{
    if (!lanes)
        return;
    for (size_t i = 0; i < lanes->scanner_count; i++)
        scanner_close(lanes->scanners[i].scanner);
    for (size_t i = 0; i < lanes->panel_count; i++)
        panel_close(lanes->panels[i].panel);
    free(lanes);
}

static enum err take_lane(char out[static SCANNER_LANE_MAX + 1], const struct device_option *lane,
                          struct fault *fault)
{
    if (strlen(lane->value) > SCANNER_LANE_MAX)
        return fault_set(fault, ERR_INVALID, "lane", "must have at most %d characters",
                         SCANNER_LANE_MAX);
    (void)snprintf(out, SCANNER_LANE_MAX + 1, "%.*s", SCANNER_LANE_MAX, lane->value);
    return ERR_OK;
}

/* --- Scanners ----------------------------------------------------------------------------------
 */

static void on_scan(void *context, const struct scan *scan)
{
    const struct lanes *lanes = ((struct lane_scanner *)context)->lanes;
    lanes->listener.scanned(lanes->listener.context, scan);
}

static void on_refused(void *context, const char *scanner, const char *why, size_t bytes)
{
    const struct lane_scanner *s = context;
    diag_write(s->lanes->diag, DIAG_WARN, "scanner.refused", "%s: %zu bytes: %s", scanner, bytes,
               why);
    lanes_show(s->lanes, s->lane, PANEL_REFUSED);
}

static void on_changed(void *context, const char *scanner, enum scanner_state state)
{
    const struct lanes *lanes = ((struct lane_scanner *)context)->lanes;
    diag_write(lanes->diag, DIAG_INFO, "scanner.changed", "%s is %s", scanner,
               state == SCANNER_READY ? "ready" : "absent");
    lanes->listener.scanner_changed(lanes->listener.context, scanner, state);
}

static enum err take_layout(const struct device_option *option, enum hid_layout *layout,
                            struct fault *fault)
{
    for (int i = 0; i < HID_LAYOUT_COUNT; i++) {
        if (strcmp(option->value[0] ? option->value : "us", hid_layout_words[i]) != 0)
            continue;
        *layout = (enum hid_layout)i;
        return ERR_OK;
    }
    return fault_set(fault, ERR_INVALID, "layout", "must be us, uk, de, fr, es or pt");
}

static enum err open_scanner(struct lane_scanner *s, const char *name, const char *value,
                             struct fault *fault)
{
    enum { LANE, BAUD, LAYOUT, PREFIX, SUFFIX, COUNT };
    struct device_option options[COUNT] = {[LANE] = {.name = "lane"},
                                           [BAUD] = {.name = "baud"},
                                           [LAYOUT] = {.name = "layout"},
                                           [PREFIX] = {.name = "prefix"},
                                           [SUFFIX] = {.name = "suffix"}};
    struct scanner_config config = {.name = name, .device = s->device, .lane = s->lane};
    (void)snprintf(s->name, sizeof s->name, "%.*s", SCANNER_NAME_MAX, name);
    enum err err = device_setting_read(value, s->device, options, COUNT, fault);
    if (!err)
        err = take_lane(s->lane, &options[LANE], fault);
    if (!err)
        err = take_layout(&options[LAYOUT], &config.layout, fault);
    if (!err)
        err = device_option_number(&options[BAUD], 300, 4000000, 0, &config.baud, fault);
    if (err)
        return err;
    config.prefix = options[PREFIX].value;
    config.suffix = options[SUFFIX].value;
    struct scanner_listener listener = {on_scan, on_refused, on_changed, s};
    return scanner_open(&s->scanner, s->lanes->loop, &config, &listener, fault);
}

static enum err of_setting(enum err err, const char *head, const char *name, struct fault *fault)
{
    if (err) {
        char setting[FAULT_WHERE_MAX / 2];
        (void)snprintf(setting, sizeof setting, "%s.%.40s", head, name);
        fault_within(fault, setting);
    }
    return err;
}

enum err lanes_add_scanner(struct lanes *lanes, const char *name, const char *value,
                           struct fault *fault)
{
    size_t at = 0;
    while (at < lanes->scanner_count && strcmp(lanes->scanners[at].name, name) != 0)
        at++;
    if (at == SCANNERS_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "scanner", "at most %d scanners", SCANNERS_MAX);
    struct lane_scanner *s = &lanes->scanners[at];
    scanner_close(s->scanner);
    *s = (struct lane_scanner){.lanes = lanes};
    enum err err = open_scanner(s, name, value, fault);
    if (at == lanes->scanner_count)
        lanes->scanner_count += !err;
    return of_setting(err, "scanner", name, fault);
}

size_t lanes_scanner_count(const struct lanes *lanes)
{
    return lanes->scanner_count;
}

struct lanes_scanner lanes_scanner(const struct lanes *lanes, size_t index)
{
    const struct lane_scanner *s = &lanes->scanners[index];
    return (struct lanes_scanner){.name = s->name,
                                  .lane = s->lane,
                                  .device = s->device,
                                  .state = s->scanner ? scanner_state(s->scanner) : SCANNER_ABSENT,
                                  .detail = s->scanner ? scanner_fault(s->scanner)->text : ""};
}

/* --- Panels ------------------------------------------------------------------------------------
 */

static enum err open_panel(struct lanes *lanes, struct lane_panel *p, const char *value,
                           struct fault *fault)
{
    enum { GREEN, RED, BEEP, LANE, COUNT };
    struct device_option options[COUNT] = {[GREEN] = {.name = "green"},
                                           [RED] = {.name = "red"},
                                           [BEEP] = {.name = "beep"},
                                           [LANE] = {.name = "lane"}};
    char device[DEVICE_TEXT_MAX + 1];
    enum err err = device_setting_read(value, device, options, COUNT, fault);
    if (!err && strcmp(device, "leds") != 0)
        err = fault_set(fault, ERR_INVALID, "",
                        "must be leds[,green=FOLDER][,red=FOLDER][,beep=DEVICE][,lane=01]");
    if (!err)
        err = take_lane(p->lane, &options[LANE], fault);
    if (err)
        return err;
    struct panel_device_config config = {
        .lamps = {[PANEL_GREEN] = options[GREEN].value, [PANEL_RED] = options[RED].value},
        .beeper = options[BEEP].value,
    };
    return panel_device_open(&p->panel, lanes->loop, &config, fault);
}

enum err lanes_add_panel(struct lanes *lanes, const char *name, const char *value,
                         struct fault *fault)
{
    if (lanes->panel_count == PANELS_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "panel", "at most %d panels", PANELS_MAX);
    enum err err = open_panel(lanes, &lanes->panels[lanes->panel_count], value, fault);
    lanes->panel_count += !err;
    return of_setting(err, "panel", name, fault);
}

void lanes_show(struct lanes *lanes, const char *lane, enum panel_sign sign)
{
    lanes->cant_save |= sign == PANEL_CANT_SAVE;
    for (size_t i = 0; i < lanes->panel_count; i++) {
        const struct lane_panel *p = &lanes->panels[i];
        if (!p->lane[0] || strcmp(p->lane, lane) == 0)
            panel_show(p->panel, sign);
    }
}

void lanes_can_save(struct lanes *lanes, bool can_save)
{
    if (lanes->cant_save == !can_save)
        return;
    lanes->cant_save = !can_save;
    for (size_t i = 0; i < lanes->panel_count; i++) {
        if (can_save)
            panel_calm(lanes->panels[i].panel);
        else
            panel_show(lanes->panels[i].panel, PANEL_CANT_SAVE);
    }
}
