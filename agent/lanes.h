/*
 * What stands at the lanes besides screens: scanners, whose scans are told with their lane, and
 * panels of lamps and a beeper, which show how a return at their lane ended. A device that is bound
 * to no lane serves all. Loop thread only.
 */
#ifndef AGENT_LANES_H
#define AGENT_LANES_H

#include "hal/base/diag.h"
#include "hal/panel.h"
#include "hal/scanner.h"

struct lanes;

struct lanes_listener {
    void (*scanned)(void *context, const struct scan *scan);
    void (*scanner_changed)(void *context, const char *scanner, enum scanner_state state);
    void *context;
};

enum err lanes_open(struct lanes **lanes, struct loop *loop, struct diag *diag,
                    const struct lanes_listener *listener, struct fault *fault) MUST_CHECK;
void lanes_close(struct lanes *lanes); /* takes NULL */

/*
 * "serial:PATH[,lane=01][,baud=9600][,prefix=TEXT][,suffix=TEXT]" or
 * "hid:PATH[,lane=01][,layout=us]" with the same prefix and suffix. The device need not be there.
 * One of the same name takes the place of the former.
 */
enum err lanes_add_scanner(struct lanes *lanes, const char *name, const char *value,
                           struct fault *fault) MUST_CHECK;
/* "leds[,green=FOLDER][,red=FOLDER][,beep=DEVICE][,lane=01]", see hal/panel_device.h */
enum err lanes_add_panel(struct lanes *lanes, const char *name, const char *value,
                         struct fault *fault) MUST_CHECK;

struct lanes_scanner {
    const char *name;
    const char *lane;   /* "" when bound to none */
    const char *device; /* "serial:PATH" or "hid:PATH" */
    enum scanner_state state;
    const char *detail; /* why it isn't there; "" when it is */
};
size_t lanes_scanner_count(const struct lanes *lanes);
/* Borrowed until lanes_close. */
struct lanes_scanner lanes_scanner(const struct lanes *lanes, size_t index);

/* At the panels of that lane ("" for none). */
void lanes_show(struct lanes *lanes, const char *lane, enum panel_sign sign);
/* Whether anything can be saved now: at every panel, and only when it has changed. */
void lanes_can_save(struct lanes *lanes, bool can_save);

#endif
