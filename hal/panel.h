/*
 * What a counter shows and sounds beside the screen, for a clerk who looks at the customer: a green
 * and a red lamp, and a beep. A sign is a short pattern of both; a new one takes the place of the
 * one before. "Can't save" stays until it is taken back. Backends are const ops behind one face:
 * LEDs of the kernel and its beeper (hal/panel_device.h), and a fake that tests read
 * (hal/panel_fake.h). Loop thread only; never blocks, and never fails after it is open: a lamp that
 * is gone is not lit.
 */
#ifndef HAL_PANEL_H
#define HAL_PANEL_H

#include "hal/loop.h"

struct panel;

enum panel_sign {
    PANEL_SAVED,     /* green, one high beep */
    PANEL_REFUSED,   /* red, two low beeps */
    PANEL_CANT_SAVE, /* red until panel_calm, three long beeps */
};

enum panel_lamp { PANEL_GREEN, PANEL_RED, PANEL_LAMP_COUNT };

struct panel_ops {
    void (*lamp)(void *context, enum panel_lamp lamp, bool lit);
    /* 0 Hz is silence. */
    void (*beep)(void *context, int hertz);
    void (*close)(void *context);
};

/* `context` is given to `ops`, and closed by panel_close, or here when this fails. */
enum err panel_open(struct panel **panel, struct loop *loop, const struct panel_ops *ops,
                    void *context, struct fault *fault) MUST_CHECK;
/* Dark and silent. Takes NULL. */
void panel_close(struct panel *panel);

void panel_show(struct panel *panel, enum panel_sign sign);
/* Ends "can't save"; nothing if that isn't shown. */
void panel_calm(struct panel *panel);

#endif
