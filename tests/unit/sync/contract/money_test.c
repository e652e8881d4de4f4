#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sync/contract/money.h"

static void currencies_have_the_exponents_of_iso_4217(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        uint8_t exponent;
    } known[] = {{"EUR", 2}, {"USD", 2}, {"JPY", 0}, {"KRW", 0}, {"KWD", 3}, {"TND", 3},
                 {"BHD", 3}, {"CLF", 4}, {"UYW", 4}, {"AED", 2}, {"ZWG", 2}, {"ISK", 0}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const struct currency *found = currency_find(slice_of(known[i].code));
        assert_non_null(found);
        assert_string_equal(found->code, known[i].code);
        assert_int_equal(found->exponent, known[i].exponent);
    }
}

static void what_is_no_currency_is_not_found(void **state)
{
    (void)state;
    static const char *const unknown[] = {"", "EU", "EURO", "eur", "XXX", "XAU", "AAA", "ZZZ"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_null(currency_find(slice_of(unknown[i])));
}

static void shares_round_half_away_from_zero(void **state)
{
    (void)state;
    assert_int_equal(money_share(1000, 1, 3), 333);
    assert_int_equal(money_share(1000, 2, 3), 667);
    assert_int_equal(money_share(1, 1, 2), 1);
    assert_int_equal(money_share(-1, 1, 2), -1);
    assert_int_equal(money_share(3, 1, 2), 2);
    assert_int_equal(money_share(-3, 1, 2), -2);
    assert_int_equal(money_share(0, 1, 7), 0);
    assert_int_equal(money_share(MONEY_MAX_MINOR, MONEY_MAX_MINOR - 1, MONEY_MAX_MINOR),
                     MONEY_MAX_MINOR - 1);
}

static void spread_gives_the_rest_to_the_largest_remainders(void **state)
{
    (void)state;
    int64_t shares[4];
    assert_int_equal(money_spread(1000, (int64_t[]){1999, 501, 750}, 3, shares), ERR_OK);
    assert_int_equal(shares[0], 615);
    assert_int_equal(shares[1], 154);
    assert_int_equal(shares[2], 231);
    assert_int_equal(money_spread(-1000, (int64_t[]){1999, 501, 750}, 3, shares), ERR_OK);
    assert_int_equal(shares[0], -615);
    assert_int_equal(shares[2], -231);
}

static void spread_breaks_ties_by_position(void **state)
{
    (void)state;
    int64_t shares[4];
    assert_int_equal(money_spread(2, (int64_t[]){1, 1, 1, 1}, 4, shares), ERR_OK);
    assert_memory_equal(shares, ((int64_t[]){1, 1, 0, 0}), sizeof shares);
    assert_int_equal(money_spread(7, (int64_t[]){0, 5, 0, 5}, 4, shares), ERR_OK);
    assert_memory_equal(shares, ((int64_t[]){0, 4, 0, 3}), sizeof shares);
}

static void spread_sums_exactly_even_for_large_amounts(void **state)
{
    (void)state;
    int64_t weights[] = {MONEY_MAX_MINOR, MONEY_MAX_MINOR - 1, 1, 7, 123456789};
    int64_t shares[5];
    int64_t sum = 0;
    assert_int_equal(money_spread(MONEY_MAX_MINOR - 3, weights, 5, shares), ERR_OK);
    for (size_t i = 0; i < 5; i++)
        sum += shares[i];
    assert_int_equal(sum, MONEY_MAX_MINOR - 3);
}

static void spread_over_nothing_is_invalid(void **state)
{
    (void)state;
    int64_t shares[2] = {4, 5};
    assert_int_equal(money_spread(1, (int64_t[]){0, 0}, 2, shares), ERR_INVALID);
    assert_int_equal(money_spread(1, (int64_t[]){-1, 2}, 2, shares), ERR_INVALID);
    assert_int_equal(money_spread(1, (int64_t[]){0}, 0, shares), ERR_INVALID);
    assert_memory_equal(shares, ((int64_t[]){4, 5}), sizeof shares);
}

static void cash_rounds_to_the_step(void **state)
{
    (void)state;
    assert_int_equal(money_round_to(1002, 5), 1000);
    assert_int_equal(money_round_to(1003, 5), 1005);
    assert_int_equal(money_round_to(-1003, 5), -1005);
    assert_int_equal(money_round_to(50, 100), 100);
    assert_int_equal(money_round_to(49, 100), 0);
}

static void decimals_are_read_exactly(void **state)
{
    (void)state;
    struct decimal d = {0};
    assert_int_equal(decimal_parse(slice_of("1.1523"), &d), ERR_OK);
    assert_int_equal(d.digits, 11523);
    assert_int_equal(d.places, 4);
    assert_int_equal(decimal_parse(slice_of("-7.5"), &d), ERR_OK);
    assert_int_equal(d.digits, -75);
    assert_int_equal(decimal_parse(slice_of("19"), &d), ERR_OK);
    assert_int_equal(d.digits, 19);
    assert_int_equal(d.places, 0);
    static const char *const bad[] = {
        "",      "-",  ".",   "1.", ".5",           "1,5",
        "1.2.3", " 1", "1e3", "+1", "0.1234567890", "1234567890123456789",
        "0x10"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(decimal_parse(slice_of(bad[i]), &d), ERR_INVALID);
}

static void decimals_are_written_as_they_are_read(void **state)
{
    (void)state;
    static const char *const texts[] = {"0", "19", "-7.5", "1.1523", "0.05", "-0.000000001"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct decimal d = {0};
        struct buf out;
        buf_init(&out, 64);
        assert_int_equal(decimal_parse(slice_of(texts[i]), &d), ERR_OK);
        decimal_write(&out, d);
        assert_string_equal(out.data, texts[i]);
        buf_free(&out);
    }
}

static void times_is_exact_and_rounded(void **state)
{
    (void)state;
    assert_int_equal(money_times(3000, (struct decimal){11523, 4}), 3457);
    assert_int_equal(money_times(3000, (struct decimal){11741, 4}), 3522);
    assert_int_equal(money_times(-3000, (struct decimal){11523, 4}), -3457);
    assert_int_equal(money_times(1, (struct decimal){5, 1}), 1);
}

static void what_fits_in_no_amount_is_the_largest(void **state)
{
    (void)state;
    assert_int_equal(money_times(MONEY_MAX_MINOR, (struct decimal){1000000000000000000, 0}),
                     INT64_MAX);
    assert_int_equal(money_times(-1000000, (struct decimal){100000000000000, 0}), -INT64_MAX);
    assert_int_equal(money_share(INT64_MAX, 3, 2), INT64_MAX);
    assert_int_equal(money_share(INT64_MAX, 2, 2), INT64_MAX);
}

static void spread_over_more_than_an_int64_is_invalid(void **state)
{
    (void)state;
    int64_t shares[2] = {4, 5};
    assert_int_equal(money_spread(1, (int64_t[]){INT64_MAX, 1}, 2, shares), ERR_INVALID);
    assert_memory_equal(shares, ((int64_t[]){4, 5}), sizeof shares);
    assert_int_equal(money_spread(INT64_MAX, (int64_t[]){INT64_MAX - 1, 1}, 2, shares), ERR_OK);
    assert_memory_equal(shares, ((int64_t[]){INT64_MAX - 1, 1}), sizeof shares);
}

static void prices_are_compared_per_unit(void **state)
{
    (void)state;
    assert_true(money_compare_each(100, 3, 34, 1) < 0);
    assert_true(money_compare_each(34, 1, 100, 3) > 0);
    assert_int_equal(money_compare_each(100, 3, 200, 6), 0);
    assert_int_equal(money_compare_each(0, 1, 0, 7), 0);
    assert_true(money_compare_each(-1, 1, 0, 1) < 0);
    assert_true(money_compare_each(-100, 3, -34, 1) > 0);
    assert_true(money_compare_each(MONEY_MAX_MINOR, 999999999, MONEY_MAX_MINOR, 1000000000) > 0);
}

static void only_whole_products_are_taken(void **state)
{
    (void)state;
    int64_t value = 4;
    assert_true(decimal_times_whole((struct decimal){1234, 2}, 100, &value));
    assert_int_equal(value, 1234);
    assert_true(decimal_times_whole((struct decimal){-75, 1}, 2, &value));
    assert_int_equal(value, -15);
    assert_true(decimal_times_whole((struct decimal){MONEY_MAX_MINOR, 0}, 1, &value));
    assert_int_equal(value, MONEY_MAX_MINOR);
    assert_false(decimal_times_whole((struct decimal){MONEY_MAX_MINOR, 0}, -2, &value));
    assert_false(decimal_times_whole((struct decimal){1001, 3}, 100, &value));
    assert_false(decimal_times_whole((struct decimal){1000000000000000000, 0}, 10000, &value));
    assert_int_equal(value, MONEY_MAX_MINOR);
}

static void assert_written(int64_t amount, const char *code, const char *expected)
{
    struct buf out;
    buf_init(&out, 64);
    money_format(&out, amount, currency_find(slice_of(code)));
    assert_string_equal(out.data, expected);
    buf_free(&out);
}

static void amounts_are_written_with_their_exponent(void **state)
{
    (void)state;
    assert_written(1234, "EUR", "12.34");
    assert_written(-5, "EUR", "-0.05");
    assert_written(1234, "JPY", "1234");
    assert_written(1234, "KWD", "1.234");
    assert_written(0, "EUR", "0.00");
}

static void amounts_for_people_name_their_currency(void **state)
{
    char words[MONEY_TEXT_MAX];
    (void)state;
    assert_string_equal(money_text(words, -300, "EUR"), "-3.00 EUR");
    assert_string_equal(money_text(words, 500, "JPY"), "500 JPY");
    assert_string_equal(money_text(words, INT64_MIN + 1, "EUR"), "-92233720368547758.07 EUR");
    assert_string_equal(money_text(words, 100, "???"), "1.00 ???");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(currencies_have_the_exponents_of_iso_4217),
        cmocka_unit_test(what_is_no_currency_is_not_found),
        cmocka_unit_test(shares_round_half_away_from_zero),
        cmocka_unit_test(spread_gives_the_rest_to_the_largest_remainders),
        cmocka_unit_test(spread_breaks_ties_by_position),
        cmocka_unit_test(spread_sums_exactly_even_for_large_amounts),
        cmocka_unit_test(spread_over_nothing_is_invalid),
        cmocka_unit_test(cash_rounds_to_the_step),
        cmocka_unit_test(decimals_are_read_exactly),
        cmocka_unit_test(decimals_are_written_as_they_are_read),
        cmocka_unit_test(times_is_exact_and_rounded),
        cmocka_unit_test(what_fits_in_no_amount_is_the_largest),
        cmocka_unit_test(spread_over_more_than_an_int64_is_invalid),
        cmocka_unit_test(prices_are_compared_per_unit),
        cmocka_unit_test(only_whole_products_are_taken),
        cmocka_unit_test(amounts_are_written_with_their_exponent),
        cmocka_unit_test(amounts_for_people_name_their_currency),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
