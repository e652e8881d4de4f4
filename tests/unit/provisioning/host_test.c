#include "provisioning/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void addresses_are_told_from_names(void **state)
{
    (void)state;
    uint8_t address[HOST_ADDRESS_MAX];
    assert_int_equal(host_address("10.1.2.3", address), 4);
    assert_memory_equal(address, "\x0a\x01\x02\x03", 4);
    assert_int_equal(host_address("::1", address), 16);
    assert_int_equal(host_address("10.1.2", address), 0);
    assert_int_equal(host_address("hub.example", address), 0);
}

static void names_follow_the_rules_of_dns(void **state)
{
    (void)state;
    static const char *const good[] = {"localhost", "hub.example.com", "*.stores.example",
                                       "a-1.b",     "127.0.0.1",       "fe80::1"};
    static const char *const bad[] = {"",    ".", "a..b",  "-a.b",         "a-.b", "a_b",
                                      "a b", "*", "a.*.b", "hub.example.", "x/y",  "::g"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(host_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(host_valid(bad[i]));
    char label[65];
    memset(label, 'a', 64);
    label[64] = '\0';
    assert_false(host_valid(label));
    assert_true(host_valid(label + 1));
}

static void a_star_covers_one_label_only(void **state)
{
    (void)state;
    assert_true(host_covered(SLICE_LITERAL("hub.example"), "HUB.example"));
    assert_false(host_covered(SLICE_LITERAL("hub.example"), "hub.example.com"));
    assert_true(host_covered(SLICE_LITERAL("*.example"), "a.example"));
    assert_false(host_covered(SLICE_LITERAL("*.example"), "a.b.example"));
    assert_false(host_covered(SLICE_LITERAL("*.example"), ".example"));
    assert_false(host_covered(SLICE_LITERAL("*.example"), "example"));
    /* a NUL in a certificate's name fools nobody */
    assert_false(host_covered(SLICE_LITERAL("hub.example\0.evil"), "hub.example"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_told_from_names),
        cmocka_unit_test(names_follow_the_rules_of_dns),
        cmocka_unit_test(a_star_covers_one_label_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
