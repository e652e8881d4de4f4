#include "hal/base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const good[] = {
    "",
    "plain",
    "\xc2\x80",
    "\xc3\xa9",
    "\xdf\xbf",
    "\xe0\xa0\x80",
    "\xed\x9f\xbf",
    "\xee\x80\x80",
    "\xef\xbf\xbf",
    "\xf0\x90\x80\x80",
    "\xf4\x8f\xbf\xbf",
    ("a\xe2\x82\xac"
     "b"),
};

/* stray tails, cut ends, overlong forms, surrogates, beyond U+10FFFF, bytes that never occur */
static const char *const bad[] = {
    "\x80",
    "\xbf",
    "\xc3",
    "\xe2\x82",
    "\xf0\x9f\x98",
    "\xc0\xaf",
    "\xc1\xbf",
    "\xe0\x9f\xbf",
    "\xf0\x8f\xbf\xbf",
    "\xed\xa0\x80",
    "\xed\xbf\xbf",
    "\xf4\x90\x80\x80",
    "\xf5\x80\x80\x80",
    "\xfe",
    "\xff",
    "\xc3(",
    "\xe2(\xa1",
    "\xe2\x82(",
};

static void well_formed_text_is_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(utf8_valid(slice_of(good[i])));
    assert_true(utf8_valid((struct slice){"a\0b", 3}));
}

static void ill_formed_text_is_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(utf8_valid(slice_of(bad[i])));
}

static void every_character_encodes_to_one_length(void **state)
{
    (void)state;
    for (uint32_t c = 0x80; c <= 0x10ffff; c++) {
        char bytes[4];
        size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
        for (size_t i = len - 1; i > 0; i--)
            bytes[i] = (char)(0x80 | (c >> (6 * (len - 1 - i)) & 0x3f));
        bytes[0] = (char)(leads[len] | c >> (6 * (len - 1)));
        bool surrogate = c >= 0xd800 && c <= 0xdfff;
        assert_int_equal(utf8_char_len((struct slice){bytes, len}), surrogate ? 0 : len);
        assert_int_equal(utf8_char_len((struct slice){bytes, len - 1}), 0);
    }
    assert_int_equal(utf8_char_len((struct slice){NULL, 0}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_text_is_valid),
        cmocka_unit_test(ill_formed_text_is_not),
        cmocka_unit_test(every_character_encodes_to_one_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
