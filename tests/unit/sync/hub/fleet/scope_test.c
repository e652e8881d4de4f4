/* Whom layers and rollouts are for. */
#include "sync/hub/fleet/scope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const good[] = {"fleet", "group/north", "group/a.b_c-1", "store/0042",
                                   "device/ap-0001"};
static const char *const bad[] = {"",          "Fleet",         "fleet/",
                                  "group",     "group/",        "group/a b",
                                  "group/a/b", "store/",        "store/00000000000000001",
                                  "device/",   "device/a+b",    "till/1",
                                  "groups/a",  "group/\xc3\xa4"};

static void four_kinds_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(scope_check(good[i], NULL), ERR_OK);
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(scope_check(bad[i], NULL), ERR_INVALID);
}

static void a_name_is_that_of_its_kind_only(void **state)
{
    (void)state;
    assert_string_equal(scope_name("group/north", "group"), "north");
    assert_null(scope_name("group/north", "store"));
    assert_null(scope_name("groups/north", "group"));
    assert_null(scope_name("fleet", "group"));
}

static void a_name_has_a_length(void **state)
{
    (void)state;
    assert_true(scope_is_name("abc", 3));
    assert_false(scope_is_name("abcd", 3));
    assert_false(scope_is_name("", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_kinds_are_taken),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(a_name_is_that_of_its_kind_only),
        cmocka_unit_test(a_name_has_a_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
