#include "hal/base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void hex_goes_both_ways(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x00, 0x0f, 0xf0, 0xab, 0xff};
    char text[11];
    hex_encode(bytes, sizeof bytes, text);
    assert_string_equal(text, "000ff0abff");
    uint8_t back[5];
    assert_int_equal(hex_decode(SLICE_LITERAL("000fF0aBfF"), back, sizeof back), ERR_OK);
    assert_memory_equal(back, bytes, sizeof bytes);
}

static void hex_of_another_length_or_letter_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    uint8_t back[2] = {7, 7};
    static const char *const bad[] = {"", "00", "000", "00000", "00g0", "000 ", "0x00"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(hex_decode(slice_of(bad[i]), back, sizeof back), ERR_INVALID);
    assert_int_equal(back[0], 7);
    assert_int_equal(back[1], 7);
}

/* RFC 4648, section 10 */
static const struct {
    const char *bytes;
    const char *text;
} vectors[] = {{"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="},
               {"fooba", "Zm9vYmE="},
               {"foobar", "Zm9vYmFy"}};

static void base64_matches_the_vectors_of_the_standard(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct buf text;
        buf_init(&text, 100);
        base64_encode(&text, (const uint8_t *)vectors[i].bytes, strlen(vectors[i].bytes), false);
        assert_true(slice_is(buf_slice(&text), vectors[i].text));
        struct buf bytes;
        buf_init(&bytes, 100);
        assert_int_equal(base64_decode(&bytes, buf_slice(&text)), ERR_OK);
        assert_true(slice_is(buf_slice(&bytes), vectors[i].bytes));
        buf_free(&text);
        buf_free(&bytes);
    }
}

static void the_url_alphabet_has_no_padding_and_is_read_too(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0xfb, 0xff, 0xbf, 0xff};
    struct buf text;
    buf_init(&text, 100);
    base64_encode(&text, bytes, sizeof bytes, true);
    assert_true(slice_is(buf_slice(&text), "-_-__w"));
    static const char *const same[] = {"-_-__w", "+/+//w", "+/+//w=="};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct buf back;
        buf_init(&back, 4);
        assert_int_equal(base64_decode(&back, slice_of(same[i])), ERR_OK);
        assert_int_equal(back.len, sizeof bytes);
        assert_memory_equal(back.data, bytes, sizeof bytes);
        buf_free(&back);
    }
    buf_free(&text);
}

static void every_length_and_byte_goes_both_ways(void **state)
{
    (void)state;
    uint8_t bytes[256];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        struct buf text;
        struct buf back;
        buf_init(&text, 1000);
        buf_init(&back, 1000);
        base64_encode(&text, bytes, len, len % 2);
        assert_int_equal(base64_decode(&back, buf_slice(&text)), ERR_OK);
        assert_int_equal(back.len, len);
        assert_true(len == 0 || memcmp(back.data, bytes, len) == 0);
        buf_free(&text);
        buf_free(&back);
    }
}

static void what_is_not_base64_is_refused_and_appends_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {"A",     "AAAAA", "AA A",     "AA\n",  "A=AA",    "Zg=",
                                      "Zg===", "====",  "Zm9v====", "Zm9v=", "\xc3\xa9"};
    struct buf out;
    buf_init(&out, 100);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(base64_decode(&out, slice_of(bad[i])), ERR_INVALID);
    assert_int_equal(out.len, 0);
    buf_free(&out);
}

static void base64_larger_than_the_buffer_is_refused(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 2);
    assert_int_equal(base64_decode(&out, SLICE_LITERAL("Zm9v")), ERR_TOO_LARGE);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_goes_both_ways),
        cmocka_unit_test(hex_of_another_length_or_letter_is_refused_and_changes_nothing),
        cmocka_unit_test(base64_matches_the_vectors_of_the_standard),
        cmocka_unit_test(the_url_alphabet_has_no_padding_and_is_read_too),
        cmocka_unit_test(every_length_and_byte_goes_both_ways),
        cmocka_unit_test(what_is_not_base64_is_refused_and_appends_nothing),
        cmocka_unit_test(base64_larger_than_the_buffer_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
