#include "hal/base/cleanup.h"
#include "provisioning/derw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_bytes(const struct buf *out, const char *bytes, size_t len)
{
    assert_false(out->failed);
    assert_int_equal(out->len, len);
    assert_memory_equal(out->data, bytes, len);
}

static void lengths_take_as_few_octets_as_they_can(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        const char *head;
        size_t head_len;
    } cases[] = {
        {0, "\x04\x00", 2},       {127, "\x04\x7f", 2},         {128, "\x04\x81\x80", 3},
        {255, "\x04\x81\xff", 3}, {256, "\x04\x82\x01\x00", 4}, {65536, "\x04\x83\x01\x00\x00", 5},
    };
    static char content[65536];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out CLEANUP(buf_free);
        buf_init(&out, sizeof content + 16);
        struct derw w = derw_to(&out);
        derw_bytes(&w, DERW_OCTET_STRING, (struct slice){content, cases[i].len});
        assert_int_equal(out.len, cases[i].head_len + cases[i].len);
        assert_memory_equal(out.data, cases[i].head, cases[i].head_len);
    }
}

static void integers_are_positive_and_shortest(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 64);
    struct derw w = derw_to(&out);
    derw_int(&w, 0);
    derw_int(&w, 127);
    derw_int(&w, 128);
    derw_unsigned(&w, (const uint8_t[]){0, 0, 0xff}, 3);
    assert_bytes(&out, "\x02\x01\x00\x02\x01\x7f\x02\x02\x00\x80\x02\x02\x00\xff", 14);
}

static void times_change_form_in_2050(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 64);
    struct derw w = derw_to(&out);
    derw_time(&w, INT64_C(2524607999999)); /* the last millisecond of 2049 */
    derw_time(&w, INT64_C(2524608000000));
    static const char expected[] = "\x17\x0d"
                                   "491231235959Z"
                                   "\x18\x0f"
                                   "20500101000000Z";
    assert_bytes(&out, expected, sizeof expected - 1);
}

static void values_nest(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 64);
    struct derw w = derw_to(&out);
    derw_begin(&w, DERW_SEQUENCE);
    derw_bool(&w, true);
    derw_begin(&w, DERW_CONTEXT_OF_PARTS | 3);
    derw_text(&w, "ab");
    derw_end(&w);
    derw_bits(&w, SLICE_LITERAL("\x80"), 7);
    derw_end(&w);
    static const char expected[] = "\x30\x0d\x01\x01\xff\xa3\x04\x0c\x02"
                                   "ab"
                                   "\x03\x02\x07\x80";
    assert_bytes(&out, expected, sizeof expected - 1);
}

static void overflow_is_told_once_at_the_end(void **state)
{
    (void)state;
    for (size_t max = 0; max < 9; max++) {
        struct buf out CLEANUP(buf_free);
        buf_init(&out, max);
        struct derw w = derw_to(&out);
        derw_begin(&w, DERW_SEQUENCE);
        derw_begin(&w, DERW_SEQUENCE);
        derw_text(&w, "abc");
        derw_end(&w);
        derw_end(&w);
        assert_int_equal(buf_check(&out, NULL, ""), ERR_TOO_LARGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_take_as_few_octets_as_they_can),
        cmocka_unit_test(integers_are_positive_and_shortest),
        cmocka_unit_test(times_change_form_in_2050),
        cmocka_unit_test(values_nest),
        cmocka_unit_test(overflow_is_told_once_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
