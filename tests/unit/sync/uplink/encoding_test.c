#include "sync/uplink/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void nothing_is_compressed_before_a_hub_says_that_it_reads_it(void **state)
{
    (void)state;
    struct encoding e = {0};
    encoding_connected(&e);
    assert_false(encoding_compresses(&e));
    assert_false(encoding_told(&e, false, false));
    assert_false(encoding_compresses(&e));
    assert_false(encoding_told(&e, true, false));
    assert_true(encoding_compresses(&e));
    encoding_connected(&e);
    assert_true(encoding_compresses(&e));
}

static void what_the_broker_kept_counts_until_nobody_answers(void **state)
{
    (void)state;
    struct encoding e = {0};
    assert_false(encoding_told(&e, true, true));
    assert_true(encoding_compresses(&e));
    encoding_unanswered(&e);
    encoding_connected(&e);
    assert_false(encoding_told(&e, true, true));
    assert_false(encoding_compresses(&e));
    assert_false(encoding_told(&e, true, false));
    assert_true(encoding_compresses(&e));
    assert_false(encoding_told(&e, true, true));
    assert_true(encoding_compresses(&e));
}

static void silence_to_what_was_sent_as_it_is_says_nothing_of_compression(void **state)
{
    (void)state;
    struct encoding e = {0};
    encoding_unanswered(&e);
    assert_false(encoding_told(&e, true, true));
    assert_true(encoding_compresses(&e));
}

static void a_refusal_lasts_until_the_next_connection(void **state)
{
    (void)state;
    struct encoding e = {0};
    assert_false(encoding_told(&e, true, false));
    assert_true(encoding_told(&e, false, false));
    assert_false(encoding_compresses(&e));
    assert_false(encoding_told(&e, false, false));
    assert_false(encoding_told(&e, true, false));
    assert_false(encoding_compresses(&e));
    encoding_connected(&e);
    assert_true(encoding_compresses(&e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_compressed_before_a_hub_says_that_it_reads_it),
        cmocka_unit_test(what_the_broker_kept_counts_until_nobody_answers),
        cmocka_unit_test(silence_to_what_was_sent_as_it_is_says_nothing_of_compression),
        cmocka_unit_test(a_refusal_lasts_until_the_next_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
