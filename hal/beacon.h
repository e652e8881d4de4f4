/*
 * The box's own lamp, for who stands before it without a screen: a green and a red light whose
 * pattern says how the box is. One state at a time; its pattern goes round until another is shown.
 * Lamps are the kernel's LEDs, or whatever stands behind struct panel_ops. Loop thread only; never
 * blocks, and never fails after it is open.
 *
 *     state      green                 red
 *     starting   quick blinking        -
 *     nobodys    two blinks, a pause   -                    enrol it
 *     online     lit                   -
 *     offline    slow blinking         -                    it works, and keeps what it saves
 *     updating   in turn with red      in turn with green   don't pull the plug
 *     attention  lit                   a blink now and then something waits for a person
 *     ill        -                     lit                  no return can be saved
 */
#ifndef HAL_BEACON_H
#define HAL_BEACON_H

#include "hal/panel.h"

struct beacon;

enum beacon_state {
    BEACON_STARTING,
    BEACON_NOBODYS,
    BEACON_ONLINE,
    BEACON_OFFLINE,
    BEACON_UPDATING,
    BEACON_ATTENTION,
    BEACON_ILL,
};

/* Shows BEACON_STARTING. `context` is given to `ops`, and closed by beacon_close, or when this
 * fails. */
enum err beacon_open(struct beacon **beacon, struct loop *loop, const struct panel_ops *ops,
                     void *context, struct fault *fault) MUST_CHECK;
/* Dark. Takes NULL. */
void beacon_close(struct beacon *beacon);
void beacon_show(struct beacon *beacon, enum beacon_state state);

#endif
