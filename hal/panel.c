#include "hal/panel.h"

#include <stdlib.h>

enum { STEPS_MAX = 6, HIGH_HERTZ = 1800, LOW_HERTZ = 440, HARSH_HERTZ = 880 };

struct step {
    int hertz;
    int ms; /* 0 ends the sound */
};

/* The lamp goes out `lit_ms` after the sound began; 0: it stays. */
struct pattern {
    enum panel_lamp lamp;
    int lit_ms;
    struct step steps[STEPS_MAX];
};

static const struct pattern patterns[] = {
    [PANEL_SAVED] = {PANEL_GREEN, 1500, {{HIGH_HERTZ, 120}}},
    [PANEL_REFUSED] = {PANEL_RED, 2000, {{LOW_HERTZ, 180}, {0, 100}, {LOW_HERTZ, 180}}},
    [PANEL_CANT_SAVE] =
        {PANEL_RED,
         0,
         {{HARSH_HERTZ, 500}, {0, 200}, {HARSH_HERTZ, 500}, {0, 200}, {HARSH_HERTZ, 500}}},
};

struct panel {
    const struct panel_ops *ops;
    void *context;
    struct loop_timer *sound;
    struct loop_timer *lamp;
    const struct pattern *pattern; /* of the last sign */
    size_t step;
};

static void dark(struct panel *panel)
{
    for (int lamp = 0; lamp < PANEL_LAMP_COUNT; lamp++)
        panel->ops->lamp(panel->context, (enum panel_lamp)lamp, false);
}

static void on_lamp(void *context)
{
    struct panel *panel = context;
    dark(panel);
    panel->pattern = NULL;
}

static void on_sound(void *context)
{
    struct panel *panel = context;
    const struct step *step = &panel->pattern->steps[panel->step];
    bool over = panel->step == STEPS_MAX || step->ms == 0;
    panel->ops->beep(panel->context, over ? 0 : step->hertz);
    if (over)
        return;
    panel->step++;
    loop_timer_start(panel->sound, step->ms, 0);
}

void panel_show(struct panel *panel, enum panel_sign sign)
{
    panel->pattern = &patterns[sign];
    panel->step = 0;
    dark(panel);
    panel->ops->lamp(panel->context, panel->pattern->lamp, true);
    loop_timer_stop(panel->lamp);
    if (panel->pattern->lit_ms)
        loop_timer_start(panel->lamp, panel->pattern->lit_ms, 0);
    on_sound(panel);
}

void panel_calm(struct panel *panel)
{
    if (panel->pattern != &patterns[PANEL_CANT_SAVE])
        return;
    loop_timer_stop(panel->sound);
    panel->ops->beep(panel->context, 0);
    on_lamp(panel);
}

enum err panel_open(struct panel **out, struct loop *loop, const struct panel_ops *ops,
                    void *context, struct fault *fault)
{
    struct panel *panel = calloc(1, sizeof *panel);
    if (!panel) {
        ops->close(context);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    panel->ops = ops;
    panel->context = context;
    panel->sound = loop_timer_open(loop, on_sound, panel);
    panel->lamp = loop_timer_open(loop, on_lamp, panel);
    if (!panel->sound || !panel->lamp) {
        panel_close(panel);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    *out = panel;
    return ERR_OK;
}

void panel_close(struct panel *panel)
{
    if (!panel)
        return;
    loop_timer_close(panel->sound);
    loop_timer_close(panel->lamp);
    dark(panel);
    panel->ops->beep(panel->context, 0);
    panel->ops->close(panel->context);
    free(panel);
}
