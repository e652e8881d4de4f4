#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/returns/fx.h"

static const struct currency yen = {"JPY", 0};
static const struct currency euro = {"EUR", 2};
static const struct currency fund = {"UYW", 4};

static struct decimal rate_of(const char *text)
{
    struct decimal rate = {0};
    assert_int_equal(decimal_parse(slice_of(text), &rate), ERR_OK);
    return rate;
}

static void convert_allows_for_the_exponents(void **state)
{
    (void)state;
    assert_int_equal(fx_convert(1000, &yen, &euro, rate_of("0.0061")), 610);
    assert_int_equal(fx_convert(610, &euro, &yen, rate_of("163.93")), 1000);
    assert_int_equal(fx_convert(1, &yen, &euro, rate_of("2")), 200);
    assert_int_equal(fx_convert(-5, &yen, &euro, rate_of("0.001")), -1);
}

static void what_is_beyond_every_amount_does_not_fit(void **state)
{
    (void)state;
    assert_true(fx_fits(MONEY_MAX_MINOR, &euro, &euro, rate_of("1")));
    assert_false(fx_fits(MONEY_MAX_MINOR, &euro, &euro, rate_of("1.1")));
    assert_false(fx_fits(MONEY_MAX_MINOR, &euro, &yen, rate_of("999999999999999999")));
    assert_false(fx_fits(1, &yen, &fund, rate_of("999999999999999999")));
    assert_false(fx_fits(-1, &yen, &fund, rate_of("999999999999999999")));
    assert_true(fx_fits(0, &yen, &fund, rate_of("999999999999999999")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convert_allows_for_the_exponents),
        cmocka_unit_test(what_is_beyond_every_amount_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
