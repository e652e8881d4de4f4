#include "hal/panel_fake.h"

static void lamp(void *context, enum panel_lamp which, bool lit)
{
    if (lit)
        buf_append_text(context, which == PANEL_GREEN ? "green|" : "red|");
    else if (which == PANEL_GREEN)
        buf_append_text(context, "dark|"); /* lamps go out together */
}

static void beep(void *context, int hertz)
{
    buf_printf(context, "%d|", hertz);
}

static void done(void *context)
{
    (void)context;
}

static const struct panel_ops ops = {.lamp = lamp, .beep = beep, .close = done};

enum err panel_fake_open(struct panel **panel, struct loop *loop, struct buf *written,
                         struct fault *fault)
{
    return panel_open(panel, loop, &ops, written, fault);
}
