/* What the hub has parked and an acknowledgement has no room for is asked for, page by page. */
#include "sync/contract/ack.h"
#include "sync/uplink/uplink.h"
#include "tests/support/await.h"
#include "tests/support/fake_hub.h"
#include "tests/support/log_fixture.h"
#include "tests/support/uplink_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { EVENTS = 130, PARKED = 120, PAGES = 2 };

static int64_t parked_here(struct uplink_house *f)
{
    return log_fixture_stream(&f->log, STREAM_RETURNS).parked;
}

static bool all_parked_are_here(void *context)
{
    return parked_here(context) == PARKED;
}

static bool a_page_was_asked_for(void *context)
{
    return ((struct uplink_house *)context)->hub.parked_asked > 0;
}

static void have_some_parked(struct uplink_house *f)
{
    uplink_house_join(f);
    f->hub.parked = PARKED;
    uplink_house_append(f, EVENTS);
    uplink_house_start(f);
}

static void all_that_is_parked_is_fetched_once(void **state)
{
    struct uplink_house *f = *state;
    have_some_parked(f);
    assert_true(await(f->loop, all_parked_are_here, f, AWAIT_MS));
    uplink_house_append(f, 1);
    uplink_house_await_all_held(f, AWAIT_MS);
    assert_int_equal(parked_here(f), PARKED);
    assert_int_equal(f->hub.parked_asked, PAGES);
}

static void a_page_that_is_on_its_way_is_not_asked_for_again(void **state)
{
    struct uplink_house *f = *state;
    f->hub.keeps_pages = true;
    have_some_parked(f);
    assert_true(await(f->loop, a_page_was_asked_for, f, AWAIT_MS));
    for (int i = 0; i < 3; i++) {
        uplink_house_append(f, 1);
        uplink_house_await_all_held(f, AWAIT_MS);
    }
    assert_int_equal(f->hub.parked_asked, 1);
}

/* Of an earlier connection, say: what is in it may have changed since. */
static void a_page_that_was_not_asked_for_changes_nothing(void **state)
{
    struct uplink_house *f = *state;
    struct buf text;
    have_some_parked(f);
    assert_true(await(f->loop, all_parked_are_here, f, AWAIT_MS));
    const struct ack page = {
        .log = f->hub.shelf.log, .hub_epoch = 5, .parked_below = 50, .parked_total = PARKED};
    buf_init(&text, 8192);
    ack_write(&text, &page); /* nothing is parked below it any more */
    fake_hub_publish(&f->hub, "parked", (struct mqtt_message){.payload = buf_slice(&text)});
    buf_free(&text);
    uplink_house_append(f, 1);
    uplink_house_await_all_held(f, AWAIT_MS);
    uplink_house_append(f, 1); /* behind it in the log */
    assert_int_equal(parked_here(f), PARKED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, uplink_house_setup, uplink_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(all_that_is_parked_is_fetched_once),
        TEST(a_page_that_is_on_its_way_is_not_asked_for_again),
        TEST(a_page_that_was_not_asked_for_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
