#include "hal/hid_keys.h"

#include <linux/input-event-codes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int press(struct hid_keys *keys, unsigned code)
{
    int typed = hid_keys_take(keys, code, 1);
    assert_int_equal(hid_keys_take(keys, code, 0), HID_KEYS_NOTHING);
    return typed;
}

static int with(struct hid_keys *keys, unsigned modifier, unsigned code)
{
    assert_int_equal(hid_keys_take(keys, modifier, 1), HID_KEYS_NOTHING);
    int typed = press(keys, code);
    assert_int_equal(hid_keys_take(keys, modifier, 0), HID_KEYS_NOTHING);
    return typed;
}

static void letters_and_digits_follow_shift(void **state)
{
    (void)state;
    struct hid_keys keys = {0};
    assert_int_equal(press(&keys, KEY_A), 'a');
    assert_int_equal(with(&keys, KEY_LEFTSHIFT, KEY_A), 'A');
    assert_int_equal(with(&keys, KEY_RIGHTSHIFT, KEY_4), '$');
    assert_int_equal(press(&keys, KEY_4), '4');
    assert_int_equal(press(&keys, KEY_KP4), '4');
    assert_int_equal(with(&keys, KEY_LEFTSHIFT, KEY_SLASH), '?');
}

static void every_printable_ascii_character_can_be_typed_once(void **state)
{
    (void)state;
    bool seen[128] = {false};
    struct hid_keys keys = {0};
    for (unsigned code = 0; code < KEY_KPENTER; code++) {
        int plain = press(&keys, code);
        int shifted = with(&keys, KEY_LEFTSHIFT, code);
        if (plain >= 0)
            seen[plain] = true;
        if (shifted >= 0)
            seen[shifted] = true;
        keys = (struct hid_keys){0};
    }
    for (int c = ' '; c < 0x7f; c++)
        assert_true(seen[c]);
}

static void caps_lock_turns_letters_only(void **state)
{
    (void)state;
    struct hid_keys keys = {0};
    assert_int_equal(press(&keys, KEY_CAPSLOCK), HID_KEYS_NOTHING);
    assert_int_equal(press(&keys, KEY_Q), 'Q');
    assert_int_equal(with(&keys, KEY_LEFTSHIFT, KEY_Q), 'q');
    assert_int_equal(press(&keys, KEY_7), '7');
    assert_int_equal(press(&keys, KEY_CAPSLOCK), HID_KEYS_NOTHING);
    assert_int_equal(press(&keys, KEY_Q), 'q');
}

static void ctrl_bracket_is_the_group_separator(void **state)
{
    (void)state;
    struct hid_keys keys = {0};
    assert_int_equal(with(&keys, KEY_LEFTCTRL, KEY_RIGHTBRACE), 0x1d);
    assert_int_equal(with(&keys, KEY_RIGHTCTRL, KEY_D), 0x04);
    assert_int_equal(with(&keys, KEY_LEFTCTRL, KEY_5), HID_KEYS_UNKNOWN);
}

static void enter_is_the_terminator(void **state)
{
    (void)state;
    struct hid_keys keys = {0};
    assert_int_equal(press(&keys, KEY_ENTER), '\r');
    assert_int_equal(press(&keys, KEY_KPENTER), '\r');
}

static void repetition_types_nothing(void **state)
{
    (void)state;
    struct hid_keys keys = {0};
    assert_int_equal(hid_keys_take(&keys, KEY_9, 1), '9');
    assert_int_equal(hid_keys_take(&keys, KEY_9, 2), HID_KEYS_NOTHING);
    assert_int_equal(hid_keys_take(&keys, KEY_9, 0), HID_KEYS_NOTHING);
}

static void keys_without_a_character_are_told_apart_from_modifiers(void **state)
{
    (void)state;
    struct hid_keys keys = {0};
    assert_int_equal(press(&keys, KEY_F1), HID_KEYS_UNKNOWN);
    assert_int_equal(press(&keys, 60000), HID_KEYS_UNKNOWN);
    assert_int_equal(press(&keys, KEY_NUMLOCK), HID_KEYS_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_and_digits_follow_shift),
        cmocka_unit_test(every_printable_ascii_character_can_be_typed_once),
        cmocka_unit_test(caps_lock_turns_letters_only),
        cmocka_unit_test(ctrl_bracket_is_the_group_separator),
        cmocka_unit_test(enter_is_the_terminator),
        cmocka_unit_test(repetition_types_nothing),
        cmocka_unit_test(keys_without_a_character_are_told_apart_from_modifiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
