#include "hal/pin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

enum { FEW_ROUNDS = 10 };

static void digits_of_the_right_length_are_a_pin(void **state)
{
    (void)state;
    assert_int_equal(pin_check(slice_of("2580"), NULL), ERR_OK);
    assert_int_equal(pin_check(slice_of("258025802580"), NULL), ERR_OK);
}

static void what_is_no_pin_is_refused_with_the_rule(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "258", "2580258025802", "25a0", "25 0", "-258"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct fault fault;
        assert_int_equal(pin_check(slice_of(wrong[i]), &fault), ERR_INVALID);
        assert_string_equal(fault.where, "pin");
    }
}

static void what_everybody_tries_first_is_refused(void **state)
{
    (void)state;
    static const char *const easy[] = {"1111", "000000", "1234", "456789", "4321", "9876"};
    for (size_t i = 0; i < sizeof easy / sizeof *easy; i++)
        assert_int_equal(pin_check(slice_of(easy[i]), NULL), ERR_INVALID);
    assert_int_equal(pin_check(slice_of("1233"), NULL), ERR_OK);
}

static void only_the_same_pin_matches(void **state)
{
    (void)state;
    struct pin_verifier verifier;
    assert_int_equal(pin_verifier_make(slice_of("2580"), FEW_ROUNDS, &verifier, NULL), ERR_OK);
    assert_true(pin_matches(slice_of("2580"), &verifier));
    assert_false(pin_matches(slice_of("2581"), &verifier));
    assert_false(pin_matches(slice_of("25800"), &verifier));
    assert_false(pin_matches(slice_of(""), &verifier));
}

static void the_same_pin_twice_has_two_verifiers(void **state)
{
    (void)state;
    struct pin_verifier a;
    struct pin_verifier b;
    assert_int_equal(pin_verifier_make(slice_of("2580"), FEW_ROUNDS, &a, NULL), ERR_OK);
    assert_int_equal(pin_verifier_make(slice_of("2580"), FEW_ROUNDS, &b, NULL), ERR_OK);
    assert_memory_not_equal(a.salt, b.salt, PIN_SALT_BYTES);
    assert_memory_not_equal(a.hash, b.hash, PIN_HASH_BYTES);
}

static void the_rounds_are_slow_unless_said_otherwise(void **state)
{
    (void)state;
    struct pin_verifier verifier;
    assert_int_equal(pin_verifier_make(slice_of("2580"), 0, &verifier, NULL), ERR_OK);
    assert_int_equal(verifier.rounds, PIN_ROUNDS);
}

/* By another implementation: Python's hashlib.pbkdf2_hmac("sha256", b"2580", bytes(range(16)),
 * 1000).
 */
static void the_hash_is_the_standard_one(void **state)
{
    (void)state;
    static const uint8_t expected[PIN_HASH_BYTES] = {
        0x85, 0xda, 0x89, 0x9b, 0x99, 0x8b, 0x59, 0xb0, 0x8e, 0xd1, 0x4c,
        0x3f, 0x8e, 0x95, 0x56, 0xd1, 0x02, 0x50, 0x02, 0x06, 0x4b, 0x6d,
        0x36, 0x0e, 0x8e, 0x44, 0xec, 0xeb, 0xb2, 0x87, 0x43, 0x6d};
    struct pin_verifier verifier = {.rounds = 1000};
    for (uint8_t i = 0; i < PIN_SALT_BYTES; i++)
        verifier.salt[i] = i;
    memcpy(verifier.hash, expected, sizeof expected);
    assert_true(pin_matches(slice_of("2580"), &verifier));
}

static void one_time_pins_are_pins_and_differ(void **state)
{
    (void)state;
    char a[PIN_ONE_TIME + 1];
    char b[PIN_ONE_TIME + 1];
    pin_random(a);
    pin_random(b);
    assert_int_equal(strlen(a), PIN_ONE_TIME);
    assert_int_equal(pin_check(slice_of(a), NULL), ERR_OK);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_of_the_right_length_are_a_pin),
        cmocka_unit_test(what_is_no_pin_is_refused_with_the_rule),
        cmocka_unit_test(what_everybody_tries_first_is_refused),
        cmocka_unit_test(only_the_same_pin_matches),
        cmocka_unit_test(the_same_pin_twice_has_two_verifiers),
        cmocka_unit_test(the_rounds_are_slow_unless_said_otherwise),
        cmocka_unit_test(the_hash_is_the_standard_one),
        cmocka_unit_test(one_time_pins_are_pins_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
