#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sync/contract/wide.h"

/* Numbers of every length, and those at the edges of 32 and 64 bits (SplitMix64). */
static uint64_t roll(uint64_t *seed)
{
    static const uint64_t edges[] = {0, 1, 2, UINT32_MAX, UINT64_C(1) << 32, INT64_MAX, UINT64_MAX};
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    if (z % 8 == 0)
        return edges[z / 8 % (sizeof edges / sizeof *edges)];
    return z >> z % 64;
}

static struct wide wide_plus(struct wide a, uint64_t b)
{
    uint64_t low = a.low + b;
    return (struct wide){.high = a.high + (low < b), .low = low};
}

enum { ROLLS = 200000 };

static void products_are_exact(void **state)
{
    (void)state;
    struct wide square = wide_times(UINT64_MAX, UINT64_MAX);
    assert_true(square.high == UINT64_MAX - 1 && square.low == 1);
    square = wide_times(UINT64_C(1) << 32, UINT64_C(1) << 32);
    assert_true(square.high == 1 && square.low == 0);
    assert_int_equal(wide_compare(wide_times(0, UINT64_MAX), (struct wide){0}), 0);
}

static void quotient_and_rest_make_the_number_again(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < ROLLS; i++) {
        uint64_t by = roll(&seed) | 1;
        uint64_t quotient = roll(&seed);
        uint64_t rest = roll(&seed) % by;
        uint64_t found = 0;
        uint64_t left = 0;
        assert_true(wide_divide(wide_plus(wide_times(quotient, by), rest), by, &found, &left));
        assert_true(found == quotient && left == rest);
    }
}

static void quotient_of_more_than_64_bits_is_refused(void **state)
{
    (void)state;
    uint64_t quotient = 4;
    uint64_t rest = 5;
    assert_false(wide_divide((struct wide){.high = 1}, 1, &quotient, &rest));
    assert_false(wide_divide((struct wide){.high = 7, .low = 9}, 7, &quotient, &rest));
    assert_true(quotient == 4 && rest == 5);
    assert_true(wide_divide((struct wide){.high = 6, .low = UINT64_MAX}, 7, &quotient, &rest));
    assert_true(quotient == UINT64_MAX && rest == 6);
}

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 native;

static native to_native(struct wide value)
{
    return (native)value.high << 64 | value.low;
}

static void agrees_with_the_compilers_own(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int i = 0; i < ROLLS; i++) {
        uint64_t a = roll(&seed);
        uint64_t b = roll(&seed);
        uint64_t by = roll(&seed);
        struct wide product = wide_times(a, b);
        struct wide other = wide_times(b, by);
        native expected = (native)a * b;
        assert_true(to_native(product) == expected);
        int order = wide_compare(product, other);
        assert_true((order < 0) == (expected < to_native(other)));
        assert_true((order > 0) == (expected > to_native(other)));
        if (by == 0)
            continue;
        uint64_t quotient = 0;
        uint64_t rest = 0;
        bool fits = wide_divide(product, by, &quotient, &rest);
        assert_true(fits == (expected / by <= UINT64_MAX));
        if (fits)
            assert_true(quotient == expected / by && rest == expected % by);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_exact),
        cmocka_unit_test(quotient_and_rest_make_the_number_again),
        cmocka_unit_test(quotient_of_more_than_64_bits_is_refused),
#ifdef __SIZEOF_INT128__
        cmocka_unit_test(agrees_with_the_compilers_own),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
