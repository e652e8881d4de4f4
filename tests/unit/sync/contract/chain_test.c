#include "sync/contract/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const struct id log_a = {.bytes = {1, 0x92, [15] = 0xaa}};
static const struct id log_b = {.bytes = {1, 0x92, [15] = 0xbb}};

static void assert_hash(struct sha256 hash, const char *text)
{
    char found[SHA256_TEXT + 1];
    sha256_format(&hash, found);
    assert_string_equal(found, text);
}

/* Fixed figures: whoever changes the chain orphans every log in the field. */
static void origin_and_next_are_what_they_were(void **state)
{
    (void)state;
    struct sha256 origin = chain_origin(&log_a, NULL);
    assert_hash(origin, "4f2e2b801374e574cbb20b1b031b8f2c3d73ed532cd89cb038df37d4bab94ad3");
    struct sha256 next = chain_next(&origin, SLICE_LITERAL("{}"));
    assert_hash(next, "34ed76afcec29f181bfe35c68a31e5bb071de0424bd9e87a3a7f24904d810e7c");
    struct chain_parent parent = {.log = log_a, .seq = 17, .hash = next};
    assert_hash(chain_origin(&log_b, &parent),
                "38d3da8a87d9431a15c4e8ba93a80373db25d9c067d87ae8f89cc19c4d1b8fa0");
}

static void origin_differs_by_log_and_by_each_part_of_the_parent(void **state)
{
    (void)state;
    struct sha256 hashes[5];
    struct chain_parent parent = {.log = log_a, .seq = 1};
    hashes[0] = chain_origin(&log_a, NULL);
    hashes[1] = chain_origin(&log_b, NULL);
    hashes[2] = chain_origin(&log_b, &parent);
    parent.seq = 2;
    hashes[3] = chain_origin(&log_b, &parent);
    parent.hash.bytes[31] = 1;
    hashes[4] = chain_origin(&log_b, &parent);
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < i; j++)
            assert_false(sha256_equal(&hashes[i], &hashes[j]));
}

static void next_depends_on_all_that_came_before(void **state)
{
    (void)state;
    struct sha256 origin = chain_origin(&log_a, NULL);
    struct sha256 one = chain_next(&origin, SLICE_LITERAL("a"));
    struct sha256 two = chain_next(&one, SLICE_LITERAL("b"));
    struct sha256 other = chain_next(&origin, SLICE_LITERAL("b"));
    other = chain_next(&other, SLICE_LITERAL("a"));
    assert_false(sha256_equal(&two, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(origin_and_next_are_what_they_were),
        cmocka_unit_test(origin_differs_by_log_and_by_each_part_of_the_parent),
        cmocka_unit_test(next_depends_on_all_that_came_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
