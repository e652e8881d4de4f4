#include "sync/contract/event_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void every_type_is_found_by_its_name(void **state)
{
    (void)state;
    for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
        enum event_type found;
        const char *name = event_type_name((enum event_type)i);
        assert_int_equal(event_type_find(slice_of(name), &found), ERR_OK);
        assert_int_equal(found, i);
    }
    enum event_type untouched = EVENT_TAX_ADJUSTED;
    assert_int_equal(event_type_find(SLICE_LITERAL("com.tillback.tax"), &untouched), ERR_NOT_FOUND);
    assert_int_equal(untouched, EVENT_TAX_ADJUSTED);
}

static void sales_are_kept_apart_from_returns(void **state)
{
    (void)state;
    assert_int_equal(event_type_stream(EVENT_SALE_RECORDED), STREAM_SALES);
    assert_int_equal(event_type_stream(EVENT_RETURN_CREATED), STREAM_RETURNS);
    assert_int_equal(event_type_stream(EVENT_JOURNAL_POSTED), STREAM_CENTRE);
}

static void every_stream_is_found_by_its_name(void **state)
{
    (void)state;
    for (int i = 0; i <= STREAM_CENTRE; i++) {
        enum stream found;
        assert_int_equal(stream_find(slice_of(stream_name((enum stream)i)), &found), ERR_OK);
        assert_int_equal(found, i);
    }
    enum stream untouched = STREAM_SALES;
    assert_int_equal(stream_find(SLICE_LITERAL("return"), &untouched), ERR_NOT_FOUND);
    assert_int_equal(untouched, STREAM_SALES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_found_by_its_name),
        cmocka_unit_test(sales_are_kept_apart_from_returns),
        cmocka_unit_test(every_stream_is_found_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
