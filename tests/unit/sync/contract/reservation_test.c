#include "hal/base/cleanup.h"
#include "sync/contract/reservation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ID "01935a10-7c3d-7100-8100-000000000100"

static void reservation_comes_back_as_it_was_written(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    const struct reservation asked = {
        .receipt = "0042-\"1\"", .for_ms = 120000, .others = 2, .of = {{{7}}, 5}};
    struct reservation read;
    buf_init(&out, RESERVATION_BYTES_MAX);
    reservation_write(&out, &asked);
    assert_int_equal(reservation_read(buf_slice(&out), &read, NULL), ERR_OK);
    assert_string_equal(read.receipt, asked.receipt);
    assert_int_equal(read.for_ms, 120000);
    assert_int_equal(read.others, 2);
    assert_true(id_equal(&read.of.id, &asked.of.id));
    assert_int_equal(read.of.events, 5);
}

static void as_many_returns_as_may_be_come_back_as_they_were_written(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    struct reserved answer = {.receipt = "0042", .count = RESERVATION_RETURNS_MAX};
    struct reserved read;
    buf_init(&out, RESERVATION_BYTES_MAX);
    for (size_t i = 0; i < answer.count; i++)
        answer.returns[i] = (struct reserved_return){{{(uint8_t)i}}, INT32_MAX};
    reserved_write(&out, &answer);
    assert_false(out.failed);
    assert_int_equal(reserved_read(buf_slice(&out), &read, NULL), ERR_OK);
    assert_int_equal(read.count, RESERVATION_RETURNS_MAX);
    assert_true(id_equal(&read.returns[199].id, &answer.returns[199].id));
    assert_int_equal(read.returns[0].events, INT32_MAX);
}

static void bad_ones_are_refused_by_field(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *where;
    } asked[] = {{"{\"for_ms\":1,\"others\":0}", "receipt"},
                 {"{\"receipt\":\"\",\"for_ms\":1,\"others\":0}", "receipt"},
                 {"{\"receipt\":\"1\",\"for_ms\":0,\"others\":0}", "for_ms"},
                 {"{\"receipt\":\"1\",\"for_ms\":600001,\"others\":0}", "for_ms"},
                 {"{\"receipt\":\"1\",\"for_ms\":1}", "others"},
                 {"{\"receipt\":\"1\",\"for_ms\":1,\"others\":0,\"return\":\"x\",\"events\":1}",
                  "return"}},
      told[] = {{"{\"returns\":[]}", "receipt"},
                {"{\"receipt\":\"1\"}", "returns"},
                {"{\"receipt\":\"1\",\"returns\":[{\"id\":\"x\",\"events\":1}]}", "returns.id"},
                {"{\"receipt\":\"1\",\"returns\":[{\"id\":\"" ID "\",\"events\":0}]}",
                 "returns[0].events"}};
    struct fault fault = {0};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct reservation read = {.others = 7};
        assert_int_equal(reservation_read(slice_of(asked[i].text), &read, &fault), ERR_INVALID);
        assert_string_equal(fault.where, asked[i].where);
        assert_int_equal(read.others, 7);
    }
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        struct reserved read = {.count = 7};
        assert_int_equal(reserved_read(slice_of(told[i].text), &read, &fault), ERR_INVALID);
        assert_string_equal(fault.where, told[i].where);
        assert_int_equal(read.count, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reservation_comes_back_as_it_was_written),
        cmocka_unit_test(as_many_returns_as_may_be_come_back_as_they_were_written),
        cmocka_unit_test(bad_ones_are_refused_by_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
