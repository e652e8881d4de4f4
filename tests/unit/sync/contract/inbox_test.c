#include "hal/base/cleanup.h"
#include "sync/contract/inbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void message_holds_the_event_byte_for_byte(void **state)
{
    (void)state;
    struct inbox_message message = {
        .hub_epoch = 3, .number = 17, .event = SLICE_LITERAL("{ \"n\":1.50}")};
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 1000);
    inbox_write(&out, &message);
    assert_string_equal(out.data, "{\"hub_epoch\":3,\"number\":17,\"event\":{ \"n\":1.50}}");
    struct inbox_message read;
    assert_int_equal(inbox_read(buf_slice(&out), &read, NULL), ERR_OK);
    assert_int_equal(read.hub_epoch, 3);
    assert_int_equal(read.number, 17);
    assert_true(slice_equal(read.event, message.event));
}

static void message_is_refused_by_field(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *where;
    } wrong[] = {
        {"{\"hub_epoch\":-1,\"number\":1,\"event\":{}}", "hub_epoch"},
        {"{\"hub_epoch\":\"1\",\"number\":1,\"event\":{}}", "hub_epoch"},
        {"{\"hub_epoch\":1,\"number\":0,\"event\":{}}", "number"},
        {"{\"hub_epoch\":1,\"number\":1.5,\"event\":{}}", "number"},
        {"{\"hub_epoch\":1,\"event\":{}}", "number"},
        {"{\"hub_epoch\":1,\"number\":1}", "event"},
        {"{\"hub_epoch\":1,\"number\":1,\"event\":[]}", "event"},
        {"{\"hub_epoch\":1,\"number\":1,\"event\":{},\"event\":{}}", "event"},
        {"[]", ""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct inbox_message message = {.number = 5};
        struct fault fault = {0};
        assert_int_equal(inbox_read(slice_of(wrong[i].text), &message, &fault), ERR_INVALID);
        assert_string_equal(fault.where, wrong[i].where);
        assert_int_equal(message.number, 5);
    }
}

static void ack_comes_back_as_it_was_written(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 1000);
    inbox_ack_write(&out, &(struct inbox_ack){.hub_epoch = 3, .through = 17});
    assert_string_equal(out.data, "{\"hub_epoch\":3,\"through\":17}");
    struct inbox_ack read;
    assert_int_equal(inbox_ack_read(buf_slice(&out), &read, NULL), ERR_OK);
    assert_int_equal(read.hub_epoch, 3);
    assert_int_equal(read.through, 17);
}

static void ack_is_refused_by_field(void **state)
{
    (void)state;
    struct inbox_ack ack = {.through = 5};
    struct fault fault = {0};
    assert_int_equal(inbox_ack_read(SLICE_LITERAL("{\"hub_epoch\":1}"), &ack, &fault), ERR_INVALID);
    assert_string_equal(fault.where, "through");
    assert_int_equal(
        inbox_ack_read(SLICE_LITERAL("{\"hub_epoch\":1,\"through\":-1}"), &ack, &fault),
        ERR_INVALID);
    assert_string_equal(fault.where, "through");
    assert_int_equal(ack.through, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_holds_the_event_byte_for_byte),
        cmocka_unit_test(message_is_refused_by_field),
        cmocka_unit_test(ack_comes_back_as_it_was_written),
        cmocka_unit_test(ack_is_refused_by_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
