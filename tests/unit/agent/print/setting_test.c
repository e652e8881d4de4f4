#include "agent/print/setting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void a_device_alone_has_defaults(void **state)
{
    (void)state;
    struct print_setting setting;
    assert_int_equal(print_setting_read("usb:/dev/usb/lp0", &setting, NULL), ERR_OK);
    assert_string_equal(setting.device, "usb:/dev/usb/lp0");
    assert_string_equal(setting.lane, "");
    assert_int_equal(setting.paper.page, CODE_PAGE_858);
    assert_int_equal(setting.paper.columns, 42);
    assert_true(setting.drawer && !setting.drawer_second && !setting.mute);
    assert_int_equal(setting.baud, 0);
}

static void every_option_is_taken(void **state)
{
    (void)state;
    struct print_setting setting;
    assert_int_equal(
        print_setting_read("serial:/dev/ttyS0,lane=02,columns=48,page=cp1252,baud=19200,"
                           "drawer=5,status=none",
                           &setting, NULL),
        ERR_OK);
    assert_string_equal(setting.device, "serial:/dev/ttyS0");
    assert_string_equal(setting.lane, "02");
    assert_int_equal(setting.paper.page, CODE_PAGE_1252);
    assert_int_equal(setting.paper.columns, 48);
    assert_int_equal(setting.baud, 19200);
    assert_true(setting.drawer && setting.drawer_second && setting.mute);
    assert_int_equal(print_setting_read("file:/tmp/x,drawer=none,status=asked", &setting, NULL),
                     ERR_OK);
    assert_true(!setting.drawer && !setting.mute);
}

static void what_is_wrong_is_named_and_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        const char *where;
    } cases[] = {
        {"tcp:h:1,page=cp1", "page"},
        {"tcp:h:1,columns=9", "columns"},
        {"tcp:h:1,columns=x", "columns"},
        {"tcp:h:1,drawer=3", "drawer"},
        {"tcp:h:1,status=perhaps", "status"},
        {"tcp:h:1,baud=1", "baud"},
        {"tcp:h:1,lane=12345678901234567", "lane"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct print_setting setting = {.baud = 7};
        struct fault fault;
        assert_int_equal(print_setting_read(cases[i].value, &setting, &fault), ERR_INVALID);
        assert_string_equal(fault.where, cases[i].where);
        assert_int_equal(setting.baud, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_alone_has_defaults),
        cmocka_unit_test(every_option_is_taken),
        cmocka_unit_test(what_is_wrong_is_named_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
