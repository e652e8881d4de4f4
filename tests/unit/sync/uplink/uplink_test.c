#include "sync/uplink/uplink.h"
#include "tests/support/await.h"
#include "tests/support/uplink_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool is_born(void *context)
{
    struct uplink_house *f = context;
    return f->hub.states > 0 && f->hub.state.online;
}

static bool is_dead(void *context)
{
    struct uplink_house *f = context;
    return f->hub.states > 1 && !f->hub.state.online;
}

static void birth_and_last_will_carry_the_same_session(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    uplink_house_start(f);
    assert_true(await(f->loop, is_born, f, AWAIT_MS));
    struct id session = f->hub.state.session;
    uplink_close(f->uplink);
    f->uplink = NULL;
    assert_true(await(f->loop, is_dead, f, AWAIT_MS));
    assert_true(id_equal(&session, &f->hub.state.session));
}

static bool is_told_three_times(void *context)
{
    return ((struct uplink_house *)context)->hub.states >= 3;
}

/* An appliance that isn't heard of counts as gone. */
static void its_state_is_told_again_and_again(void **state)
{
    struct uplink_house *f = *state;
    struct uplink_status status;
    f->limits.state_interval_ms = 50;
    uplink_house_join(f);
    uplink_house_start(f);
    assert_true(await(f->loop, is_told_three_times, f, AWAIT_MS));
    assert_true(f->hub.state.online);
    uplink_status(f->uplink, &status);
    assert_int_equal(status.last.code, ERR_OK); /* by one connection */
}

/*
 * Whoever runs the broker may have set its bounds lower than a batch is large. It says so when it
 * gets one, or beforehand.
 */
static void batches_find_the_size_that_fits(struct uplink_house *f, const char *bound)
{
    broker_kill(&f->broker);
    broker_start(&f->broker, &f->pki, "server", bound);
    uplink_house_join(f);
    uplink_house_append(f, 200);
    uplink_house_start(f);
    uplink_house_await_all_held(f, AWAIT_MS);
    int connections = f->hub.states;
    uplink_house_append(f, 400);
    uplink_house_await_all_held(f, AWAIT_MS);
    assert_int_equal(f->hub.states, connections);
}

static void batches_that_the_broker_refuses_are_smaller_from_then_on(void **state)
{
    struct uplink_status status;
    struct uplink_house *f = *state;
    batches_find_the_size_that_fits(f, "message_size_limit 20000");
    uplink_status(f->uplink, &status);
    assert_int_equal(status.last.code, ERR_REFUSED);
}

static void batches_are_no_larger_than_the_broker_says_it_takes(void **state)
{
    batches_find_the_size_that_fits(*state, "max_packet_size 20000");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, uplink_house_setup, uplink_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(batches_that_the_broker_refuses_are_smaller_from_then_on),
        TEST(batches_are_no_larger_than_the_broker_says_it_takes),
        TEST(its_state_is_told_again_and_again),
        TEST(birth_and_last_will_carry_the_same_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
