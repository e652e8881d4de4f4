#include "hal/beacon.h"

#include <stdlib.h>

enum { STEPS_MAX = 4 };

/* How long the two lamps stay like this; 0 ms ends the round. */
struct step {
    int ms;
    bool green;
    bool red;
};

static const struct step patterns[][STEPS_MAX] = {
    [BEACON_STARTING] = {{125, true, false}, {125, false, false}},
    [BEACON_NOBODYS] = {{200, true, false},
                        {200, false, false},
                        {200, true, false},
                        {1400, false, false}},
    [BEACON_ONLINE] = {{60000, true, false}},
    [BEACON_OFFLINE] = {{1000, true, false}, {1000, false, false}},
    [BEACON_UPDATING] = {{500, true, false}, {500, false, true}},
    [BEACON_ATTENTION] = {{3700, true, false}, {300, true, true}},
    [BEACON_ILL] = {{60000, false, true}},
};

struct beacon {
    const struct panel_ops *ops;
    void *context;
    struct loop_timer *timer;
    enum beacon_state state;
    size_t step;
};

static void on_step(void *context)
{
    struct beacon *beacon = context;
    const struct step *pattern = patterns[beacon->state];
    if (beacon->step == STEPS_MAX || pattern[beacon->step].ms == 0)
        beacon->step = 0;
    const struct step *step = &pattern[beacon->step++];
    beacon->ops->lamp(beacon->context, PANEL_GREEN, step->green);
    beacon->ops->lamp(beacon->context, PANEL_RED, step->red);
    loop_timer_start(beacon->timer, step->ms, 0);
}

void beacon_show(struct beacon *beacon, enum beacon_state state)
{
    if (state == beacon->state)
        return;
    beacon->state = state;
    beacon->step = 0;
    on_step(beacon);
}

enum err beacon_open(struct beacon **out, struct loop *loop, const struct panel_ops *ops,
                     void *context, struct fault *fault)
{
    struct beacon *beacon = calloc(1, sizeof *beacon);
    if (beacon)
        beacon->timer = loop_timer_open(loop, on_step, beacon);
    if (!beacon || !beacon->timer) {
        ops->close(context);
        free(beacon);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    beacon->ops = ops;
    beacon->context = context;
    beacon->state = BEACON_STARTING;
    on_step(beacon);
    *out = beacon;
    return ERR_OK;
}

void beacon_close(struct beacon *beacon)
{
    if (!beacon)
        return;
    loop_timer_close(beacon->timer);
    beacon->ops->lamp(beacon->context, PANEL_GREEN, false);
    beacon->ops->lamp(beacon->context, PANEL_RED, false);
    beacon->ops->close(beacon->context);
    free(beacon);
}
