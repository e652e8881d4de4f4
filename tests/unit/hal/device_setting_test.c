#include "hal/device_setting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_device_and_its_options_are_told_apart(void **state)
{
    (void)state;
    char device[DEVICE_TEXT_MAX + 1];
    struct device_option options[] = {{.name = "lane"}, {.name = "baud"}, {.name = "page"}};
    assert_int_equal(
        device_setting_read("serial:/dev/a,b,lane=01,baud=19200", device, options, 3, NULL),
        ERR_OK);
    assert_string_equal(device, "serial:/dev/a,b");
    assert_string_equal(options[0].value, "01");
    assert_string_equal(options[1].value, "19200");
    assert_string_equal(options[2].value, "");
    int baud;
    assert_int_equal(device_option_number(&options[1], 300, 4000000, 9600, &baud, NULL), ERR_OK);
    assert_int_equal(baud, 19200);
    assert_int_equal(device_option_number(&options[2], 1, 2, 7, &baud, NULL), ERR_OK);
    assert_int_equal(baud, 7);
}

static void an_option_that_is_unknown_empty_or_no_number_is_refused_by_name(void **state)
{
    (void)state;
    char device[DEVICE_TEXT_MAX + 1] = "untouched";
    struct device_option lane = {.name = "lane"};
    struct fault fault;
    assert_int_equal(device_setting_read("tcp:h:1,lame=01", device, &lane, 1, &fault), ERR_INVALID);
    assert_string_equal(fault.text, "there is no option \"lame\" here");
    assert_string_equal(device, "untouched");
    assert_int_equal(device_setting_read("tcp:h:1,lane=", device, &lane, 1, &fault), ERR_INVALID);
    assert_string_equal(fault.where, "lane");
    struct device_option wide = {.name = "columns", .value = "4x"};
    int number;
    assert_int_equal(device_option_number(&wide, 20, 64, 42, &number, &fault), ERR_INVALID);
    assert_string_equal(fault.text, "must be a whole number from 20 to 64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_and_its_options_are_told_apart),
        cmocka_unit_test(an_option_that_is_unknown_empty_or_no_number_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
