#include "hal/hid_keys.h"

#include <linux/input-event-codes.h>

struct key {
    char plain;
    char shifted;
};

static const struct key layout[] = {
    [KEY_1] = {'1', '!'},          [KEY_2] = {'2', '@'},           [KEY_3] = {'3', '#'},
    [KEY_4] = {'4', '$'},          [KEY_5] = {'5', '%'},           [KEY_6] = {'6', '^'},
    [KEY_7] = {'7', '&'},          [KEY_8] = {'8', '*'},           [KEY_9] = {'9', '('},
    [KEY_0] = {'0', ')'},          [KEY_MINUS] = {'-', '_'},       [KEY_EQUAL] = {'=', '+'},
    [KEY_Q] = {'q', 'Q'},          [KEY_W] = {'w', 'W'},           [KEY_E] = {'e', 'E'},
    [KEY_R] = {'r', 'R'},          [KEY_T] = {'t', 'T'},           [KEY_Y] = {'y', 'Y'},
    [KEY_U] = {'u', 'U'},          [KEY_I] = {'i', 'I'},           [KEY_O] = {'o', 'O'},
    [KEY_P] = {'p', 'P'},          [KEY_LEFTBRACE] = {'[', '{'},   [KEY_RIGHTBRACE] = {']', '}'},
    [KEY_A] = {'a', 'A'},          [KEY_S] = {'s', 'S'},           [KEY_D] = {'d', 'D'},
    [KEY_F] = {'f', 'F'},          [KEY_G] = {'g', 'G'},           [KEY_H] = {'h', 'H'},
    [KEY_J] = {'j', 'J'},          [KEY_K] = {'k', 'K'},           [KEY_L] = {'l', 'L'},
    [KEY_SEMICOLON] = {';', ':'},  [KEY_APOSTROPHE] = {'\'', '"'}, [KEY_GRAVE] = {'`', '~'},
    [KEY_BACKSLASH] = {'\\', '|'}, [KEY_Z] = {'z', 'Z'},           [KEY_X] = {'x', 'X'},
    [KEY_C] = {'c', 'C'},          [KEY_V] = {'v', 'V'},           [KEY_B] = {'b', 'B'},
    [KEY_N] = {'n', 'N'},          [KEY_M] = {'m', 'M'},           [KEY_COMMA] = {',', '<'},
    [KEY_DOT] = {'.', '>'},        [KEY_SLASH] = {'/', '?'},       [KEY_SPACE] = {' ', ' '},
    [KEY_TAB] = {'\t', '\t'},      [KEY_ENTER] = {'\r', '\r'},     [KEY_KPENTER] = {'\r', '\r'},
    [KEY_KP0] = {'0', '0'},        [KEY_KP1] = {'1', '1'},         [KEY_KP2] = {'2', '2'},
    [KEY_KP3] = {'3', '3'},        [KEY_KP4] = {'4', '4'},         [KEY_KP5] = {'5', '5'},
    [KEY_KP6] = {'6', '6'},        [KEY_KP7] = {'7', '7'},         [KEY_KP8] = {'8', '8'},
    [KEY_KP9] = {'9', '9'},        [KEY_KPMINUS] = {'-', '-'},     [KEY_KPPLUS] = {'+', '+'},
    [KEY_KPDOT] = {'.', '.'},      [KEY_KPSLASH] = {'/', '/'},     [KEY_KPASTERISK] = {'*', '*'},
};

enum { LAYOUT_COUNT = sizeof layout / sizeof *layout };

/* True if the code is a modifier or a lock, which types nothing by itself. */
static bool take_modifier(struct hid_keys *keys, unsigned code, int value)
{
    switch (code) {
    case KEY_LEFTSHIFT:
        keys->left_shift = value != 0;
        return true;
    case KEY_RIGHTSHIFT:
        keys->right_shift = value != 0;
        return true;
    case KEY_LEFTCTRL:
        keys->left_ctrl = value != 0;
        return true;
    case KEY_RIGHTCTRL:
        keys->right_ctrl = value != 0;
        return true;
    case KEY_CAPSLOCK:
        if (value == 1)
            keys->caps_lock = !keys->caps_lock;
        return true;
    case KEY_NUMLOCK:
    case KEY_SCROLLLOCK:
        return true;
    default:
        return false;
    }
}

int hid_keys_take(struct hid_keys *keys, unsigned code, int value)
{
    if (take_modifier(keys, code, value) || value != 1)
        return HID_KEYS_NOTHING;
    if (code >= LAYOUT_COUNT || !layout[code].plain)
        return HID_KEYS_UNKNOWN;
    const struct key *key = &layout[code];
    bool letter = key->plain >= 'a' && key->plain <= 'z';
    if (keys->left_ctrl || keys->right_ctrl) {
        bool control = letter || (key->plain >= '[' && key->plain <= ']');
        return control ? key->plain & 0x1f : HID_KEYS_UNKNOWN;
    }
    bool shift = (keys->left_shift || keys->right_shift) != (letter && keys->caps_lock);
    return shift ? key->shifted : key->plain;
}
