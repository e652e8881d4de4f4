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

/* With what comes before and after it: 0 when no key of the layout types the character. */
static bool can_type(enum hid_layout layout, int character)
{
    static const unsigned levels[] = {KEY_RESERVED, KEY_LEFTSHIFT, KEY_RIGHTALT};
    for (size_t level = 0; level < 3; level++) {
        for (unsigned code = 1; code <= KEY_102ND; code++) {
            struct hid_keys keys = {.layout = layout};
            if (levels[level])
                (void)hid_keys_take(&keys, levels[level], 1);
            int typed = hid_keys_take(&keys, code, 1);
            if (levels[level])
                (void)hid_keys_take(&keys, levels[level], 0);
            if (typed == HID_KEYS_NOTHING && keys.accent)
                typed = press(&keys, KEY_SPACE);
            if (typed == character)
                return true;
        }
    }
    return false;
}

static void every_layout_can_type_every_printable_ascii_character(void **state)
{
    (void)state;
    for (int layout = 0; layout < HID_LAYOUT_COUNT; layout++)
        for (int c = ' '; c < 0x7f; c++)
            if (!can_type((enum hid_layout)layout, c))
                fail_msg("%s can't type %c", hid_layout_words[layout], c);
}

static void a_german_keyboard_has_its_z_and_its_at_elsewhere(void **state)
{
    (void)state;
    struct hid_keys keys = {.layout = HID_LAYOUT_DE};
    assert_int_equal(press(&keys, KEY_Y), 'z');
    assert_int_equal(press(&keys, KEY_SLASH), '-');
    assert_int_equal(with(&keys, KEY_RIGHTALT, KEY_Q), '@');
    assert_int_equal(with(&keys, KEY_LEFTSHIFT, KEY_APOSTROPHE), 0xc4);
    assert_int_equal(with(&keys, KEY_LEFTCTRL, KEY_RIGHTBRACE), 0x1d);
}

static void a_french_keyboard_types_digits_with_shift(void **state)
{
    (void)state;
    struct hid_keys keys = {.layout = HID_LAYOUT_FR};
    assert_int_equal(with(&keys, KEY_LEFTSHIFT, KEY_1), '1');
    assert_int_equal(press(&keys, KEY_6), '-');
    assert_int_equal(press(&keys, KEY_Q), 'a');
}

static void a_dead_key_needs_its_blank(void **state)
{
    (void)state;
    struct hid_keys keys = {.layout = HID_LAYOUT_DE};
    assert_int_equal(press(&keys, KEY_GRAVE), HID_KEYS_NOTHING);
    assert_int_equal(press(&keys, KEY_SPACE), '^');
    assert_int_equal(press(&keys, KEY_GRAVE), HID_KEYS_NOTHING);
    assert_int_equal(press(&keys, KEY_E), HID_KEYS_UNKNOWN);
    assert_int_equal(press(&keys, KEY_E), 'e');
}

static void alt_and_a_number_type_its_character(void **state)
{
    (void)state;
    struct hid_keys keys = {.layout = HID_LAYOUT_FR};
    assert_int_equal(hid_keys_take(&keys, KEY_LEFTALT, 1), HID_KEYS_NOTHING);
    assert_int_equal(press(&keys, KEY_KP0), HID_KEYS_NOTHING);
    assert_int_equal(press(&keys, KEY_KP6), HID_KEYS_NOTHING);
    assert_int_equal(press(&keys, KEY_KP5), HID_KEYS_NOTHING);
    assert_int_equal(hid_keys_take(&keys, KEY_LEFTALT, 0), 'A');
    assert_int_equal(hid_keys_take(&keys, KEY_LEFTALT, 1), HID_KEYS_NOTHING);
    assert_int_equal(press(&keys, KEY_A), HID_KEYS_UNKNOWN);
    assert_int_equal(hid_keys_take(&keys, KEY_LEFTALT, 0), HID_KEYS_NOTHING);
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
        cmocka_unit_test(every_layout_can_type_every_printable_ascii_character),
        cmocka_unit_test(a_german_keyboard_has_its_z_and_its_at_elsewhere),
        cmocka_unit_test(a_french_keyboard_types_digits_with_shift),
        cmocka_unit_test(a_dead_key_needs_its_blank),
        cmocka_unit_test(alt_and_a_number_type_its_character),
        cmocka_unit_test(keys_without_a_character_are_told_apart_from_modifiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
