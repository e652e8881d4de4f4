#include "hal/base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MILLION = 1000000 };

static void assert_hash(struct slice data, const char *expected)
{
    struct sha256 hash = sha256_of(data);
    char text[SHA256_TEXT + 1];
    sha256_format(&hash, text);
    assert_string_equal(text, expected);
}

/* The examples that NIST publishes with FIPS 180-4. */
static void matches_the_vectors_of_fips_180(void **state)
{
    (void)state;
    assert_hash(SLICE_LITERAL(""),
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_hash(SLICE_LITERAL("abc"),
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_hash(SLICE_LITERAL("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_hash(SLICE_LITERAL("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
                              "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"),
                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
    char *million = malloc(MILLION);
    assert_non_null(million);
    memset(million, 'a', MILLION);
    assert_hash((struct slice){million, MILLION},
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

static void parts_hash_as_one(void **state)
{
    (void)state;
    const struct slice parts[] = {SLICE_LITERAL("a"), {NULL, 0}, SLICE_LITERAL("bc")};
    struct sha256 whole = sha256_of(SLICE_LITERAL("abc"));
    struct sha256 joined = sha256_of_all(parts, 3);
    assert_true(sha256_equal(&whole, &joined));
    struct sha256 none = sha256_of_all(NULL, 0);
    struct sha256 empty = sha256_of(SLICE_LITERAL(""));
    assert_true(sha256_equal(&none, &empty));
    assert_false(sha256_equal(&none, &whole));
}

static void text_goes_both_ways(void **state)
{
    (void)state;
    struct sha256 hash = sha256_of(SLICE_LITERAL("abc"));
    char text[SHA256_TEXT + 1];
    sha256_format(&hash, text);
    struct sha256 back;
    assert_int_equal(sha256_parse(slice_of(text), &back), ERR_OK);
    assert_true(sha256_equal(&hash, &back));
}

static void what_is_no_hash_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct sha256 hash = sha256_of(SLICE_LITERAL("abc"));
    struct sha256 before = hash;
    assert_int_equal(sha256_parse(SLICE_LITERAL("00"), &hash), ERR_INVALID);
    char text[SHA256_TEXT + 1];
    memset(text, '0', sizeof text);
    text[SHA256_TEXT - 1] = 'x';
    assert_int_equal(sha256_parse((struct slice){text, SHA256_TEXT}, &hash), ERR_INVALID);
    assert_true(sha256_equal(&hash, &before));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_the_vectors_of_fips_180),
        cmocka_unit_test(parts_hash_as_one),
        cmocka_unit_test(text_goes_both_ways),
        cmocka_unit_test(what_is_no_hash_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
