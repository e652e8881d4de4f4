/*
 * Key events of a keyboard-like scanner (USB HID usage as Linux input codes) as the bytes they
 * type, on a US layout, which is what scanners send unless set up otherwise. Pure.
 */
#ifndef HAL_HID_KEYS_H
#define HAL_HID_KEYS_H

#include <stdbool.h>

struct hid_keys {
    bool left_shift;
    bool right_shift;
    bool left_ctrl;
    bool right_ctrl;
    bool caps_lock;
};

/* Instead of a byte: the event types nothing, or a key that stands for no character. */
enum { HID_KEYS_NOTHING = -1, HID_KEYS_UNKNOWN = -2 };

/*
 * Takes one event: a code of linux/input-event-codes.h, and 0 for release, 1 for press, 2 for the
 * kernel's repetition (which types nothing: a scanner never holds a key). Enter types CR. Ctrl with
 * a letter or bracket types a control character, as scanners send GS by Ctrl and "]".
 */
int hid_keys_take(struct hid_keys *keys, unsigned code, int value);

#endif
