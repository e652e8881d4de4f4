#include "agent/print/logo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static enum err read_bytes(const char *bytes, size_t len, struct logo *logo)
{
    return logo_read((struct slice){bytes, len}, logo, NULL);
}
#define READ(literal, logo) read_bytes((literal), sizeof(literal) - 1, (logo))

static void a_picture_is_read_with_its_comments(void **state)
{
    (void)state;
    struct logo logo = {0};
    assert_int_equal(READ("P4 # made by hand\n12 2\n\xff\xf0\x81\x10", &logo), ERR_OK);
    assert_int_equal(logo.width, 12);
    assert_int_equal(logo.height, 2);
    assert_int_equal(logo.bits.len, 4);
    assert_memory_equal(logo.bits.data, "\xff\xf0\x81\x10", 4);
    logo_free(&logo);
}

static void what_is_no_such_picture_is_refused(void **state)
{
    (void)state;
    struct logo logo = {0};
    assert_int_equal(READ("", &logo), ERR_INVALID);
    assert_int_equal(READ("P1 1 1\n1", &logo), ERR_INVALID);
    assert_int_equal(READ("P4 12 2\n\xff", &logo), ERR_INVALID);
    assert_int_equal(READ("P4 577 1\n", &logo), ERR_INVALID);
    assert_int_equal(READ("P4 99999999999999999999 1\n", &logo), ERR_INVALID);
    assert_int_equal(READ("P4 # never ends", &logo), ERR_INVALID);
    assert_null(logo.bits.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_is_read_with_its_comments),
        cmocka_unit_test(what_is_no_such_picture_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
