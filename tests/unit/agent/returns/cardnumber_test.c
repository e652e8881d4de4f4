#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/returns/cardnumber.h"
#include "agent/returns/gtin.h"

static void numbers_of_the_issuers_are_found(void **state)
{
    (void)state;
    static const char *const cards[] = {
        "4111111111111111", "4012888888881881", "4222222222222",   "5555555555554444",
        "5105105105105100", "2223003122003222", "378282246310005", "371449635398431",
        "6011111111111117", "3530111333300000", "30569309025904",  "38520000023237",
        "6759649826438453", "6200000000000005",
    };
    for (size_t i = 0; i < sizeof cards / sizeof *cards; i++)
        if (!cardnumber_in(slice_of(cards[i])))
            fail_msg("%s", cards[i]);
}

static void separators_and_words_around_do_not_hide_one(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "card 4111111111111111 expires soon",
        "order 17 4111 1111 1111 1111",
        ";4111111111111111=25121010000000000000?",
        "x4111111111111111x",
        "4111 - 1111 - 1111 - 1111",
        "4111\u00a01111\u202f1111\u20091111",
        "4111\u20131111\u20101111\u200b1111",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!cardnumber_in(slice_of(texts[i])))
            fail_msg("%s", texts[i]);
}

static void what_stores_write_is_no_card_number(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "Socks, 3 pairs",
        "0042-01-20261122-0017",
        "4111111111111112",
        "04006381333931",
        "41111111111111",
        "2026-11-22T10:11:12+01:00",
        "tok_8f2",
        "0193a2b4-7c1d-7e4f-9a3b-2c1d0e9f8a7b",
        "12345678901234567890123456789012345",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (cardnumber_in(slice_of(texts[i])))
            fail_msg("%s", texts[i]);
}

static bool takes_receipts(const void *context, struct slice text)
{
    return slice_is(text, context);
}

static void a_known_format_is_let_through_whole_only(void **state)
{
    (void)state;
    struct known_formats known = {takes_receipts, "4111111111111111"};
    struct fault fault = {0};
    assert_int_equal(cardnumber_refuse("4111111111111111", "receipt", &known, &fault), ERR_OK);
    assert_int_equal(cardnumber_refuse("no 4111111111111111", "receipt", &known, &fault),
                     ERR_REFUSED);
    assert_string_equal(fault.where, "receipt");
    assert_null(strstr(fault.text, "4111"));
    assert_int_equal(cardnumber_refuse(NULL, "receipt", &known, &fault), ERR_OK);
}

static void gtins_are_the_same_with_leading_zeros(void **state)
{
    (void)state;
    assert_true(gtin_equal("04006381333931", "4006381333931"));
    assert_false(gtin_equal("4006381333931", "4006381333930"));
    assert_false(gtin_equal(NULL, "4006381333931"));
    assert_true(gtin_valid(slice_of("4006381333931")));
    assert_true(gtin_valid(slice_of("04006381333931")));
    assert_false(gtin_valid(slice_of("4006381333932")));
    assert_false(gtin_valid(slice_of("400638133393")));
    assert_false(gtin_valid(slice_of("40063813339a1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_the_issuers_are_found),
        cmocka_unit_test(separators_and_words_around_do_not_hide_one),
        cmocka_unit_test(what_stores_write_is_no_card_number),
        cmocka_unit_test(a_known_format_is_let_through_whole_only),
        cmocka_unit_test(gtins_are_the_same_with_leading_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
