#include "agent/print/escpos.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { COLUMNS = 20 };

static struct buf out;

static int setup(void **state)
{
    (void)state;
    buf_init(&out, 4096);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_free(&out);
    return 0;
}

/* A print begun, with its own first bytes taken off. */
static struct escpos begin(void)
{
    struct escpos w = escpos_begin(&out, CODE_PAGE_858, COLUMNS);
    assert_memory_equal(out.data, "\x1b@\x1bt\x13", 5);
    buf_reset(&out);
    return w;
}

static void assert_out(const char *bytes, size_t len)
{
    assert_int_equal(out.len, len);
    assert_memory_equal(out.data, bytes, len);
}
#define ASSERT_OUT(literal) assert_out((literal), sizeof(literal) - 1)

static void text_is_wrapped_at_words_and_long_words_are_cut(void **state)
{
    (void)state;
    struct escpos w = begin();
    escpos_line(&w, slice_of("Olive oil, cold pressed, of the first press"));
    ASSERT_OUT("Olive oil, cold\npressed, of the\nfirst press\n");
    buf_reset(&out);
    escpos_line(&w, slice_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
    ASSERT_OUT("ABCDEFGHIJKLMNOPQRST\nUVWXYZ\n");
    buf_reset(&out);
    escpos_line(&w, slice_of(""));
    ASSERT_OUT("\n");
}

static void an_amount_stands_at_the_right_margin_of_its_last_line(void **state)
{
    (void)state;
    struct escpos w = begin();
    escpos_pair(&w, slice_of("Socks"), slice_of("3,33 €"), 0);
    ASSERT_OUT("Socks         3,33 \xd5\n");
    buf_reset(&out);
    escpos_pair(&w, slice_of("Olive oil, cold pressed"), slice_of("12.00"), 0);
    ASSERT_OUT("Olive oil, cold\npressed        12.00\n");
    buf_reset(&out);
    escpos_pair(&w, slice_of("Exactly twenty chars"), slice_of("1.00"), 0);
    ASSERT_OUT("Exactly twenty chars\n                1.00\n");
}

static void large_text_has_half_the_columns(void **state)
{
    (void)state;
    struct escpos w = begin();
    escpos_large(&w, true);
    buf_reset(&out);
    escpos_line(&w, slice_of("Return taken back"));
    ASSERT_OUT("Return\ntaken back\n");
}

static void no_text_can_become_a_command(void **state)
{
    (void)state;
    struct escpos w = begin();
    escpos_line(&w, slice_of("a\x1b@\x1dV\x7f"
                             "b\n\x10\x04"));
    assert_null(memchr(out.data, 0x1b, out.len));
    assert_null(memchr(out.data, 0x1d, out.len));
    assert_null(memchr(out.data, 0x10, out.len));
    assert_int_equal(out.data[out.len - 1], '\n');
    assert_ptr_equal(memchr(out.data, '\n', out.len), out.data + out.len - 1);
}

static void a_number_is_coded_in_set_b(void **state)
{
    (void)state;
    struct escpos w = begin();
    escpos_code128(&w, slice_of("R{1"));
    ASSERT_OUT("\x1dhP\x1dw\x02\x1dH\x02\x1dkI\x06{BR{{1");
}

static void a_qr_code_tells_its_length(void **state)
{
    (void)state;
    struct escpos w = begin();
    escpos_qr(&w, slice_of("R-1"));
    assert_non_null(memmem(out.data, out.len, "\x1d(k\x06\0\x31\x50\x30R-1", 11));
}

static void what_can_t_be_coded_fails_the_print(void **state)
{
    (void)state;
    struct escpos w = begin();
    escpos_code128(&w, slice_of("größe"));
    assert_int_equal(buf_check(&out, NULL, ""), ERR_TOO_LARGE);
    buf_reset(&out);
    escpos_qr(&w, slice_of(""));
    assert_int_equal(buf_check(&out, NULL, ""), ERR_TOO_LARGE);
}

static void a_picture_tells_its_size(void **state)
{
    (void)state;
    struct escpos w = begin();
    escpos_raster(&w, 12, 2, (struct slice){"\xff\xf0\x81\x10", 4});
    ASSERT_OUT("\x1dv0\0\x02\0\x02\0\xff\xf0\x81\x10");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(text_is_wrapped_at_words_and_long_words_are_cut),
        TEST(an_amount_stands_at_the_right_margin_of_its_last_line),
        TEST(large_text_has_half_the_columns),
        TEST(no_text_can_become_a_command),
        TEST(a_number_is_coded_in_set_b),
        TEST(a_qr_code_tells_its_length),
        TEST(what_can_t_be_coded_fails_the_print),
        TEST(a_picture_tells_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
