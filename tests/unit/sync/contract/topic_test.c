#include "sync/contract/topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void write_then_read_gives_it_back(void **state)
{
    (void)state;
    char text[TOPIC_MAX];
    struct topic topic;
    topic_write(text, "box-1.a_B", TOPIC_UP, "events");
    assert_string_equal(text, "tb/v1/box-1.a_B/up/events");
    assert_int_equal(topic_read(text, &topic), ERR_OK);
    assert_string_equal(topic.device, "box-1.a_B");
    assert_int_equal(topic.direction, TOPIC_UP);
    assert_string_equal(topic.name, "events");
    topic_write(text, "7", TOPIC_DOWN, "ack/returns");
    assert_int_equal(topic_read(text, &topic), ERR_OK);
    assert_int_equal(topic.direction, TOPIC_DOWN);
    assert_string_equal(topic.name, "ack/returns");
}

static void read_refuses_what_is_no_topic_of_ours(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "tb",
        "tb/v1/",
        "tb/v1//up/events",
        "tb/v2/box/up/events",
        "tb/v1/box",
        "tb/v1/box/up",
        "tb/v1/box/up/",
        "tb/v1/box/up/events/",
        "tb/v1/box/up//events",
        "tb/v1/box/sideways/events",
        "tb/v1/box/up/ev+nts",
        "tb/v1/box/up/#",
        "tb/v1/+/up/events",
        "tb/v1/.box/up/events",
        "tb/v1/box!/up/events",
        "tb/v1/box/up/Events",
        "x/tb/v1/box/up/events",
        "tb/v1/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/up/events",
        "tb/v1/box/up/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct topic topic = {.name = "untouched"};
        if (topic_read(wrong[i], &topic) != ERR_INVALID)
            fail_msg("taken: %s", wrong[i]);
        assert_string_equal(topic.name, "untouched");
    }
}

static void device_ids_have_no_nul_inside(void **state)
{
    (void)state;
    assert_false(device_id_valid((struct slice){"ab\0c", 4}));
    assert_true(device_id_valid(SLICE_LITERAL("ab.c")));
    assert_false(device_id_valid(SLICE_LITERAL("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_then_read_gives_it_back),
        cmocka_unit_test(read_refuses_what_is_no_topic_of_ours),
        cmocka_unit_test(device_ids_have_no_nul_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
