/* Prices on a return sale: whatever the amount and the quantity, the lines come to the amount. */
#include "sync/hub/connect/tryton_sale_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What Tryton makes of a line: rounded to the currency, half to even. */
static int64_t line_amount(int64_t quantity, int64_t price, int exponent)
{
    int64_t unit = 1;
    for (int places = exponent; places < SALE_PRICE_PLACES; places++)
        unit *= 10;
    int64_t down = quantity * price / unit;
    int64_t left = quantity * price % unit;
    return down + (2 * left > unit || (2 * left == unit && down % 2 != 0));
}

static int64_t sale_amount(int64_t amount_minor, int64_t quantity, int exponent)
{
    int64_t price;
    int64_t rest;
    sale_price(amount_minor, quantity, exponent, &price, &rest);
    return rest ? line_amount(quantity - 1, price, exponent) + line_amount(1, rest, exponent)
                : line_amount(quantity, price, exponent);
}

static void lines_come_to_the_amount_whatever_is_divided(void **state)
{
    (void)state;
    uint64_t dice = 20261126;
    for (int round = 0; round < 200000; round++) {
        dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int64_t amount = (int64_t)((dice >> 33) % 10000000);
        int64_t quantity = 1 + (int64_t)((dice >> 20) % 5000);
        int exponent = (int)((dice >> 11) % 4);
        if (sale_amount(amount, quantity, exponent) != amount)
            fail_msg("%lld of %lld pieces, exponent %d", (long long)amount, (long long)quantity,
                     exponent);
    }
}

static void one_price_where_it_gives_the_amount(void **state)
{
    (void)state;
    int64_t price;
    int64_t rest;
    sale_price(1000, 3, 2, &price, &rest);
    assert_int_equal(price, 33333);
    assert_int_equal(rest, 0);
    sale_price(1000, 3, 0, &price, &rest);
    assert_int_equal(price, 3333333);
    assert_int_equal(rest, 0);
}

static void last_piece_takes_what_no_price_gives(void **state)
{
    (void)state;
    int64_t price;
    int64_t rest;
    sale_price(1234, 4999, 2, &price, &rest);
    assert_int_not_equal(rest, 0);
    assert_int_equal(sale_amount(1234, 4999, 2), 1234);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_to_the_amount_whatever_is_divided),
        cmocka_unit_test(one_price_where_it_gives_the_amount),
        cmocka_unit_test(last_piece_takes_what_no_price_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
