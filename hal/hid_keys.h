/*
 * Key events of a keyboard-like scanner (USB HID usage as Linux input codes) as the characters that
 * they type, on the keyboard layout that the scanner is set up for. Pure.
 */
#ifndef HAL_HID_KEYS_H
#define HAL_HID_KEYS_H

#include <stdbool.h>

/* US is what scanners send unless set up otherwise. */
#define HID_LAYOUTS(X) X(US, us) X(UK, uk) X(DE, de) X(FR, fr) X(ES, es) X(PT, pt)
#define HID_LAYOUT_ENUM(upper, lower) HID_LAYOUT_##upper,
enum hid_layout { HID_LAYOUTS(HID_LAYOUT_ENUM) HID_LAYOUT_COUNT };

/* "us", "uk", ..., NULL-terminated. */
extern const char *const hid_layout_words[HID_LAYOUT_COUNT + 1];

/* Zeroed but for the layout to begin with. */
struct hid_keys {
    enum hid_layout layout;
    bool left_shift;
    bool right_shift;
    bool left_ctrl;
    bool right_ctrl;
    bool alt_gr;
    bool left_alt;
    bool caps_lock;
    int alt_code;    /* what was typed on the keypad while Alt was held; 0 for nothing */
    unsigned accent; /* of a dead key, until the next; 0 for none */
};

/* Instead of a character: the event types nothing, or a key that stands for none. */
enum { HID_KEYS_NOTHING = -1, HID_KEYS_UNKNOWN = -2 };

/*
 * Takes one event: a code of linux/input-event-codes.h, and 0 for release, 1 for press, 2 for the
 * kernel's repetition (which types nothing: a scanner never holds a key). Returns a Unicode
 * character. Enter types CR. Ctrl with a letter or bracket types a control character, as scanners
 * send GS by Ctrl and "]". A dead key needs the blank after it, which makes it its own accent. Left
 * Alt with a number on the keypad types the character of that number, below 256.
 */
int hid_keys_take(struct hid_keys *keys, unsigned code, int value);

#endif
