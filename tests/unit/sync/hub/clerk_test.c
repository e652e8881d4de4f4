#include "sync/hub/clerk.h"
#include "tests/support/await.h"
#include "tests/support/hub_database.h"
#include "tests/support/hub_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Two hubs on one database: `other` only takes events in. */
struct fixture {
    struct hub_run other;
    struct loop *loop;
    struct clock *clock;
    struct hubdb *hub;
    struct worker *worker;
    struct arrival_desk desk;
    struct clerk *clerk;
    bool booked;
};

static void on_booked(void *context)
{
    ((struct fixture *)context)->booked = true;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct fault fault = {0};
    char path[SCRATCH_PATH_MAX];
    hub_run_open(&f->other);
    const struct hubdb_config hub = {.path = hub_database_path(&f->other.scratch, path),
                                     .folder = f->other.scratch.path};
    const struct worker_config worker = {.max_waiting_bytes = 1024 * 1024};
    assert_int_equal(loop_open(&f->loop, &fault), ERR_OK);
    assert_int_equal(clock_fake_open(&f->clock, HUB_RUN_NOW_MS, &fault), ERR_OK);
    assert_int_equal(hubdb_open_beside(&f->hub, &hub, false, &fault), ERR_OK);
    assert_int_equal(worker_open(&f->worker, f->loop, f->hub, &worker, &fault), ERR_OK);
    const struct clerk_config clerk = {.worker = f->worker,
                                       .desk = &f->desk,
                                       .books = &f->other.books,
                                       .clock = f->clock,
                                       .booked = on_booked,
                                       .context = f};
    assert_int_equal(clerk_open(&f->clerk, f->loop, &clerk, &fault), ERR_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    clerk_close(f->clerk);
    worker_close(f->worker);
    loop_close(f->loop);
    hubdb_close(f->hub);
    clock_close(f->clock);
    hub_run_close(&f->other);
    free(f);
    return 0;
}

static void books_what_another_hub_took_in_and_left_though_nobody_wakes_it(void **state)
{
    struct fixture *f = *state;
    hub_run_refund(&f->other, 0, 1, 1000);
    clerk_wake(f->clerk);
    assert_true(await_flag(f->loop, &f->booked, AWAIT_MS));
    f->booked = false;
    hub_run_refund(&f->other, 0, 2, 1000);
    assert_true(await_flag(f->loop, &f->booked, AWAIT_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            books_what_another_hub_took_in_and_left_though_nobody_wakes_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
