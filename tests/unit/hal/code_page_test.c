#include "hal/code_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_bytes(enum code_page page, const char *text, const char *bytes)
{
    struct buf out;
    buf_init(&out, 256);
    code_page_write(page, slice_of(text), &out);
    assert_string_equal(out.data, bytes);
    buf_free(&out);
}

static void every_byte_of_every_page_comes_back(void **state)
{
    (void)state;
    for (int page = 0; page < CODE_PAGE_UNKNOWN; page++) {
        for (unsigned byte = 0x20; byte <= 0xff; byte++) {
            struct buf text;
            struct buf bytes;
            buf_init(&text, 8);
            buf_init(&bytes, 8);
            code_page_read((enum code_page)page, (unsigned char)byte, &text);
            code_page_write((enum code_page)page, buf_slice(&text), &bytes);
            if (!slice_is(buf_slice(&text), "\xef\xbf\xbd"))
                assert_int_equal((unsigned char)bytes.data[0], byte);
            buf_free(&text);
            buf_free(&bytes);
        }
    }
}

static void what_a_page_has_not_is_written_near_enough(void **state)
{
    (void)state;
    assert_bytes(CODE_PAGE_858, "12,50 €", "12,50 \xd5");
    assert_bytes(CODE_PAGE_850, "12,50 €", "12,50 EUR");
    assert_bytes(CODE_PAGE_1252, "Größe – «été»", "Gr\xf6\xdf\x65 \x96 \xab\xe9t\xe9\xbb");
    assert_bytes(CODE_PAGE_437, "AÇÃO", "A\x80\x41O");
    assert_bytes(CODE_PAGE_858, "日本", "??");
}

static void what_is_no_utf8_becomes_a_question_mark(void **state)
{
    (void)state;
    assert_bytes(CODE_PAGE_858, "a\xff\x62", "a?b");
}

static void a_page_has_one_number_on_the_printer(void **state)
{
    (void)state;
    for (int page = 0; page < CODE_PAGE_UNKNOWN; page++)
        assert_int_equal(code_page_of_epson(code_page_to_epson((enum code_page)page)), page);
    assert_int_equal(code_page_of_epson(255), CODE_PAGE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_of_every_page_comes_back),
        cmocka_unit_test(what_a_page_has_not_is_written_near_enough),
        cmocka_unit_test(what_is_no_utf8_becomes_a_question_mark),
        cmocka_unit_test(a_page_has_one_number_on_the_printer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
