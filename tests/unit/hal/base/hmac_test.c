#include "hal/base/hmac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check(struct slice key, struct slice data, const char *expected)
{
    char text[SHA256_TEXT + 1];
    const struct slice halves[] = {{data.data, data.len / 2},
                                   {data.data + data.len / 2, data.len - data.len / 2}};
    const struct sha256 whole = hmac_of_all(key, &data, 1);
    const struct sha256 split = hmac_of_all(key, halves, 2);
    sha256_format(&whole, text);
    assert_string_equal(text, expected);
    assert_true(hmac_equal(&whole, &split));
}

/* RFC 4231, sections 4.2, 4.3 and 4.7. */
static void codes_are_those_of_the_standard(void **state)
{
    (void)state;
    char short_key[20];
    char long_key[131];
    memset(short_key, 0x0b, sizeof short_key);
    memset(long_key, 0xaa, sizeof long_key);
    check((struct slice){short_key, sizeof short_key}, slice_of("Hi There"),
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    check(slice_of("Jefe"), slice_of("what do ya want for nothing?"),
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    check((struct slice){long_key, sizeof long_key},
          slice_of("Test Using Larger Than Block-Size Key - Hash Key First"),
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void one_bit_makes_a_difference(void **state)
{
    (void)state;
    const struct slice data = SLICE_LITERAL("x");
    struct sha256 a = hmac_of_all(slice_of("k"), &data, 1);
    struct sha256 b = a;
    assert_true(hmac_equal(&a, &b));
    b.bytes[31] ^= 1;
    assert_false(hmac_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_those_of_the_standard),
        cmocka_unit_test(one_bit_makes_a_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
