#include "hal/base/fault.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void every_code_has_its_own_name_a_text_and_a_class(void **state)
{
    (void)state;
    for (int i = ERR_OK; i <= ERR_READ_ONLY; i++) {
        enum err code = (enum err)i;
        assert_true(strlen(err_name(code)) > 0);
        assert_true(strlen(err_text(code)) > 0);
        assert_true((err_class(code) == ERR_CLASS_NONE) == (code == ERR_OK));
        for (int k = ERR_OK; k < i; k++)
            assert_string_not_equal(err_name(code), err_name((enum err)k));
    }
    assert_string_equal(err_name(ERR_DISK_FULL), "disk_full");
    assert_int_equal(err_class(ERR_DISK_FULL), ERR_CLASS_RETRY);
    assert_int_equal(err_class(ERR_INVALID), ERR_CLASS_PARK);
    assert_int_equal(err_class(ERR_CORRUPT), ERR_CLASS_FATAL);
}

static void set_keeps_code_place_and_sentence(void **state)
{
    (void)state;
    struct fault fault;
    assert_int_equal(fault_set(&fault, ERR_CONFLICT, "lines[2]", "%d is not %d", 1, 2),
                     ERR_CONFLICT);
    assert_int_equal(fault.code, ERR_CONFLICT);
    assert_string_equal(fault.where, "lines[2]");
    assert_string_equal(fault.text, "1 is not 2");
}

static void no_fault_to_fill_is_fine(void **state)
{
    (void)state;
    assert_int_equal(fault_set(NULL, ERR_IO, "x", "%s", "y"), ERR_IO);
    assert_int_equal(fault_errno(NULL, ENOSPC, "x", "write"), ERR_DISK_FULL);
    assert_int_equal(fault_wrap(NULL, ERR_IO, "x"), ERR_IO);
    fault_within(NULL, "x");
}

static void errno_values_get_the_code_that_says_what_to_do(void **state)
{
    (void)state;
    static const struct {
        int error;
        enum err code;
    } rows[] = {{ENOSPC, ERR_DISK_FULL},  {EDQUOT, ERR_DISK_FULL},         {ENOMEM, ERR_NO_MEMORY},
                {ENOENT, ERR_NOT_FOUND},  {EACCES, ERR_FORBIDDEN},         {EROFS, ERR_READ_ONLY},
                {ETIMEDOUT, ERR_TIMEOUT}, {ECONNREFUSED, ERR_UNREACHABLE}, {ECONNRESET, ERR_CLOSED},
                {EPIPE, ERR_CLOSED},      {ENODEV, ERR_NOT_FOUND},         {EIO, ERR_IO}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fault fault;
        assert_int_equal(fault_errno(&fault, rows[i].error, "/p", "open"), rows[i].code);
        assert_int_equal(fault.code, rows[i].code);
        assert_memory_equal(fault.text, "open: ", 6);
    }
}

static void wrap_puts_what_was_done_before_the_sentence(void **state)
{
    (void)state;
    struct fault fault;
    (void)fault_set(&fault, ERR_IO, "f", "no");
    assert_int_equal(fault_wrap(&fault, ERR_IO, "reading"), ERR_IO);
    assert_string_equal(fault.text, "reading: no");
    assert_string_equal(fault.where, "f");
}

static void within_builds_the_path_of_a_field(void **state)
{
    (void)state;
    struct fault fault;
    (void)fault_set(&fault, ERR_INVALID, "quantity", "no");
    fault_within(&fault, "lines[2]");
    assert_string_equal(fault.where, "lines[2].quantity");
    (void)fault_set(&fault, ERR_INVALID, "", "no");
    fault_within(&fault, "lines");
    assert_string_equal(fault.where, "lines");
    (void)fault_set(&fault, ERR_INVALID, "[3]", "no");
    fault_within(&fault, "lines");
    assert_string_equal(fault.where, "lines[3]");
}

static void what_is_too_long_is_cut(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    struct fault fault;
    (void)fault_set(&fault, ERR_IO, text, "%s", text);
    assert_int_equal(strlen(fault.where), FAULT_WHERE_MAX - 1);
    assert_int_equal(strlen(fault.text), FAULT_TEXT_MAX - 1);
    (void)fault_wrap(&fault, ERR_IO, "doing");
    fault_within(&fault, text);
    assert_int_equal(strlen(fault.where), FAULT_WHERE_MAX - 1);
    assert_memory_equal(fault.text, "doing: xxx", 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_own_name_a_text_and_a_class),
        cmocka_unit_test(set_keeps_code_place_and_sentence),
        cmocka_unit_test(no_fault_to_fill_is_fine),
        cmocka_unit_test(errno_values_get_the_code_that_says_what_to_do),
        cmocka_unit_test(wrap_puts_what_was_done_before_the_sentence),
        cmocka_unit_test(within_builds_the_path_of_a_field),
        cmocka_unit_test(what_is_too_long_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
