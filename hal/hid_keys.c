#include "hal/hid_keys.h"

#include <linux/input-event-codes.h>
#include <stddef.h>
#include <wchar.h>

#define WORD(upper, lower) #lower,
const char *const hid_layout_words[HID_LAYOUT_COUNT + 1] = {HID_LAYOUTS(WORD) NULL};

/* --- Layouts: four rows, as one sees them on the keyboard; a blank is no key of that level ------
 */

enum { ROWS = 4, LEVELS = 3 };
enum level { PLAIN, SHIFT, ALT_GR };

struct layout {
    const wchar_t *rows[ROWS][LEVELS];
    const wchar_t *dead; /* accents of the first two levels that wait for the next key */
};

static const unsigned row_1[] = {KEY_GRAVE, KEY_1, KEY_2, KEY_3, KEY_4,     KEY_5,    KEY_6,
                                 KEY_7,     KEY_8, KEY_9, KEY_0, KEY_MINUS, KEY_EQUAL};
static const unsigned row_2[] = {KEY_Q, KEY_W, KEY_E, KEY_R, KEY_T,         KEY_Y,
                                 KEY_U, KEY_I, KEY_O, KEY_P, KEY_LEFTBRACE, KEY_RIGHTBRACE};
static const unsigned row_3[] = {KEY_A, KEY_S, KEY_D, KEY_F,         KEY_G,          KEY_H,
                                 KEY_J, KEY_K, KEY_L, KEY_SEMICOLON, KEY_APOSTROPHE, KEY_BACKSLASH};
static const unsigned row_4[] = {KEY_102ND, KEY_Z, KEY_X,     KEY_C,   KEY_V,    KEY_B,
                                 KEY_N,     KEY_M, KEY_COMMA, KEY_DOT, KEY_SLASH};
static const struct {
    const unsigned *codes;
    size_t count;
} rows[ROWS] = {
    {row_1, sizeof row_1 / sizeof *row_1},
    {row_2, sizeof row_2 / sizeof *row_2},
    {row_3, sizeof row_3 / sizeof *row_3},
    {row_4, sizeof row_4 / sizeof *row_4},
};

static const struct layout layouts[HID_LAYOUT_COUNT] = {
    [HID_LAYOUT_US] = {{{L"`1234567890-=", L"~!@#$%^&*()_+", L""},
                        {L"qwertyuiop[]", L"QWERTYUIOP{}", L""},
                        {L"asdfghjkl;'\\", L"ASDFGHJKL:\"|", L""},
                        {L"\\zxcvbnm,./", L"|ZXCVBNM<>?", L""}},
                       L""},
    [HID_LAYOUT_UK] = {{{L"`1234567890-=", L"¬!\"£$%^&*()_+", L"¦   €"},
                        {L"qwertyuiop[]", L"QWERTYUIOP{}", L""},
                        {L"asdfghjkl;'#", L"ASDFGHJKL:@~", L""},
                        {L"\\zxcvbnm,./", L"|ZXCVBNM<>?", L""}},
                       L""},
    [HID_LAYOUT_DE] = {{{L"^1234567890ß´", L"°!\"§$%&/()=?`", L"  ²³   {[]}\\"},
                        {L"qwertzuiopü+", L"QWERTZUIOPÜ*", L"@ €        ~"},
                        {L"asdfghjklöä#", L"ASDFGHJKLÖÄ'", L""},
                        {L"<yxcvbnm,.-", L">YXCVBNM;:_", L"|      µ"}},
                       L"^´`"},
    [HID_LAYOUT_FR] = {{{L"²&é\"'(-è_çà)=", L" 1234567890°+", L"  ~#{[|`\\^@]}"},
                        {L"azertyuiop^$", L"AZERTYUIOP¨£", L"  €        ¤"},
                        {L"qsdfghjklmù*", L"QSDFGHJKLM%µ", L""},
                        {L"<wxcvbn,;:!", L">WXCVBN?./§", L""}},
                       L"^¨"},
    [HID_LAYOUT_ES] = {{{L"º1234567890'¡", L"ª!\"·$%&/()=?¿", L"\\|@#~€¬"},
                        {L"qwertyuiop`+", L"QWERTYUIOP^*", L"  €       []"},
                        {L"asdfghjklñ´ç", L"ASDFGHJKLÑ¨Ç", L"          {}"},
                        {L"<zxcvbnm,.-", L">ZXCVBNM;:_", L""}},
                       L"`^´¨"},
    [HID_LAYOUT_PT] = {{{L"\\1234567890'«", L"|!\"#$%&/()=?»", L"  @£§€ {[]}"},
                        {L"qwertyuiop+´", L"QWERTYUIOP*`", L"  €       ¨"},
                        {L"asdfghjklçº~", L"ASDFGHJKLÇª^", L""},
                        {L"<zxcvbnm,.-", L">ZXCVBNM;:_", L""}},
                       L"´`~^"},
};

static const struct {
    unsigned code;
    char types;
} others[] = {
    {KEY_SPACE, ' '},    {KEY_TAB, '\t'},    {KEY_ENTER, '\r'},
    {KEY_KPENTER, '\r'}, {KEY_KPMINUS, '-'}, {KEY_KPPLUS, '+'},
    {KEY_KPDOT, '.'},    {KEY_KPSLASH, '/'}, {KEY_KPASTERISK, '*'},
};

static const unsigned keypad[] = {KEY_KP0, KEY_KP1, KEY_KP2, KEY_KP3, KEY_KP4,
                                  KEY_KP5, KEY_KP6, KEY_KP7, KEY_KP8, KEY_KP9};

static int keypad_digit(unsigned code)
{
    for (int digit = 0; digit < 10; digit++)
        if (keypad[digit] == code)
            return digit;
    return -1;
}

/* 0 for a key that types nothing on this level. */
static unsigned typed_at(enum hid_layout layout, unsigned code, enum level level)
{
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t i = 0; i < rows[r].count; i++) {
            const wchar_t *characters = layouts[layout].rows[r][level];
            if (rows[r].codes[i] != code)
                continue;
            bool there = i < wcslen(characters) && characters[i] != L' ';
            return there ? (unsigned)characters[i] : 0;
        }
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].code == code)
            return (unsigned char)others[i].types;
    int digit = keypad_digit(code);
    return digit < 0 ? 0 : (unsigned)('0' + digit);
}

/* --- Events ------------------------------------------------------------------------------------
 */

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
    case KEY_RIGHTALT:
        keys->alt_gr = value != 0;
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

/* Released, it types the character whose number was given meanwhile. */
static int take_left_alt(struct hid_keys *keys, int value)
{
    int code = keys->alt_code;
    keys->left_alt = value != 0;
    keys->alt_code = 0;
    if (value || !code)
        return HID_KEYS_NOTHING;
    return code < 256 ? code : HID_KEYS_UNKNOWN;
}

static bool is_letter(unsigned character)
{
    return (character >= 'a' && character <= 'z') || (character >= 0xe0 && character <= 0xfe);
}

static int control_of(const struct hid_keys *keys, unsigned code)
{
    unsigned plain = typed_at(keys->layout, code, PLAIN);
    if (plain < 'a' || plain > 'z')
        plain = typed_at(HID_LAYOUT_US, code, PLAIN); /* brackets are where they are on that */
    bool can = (plain >= 'a' && plain <= 'z') || (plain >= '[' && plain <= ']');
    return can ? (int)(plain & 0x1f) : HID_KEYS_UNKNOWN;
}

static int accented(struct hid_keys *keys, unsigned character)
{
    unsigned accent = keys->accent;
    keys->accent = 0;
    return character == ' ' ? (int)accent : HID_KEYS_UNKNOWN;
}

static int press(struct hid_keys *keys, unsigned code)
{
    const struct layout *layout = &layouts[keys->layout];
    unsigned plain = typed_at(keys->layout, code, PLAIN);
    bool shift = (keys->left_shift || keys->right_shift) != (is_letter(plain) && keys->caps_lock);
    enum level level = keys->alt_gr ? ALT_GR : shift ? SHIFT : PLAIN;
    unsigned character = typed_at(keys->layout, code, level);
    if (!character)
        return HID_KEYS_UNKNOWN;
    if (keys->accent)
        return accented(keys, character);
    if (level != ALT_GR && wcschr(layout->dead, (wchar_t)character)) {
        keys->accent = character;
        return HID_KEYS_NOTHING;
    }
    return (int)character;
}

int hid_keys_take(struct hid_keys *keys, unsigned code, int value)
{
    if (code == KEY_LEFTALT)
        return take_left_alt(keys, value);
    if (take_modifier(keys, code, value) || value != 1)
        return HID_KEYS_NOTHING;
    if (keys->left_alt) {
        int digit = keypad_digit(code);
        if (digit < 0 || keys->alt_code > 999)
            return HID_KEYS_UNKNOWN;
        keys->alt_code = keys->alt_code * 10 + digit;
        return HID_KEYS_NOTHING;
    }
    if (keys->left_ctrl || keys->right_ctrl)
        return control_of(keys, code);
    return press(keys, code);
}
