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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, uplink_house_setup, uplink_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(birth_and_last_will_carry_the_same_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
