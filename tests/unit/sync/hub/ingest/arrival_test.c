#include "tests/support/arrival_house.h"
#include "tests/support/vfs_fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void what_was_not_committed_is_not_answered(void **state)
{
    struct arrival_house *f = *state;
    vfs_fault_fail(f->vfs, VFS_FAULT_SYNC, 1, SQLITE_IOERR_FSYNC, false);
    struct sha256 before = f->hash;
    assert_int_equal(arrival_house_event(f, EVENT_RETURN_CREATED, "return/1", "{}"), ERR_OK);
    arrival_house_await(f);
    assert_int_equal(f->answers, 0);
    assert_int_equal(f->desk.failed, 1);
    vfs_fault_heal(f->vfs);
    f->seq = 0;
    f->hash = before;
    assert_int_equal(arrival_house_event(f, EVENT_RETURN_CREATED, "return/1", "{}"), ERR_OK);
    arrival_house_await(f);
    assert_int_equal(f->answers, 1);
    assert_int_equal(arrival_house_number(f, "SELECT count(*) FROM event"), 1);
}

static void messages_that_make_no_sense_are_refused_with_a_reason(void **state)
{
    struct arrival_house *f = *state;
    const struct mqtt_message headless = {.topic = "tb/v1/box-a/up/events",
                                          .payload = SLICE_LITERAL("[]")};
    assert_int_equal(arrival_house_take(f, headless), ERR_INVALID);
    const struct mqtt_message foreign = {.topic = "weather", .payload = SLICE_LITERAL("[]")};
    assert_int_equal(arrival_house_take(f, foreign), ERR_INVALID);
    const struct mqtt_message down = {.topic = "tb/v1/box-a/down/inbox"};
    assert_int_equal(arrival_house_take(f, down), ERR_INVALID);
    const struct mqtt_message other = {.topic = "tb/v1/box-a/up/enrol"};
    assert_int_equal(arrival_house_take(f, other), ERR_UNSUPPORTED);
    const struct mqtt_message mute = {.topic = "tb/v1/box-a/up/query",
                                      .payload = SLICE_LITERAL("{\"receipt\":\"R-1\"}")};
    assert_int_equal(arrival_house_take(f, mute), ERR_INVALID);
}

static void a_full_queue_refuses_at_once(void **state)
{
    struct arrival_house *f = *state;
    worker_close(f->worker);
    arrival_house_work(f, 100);
    assert_int_equal(arrival_house_event(f, EVENT_RETURN_CREATED, "return/1", "{}"), ERR_BUSY);
}

static void a_late_will_is_no_news(void **state)
{
    struct arrival_house *f = *state;
    arrival_house_state(f, "first", true);
    arrival_house_state(f, "second", true);
    arrival_house_state(f, "first", false);
    assert_int_equal(arrival_house_number(f, "SELECT online FROM device"), 1);
    arrival_house_state(f, "second", false);
    assert_int_equal(arrival_house_number(f, "SELECT online FROM device"), 0);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, arrival_house_setup, arrival_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_was_not_committed_is_not_answered),
        TEST(messages_that_make_no_sense_are_refused_with_a_reason),
        TEST(a_full_queue_refuses_at_once),
        TEST(a_late_will_is_no_news),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
