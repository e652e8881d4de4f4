/*
 * A serial receipt tap: listens to what a legacy till sends its receipt printer and records the
 * sales that it recognises by a template, each once (its receipt number is its key). What isn't
 * recognised leaves a diagnostic that says why, with no word of the receipt's text; a sale that
 * doesn't add up, or that contradicts one with the same number, raises an exception. The line is
 * opened again for ever after an unplug. It only listens: nothing is ever sent. Loop thread only.
 */
#ifndef AGENT_CAPTURE_TAP_H
#define AGENT_CAPTURE_TAP_H

#include "agent/capture/capture.h"
#include "hal/base/diag.h"
#include "hal/loop.h"

struct tap;

struct tap_config {
    struct loop *loop;
    struct capture *capture;
    struct diag *diag;
    const char *name;
    const char *value; /* "serial:PATH,template=FILE" */
};

/* The device need not be there. ERR_INVALID, with the field, for settings that can't work. */
enum err tap_open(struct tap **tap, const struct tap_config *config,
                  struct fault *fault) MUST_CHECK;
/* Listens no more: before the event log is closed. Takes NULL. */
void tap_stop(struct tap *tap);
/* After the event log is closed. Takes NULL. */
void tap_close(struct tap *tap);

#endif
