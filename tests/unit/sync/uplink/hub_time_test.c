#include "sync/uplink/uplink.h"
#include "tests/support/await.h"
#include "tests/support/fake_hub.h"
#include "tests/support/uplink_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool is_time_told(void *context)
{
    return ((struct uplink_house *)context)->told_ms != 0;
}

static bool is_time_asked(void *context)
{
    return ((struct uplink_house *)context)->hub.time_asked > 0;
}

static void the_hub_is_asked_for_the_time_and_believed(void **state)
{
    struct uplink_house *f = *state;
    f->hub.tells_time = true;
    uplink_house_join(f);
    uplink_house_start(f);
    assert_true(await(f->loop, is_time_told, f, AWAIT_MS));
    assert_int_equal(f->told_ms,
                     FAKE_HUB_NOW_MS); /* the uplink_house's clock stands: no way, no doubt */
}

static void half_of_the_way_is_added_and_a_time_that_took_too_long_says_nothing(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    uplink_house_start(f);
    assert_true(await(f->loop, is_time_asked, f, AWAIT_MS));
    clock_fake_advance(f->log.clock, 10001);
    fake_hub_tell_time(&f->hub);
    uplink_house_append(f, 1);
    uplink_house_await_all_held(f, AWAIT_MS); /* which came behind it */
    assert_int_equal(f->told_ms, 0);
    f->hub.time_asked = 0;
    uplink_close(f->uplink);
    uplink_house_start(f);
    assert_true(await(f->loop, is_time_asked, f, AWAIT_MS));
    clock_fake_advance(f->log.clock, 3000);
    fake_hub_tell_time(&f->hub);
    assert_true(await(f->loop, is_time_told, f, AWAIT_MS));
    assert_int_equal(f->told_ms, FAKE_HUB_NOW_MS + 1500);
}

static void an_answer_to_an_earlier_question_says_nothing(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    uplink_house_start(f);
    assert_true(await(f->loop, is_time_asked, f, AWAIT_MS));
    f->hub.time_question[0] ^= 1;
    fake_hub_tell_time(&f->hub);
    uplink_house_append(f, 1);
    uplink_house_await_all_held(f, AWAIT_MS);
    assert_int_equal(f->told_ms, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, uplink_house_setup, uplink_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_hub_is_asked_for_the_time_and_believed),
        TEST(half_of_the_way_is_added_and_a_time_that_took_too_long_says_nothing),
        TEST(an_answer_to_an_earlier_question_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
