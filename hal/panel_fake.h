/* A panel that writes down what it would show and sound, for tests: "green on|beep 1800|...". */
#ifndef HAL_PANEL_FAKE_H
#define HAL_PANEL_FAKE_H

#include "hal/base/buf.h"
#include "hal/panel.h"

/* `written` is the caller's, and outlives the panel. */
enum err panel_fake_open(struct panel **panel, struct loop *loop, struct buf *written,
                         struct fault *fault) MUST_CHECK;

#endif
