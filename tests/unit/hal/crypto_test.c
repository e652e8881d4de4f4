#include "hal/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void random_bytes_fill_the_whole_and_differ(void **state)
{
    (void)state;
    uint8_t a[64] = {0}, b[64] = {0};
    assert_int_equal(crypto_random(NULL, a, sizeof a), 0);
    assert_int_equal(crypto_random(NULL, b, sizeof b), 0);
    assert_memory_not_equal(a, b, sizeof a);
    /* all of the last sixteen zero: once in 2^128 */
    assert_memory_not_equal(a + 48, (uint8_t[16]){0}, 16);
}

static void equal_sees_a_difference_anywhere(void **state)
{
    (void)state;
    uint8_t a[32] = {0}, b[32] = {0};
    assert_true(crypto_equal(a, b, sizeof a));
    assert_true(crypto_equal(a, b, 0));
    for (size_t i = 0; i < sizeof a; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            b[i] = (uint8_t)(1 << bit);
            assert_false(crypto_equal(a, b, sizeof a));
            b[i] = 0;
        }
}

static void failures_say_what_and_where(void **state)
{
    (void)state;
    struct fault fault;
    assert_int_equal(crypto_fault(&fault, ERR_INVALID, "key.pem", "reading a key",
                                  MBEDTLS_ERR_PK_KEY_INVALID_FORMAT),
                     ERR_INVALID);
    assert_string_equal(fault.where, "key.pem");
    assert_non_null(strstr(fault.text, "reading a key: PK - "));
    assert_non_null(strstr(fault.text, "(-0x3d00)"));
    assert_int_equal(crypto_fault(&fault, ERR_INVALID, "", "x", MBEDTLS_ERR_PK_ALLOC_FAILED),
                     ERR_NO_MEMORY);
}

static void wiped_secret_is_gone(void **state)
{
    (void)state;
    char secret[] = "secret";
    crypto_wipe(secret, sizeof secret);
    assert_memory_equal(secret, (char[sizeof secret]){0}, sizeof secret);
}

static void sealed_opens_only_unchanged_with_its_key_and_context(void **state)
{
    (void)state;
    const struct slice plain = slice_of("ada@example.org"), context = slice_of("return 1");
    uint8_t key[CRYPTO_KEY_BYTES] = {1}, nonce[CRYPTO_NONCE_BYTES], opened[64] = {0};
    uint8_t sealed[64];
    const struct slice whole = {(const char *)sealed, plain.len + CRYPTO_TAG_BYTES};
    assert_int_equal(crypto_seal(key, context, plain, nonce, sealed), 0);
    assert_null(memmem(sealed, whole.len, "example", 7));
    assert_int_equal(crypto_open(key, context, nonce, whole, opened), 0);
    assert_memory_equal(opened, plain.data, plain.len);
    for (size_t i = 0; i < whole.len; i++) {
        sealed[i] ^= 1;
        assert_int_not_equal(crypto_open(key, context, nonce, whole, opened), 0);
        sealed[i] ^= 1;
    }
    assert_int_not_equal(crypto_open(key, slice_of("return 2"), nonce, whole, opened), 0);
    const struct slice stump = {whole.data, CRYPTO_TAG_BYTES - 1};
    assert_int_not_equal(crypto_open(key, context, nonce, stump, opened), 0);
    nonce[0] ^= 1;
    assert_int_not_equal(crypto_open(key, context, nonce, whole, opened), 0);
    nonce[0] ^= 1;
    key[31] ^= 1;
    assert_int_not_equal(crypto_open(key, context, nonce, whole, opened), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_bytes_fill_the_whole_and_differ),
        cmocka_unit_test(equal_sees_a_difference_anywhere),
        cmocka_unit_test(failures_say_what_and_where),
        cmocka_unit_test(wiped_secret_is_gone),
        cmocka_unit_test(sealed_opens_only_unchanged_with_its_key_and_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
