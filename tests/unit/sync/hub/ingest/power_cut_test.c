/*
 * The power goes at the hub at the nth call of a day of batches, and once more while it is opened
 * again; or the disk fails once at that call. What it acknowledged must be there; sent again,
 * everything is there once. TILLBACK_SEED replays a run, POWER_CUT_EVERY=1 takes every n.
 */
#include "tests/support/hub_day.h"
#include "tests/support/seed.h"
#include "tests/support/vfs_fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SAMPLE = 5, SEEDS_EACH = 2 };

struct day {
    struct hub_day hub;
    struct vfs_fault *vfs;
};

static void day_begin(struct day *d)
{
    d->vfs = vfs_fault_open("hub-fault");
    hub_day_begin(&d->hub, "hub-fault");
}

static void day_end(struct day *d)
{
    hub_day_end(&d->hub);
    vfs_fault_close(d->vfs);
}

static int run_day(int nth, uint64_t seed, bool lying, bool *reached)
{
    struct day d;
    day_begin(&d);
    vfs_fault_lie(d.vfs, lying);
    vfs_fault_cut(d.vfs, nth);
    hub_day_live(&d.hub);
    hub_day_close(&d.hub);
    *reached = vfs_fault_struck(d.vfs);
    vfs_fault_power_on(d.vfs, seed);
    vfs_fault_cut(d.vfs, 1 + (int)(seed % 8));
    (void)hub_day_open(&d.hub);
    hub_day_close(&d.hub);
    vfs_fault_power_on(d.vfs, seed + 1);
    vfs_fault_lie(d.vfs, false);
    int bad = hub_day_open(&d.hub) ? 1 : hub_day_broken(&d.hub);
    if (bad && !lying)
        print_message("cut at %d, seed %llu: %d promises broken\n", nth, (unsigned long long)seed,
                      bad);
    day_end(&d);
    return bad;
}

static int calls_of_a_day(void)
{
    struct day d;
    day_begin(&d);
    vfs_fault_heal(d.vfs);
    hub_day_live(&d.hub);
    int calls = vfs_fault_calls(d.vfs);
    day_end(&d);
    return calls;
}

static void what_the_hub_acknowledged_outlives_a_power_cut_at_any_call(void **state)
{
    (void)state;
    uint64_t seed = seed_chosen();
    int calls = calls_of_a_day();
    int stride = getenv("POWER_CUT_EVERY") ? 1 : 1 + calls / SAMPLE;
    print_message("%d calls in a day, the power goes at one in %d\n", calls, stride);
    bool reached = true;
    for (int nth = 1 + (int)(seed % (uint64_t)stride); reached; nth += stride)
        for (uint64_t k = 0; k < SEEDS_EACH; k++)
            assert_int_equal(run_day(nth, seed + (uint64_t)nth * 31 + k, false, &reached), 0);
}

/* The control: on a disk that only says it has synced something must be lost. */
static void a_hub_on_a_disk_that_lies_about_syncs_is_caught_losing(void **state)
{
    (void)state;
    int lost = 0;
    bool reached;
    for (int i = 0; i < 5; i++)
        lost += run_day(30 + 14 * i, (uint64_t)i, true, &reached);
    assert_true(lost > 0);
}

/* --- The disk fails once, and is well again ----------------------------------------------------
 */

static void fail_each_call(int kinds, int code)
{
    uint64_t seed = seed_chosen();
    int stride = getenv("POWER_CUT_EVERY") ? 1 : 1 + calls_of_a_day() / SAMPLE;
    bool struck = true;
    for (int nth = 1 + (int)(seed % (uint64_t)stride); struck; nth += stride) {
        struct day d;
        day_begin(&d);
        vfs_fault_fail(d.vfs, kinds, nth, code, false);
        hub_day_live(&d.hub);
        hub_day_close(&d.hub);
        struck = vfs_fault_struck(d.vfs);
        vfs_fault_heal(d.vfs);
        assert_int_equal(hub_day_open(&d.hub), ERR_OK);
        int bad = hub_day_broken(&d.hub);
        day_end(&d);
        if (bad)
            fail_msg("call %d failed with %d: %d promises broken", nth, code, bad);
    }
}

static void each_write_of_the_hub_may_find_the_disk_full(void **state)
{
    (void)state;
    fail_each_call(VFS_FAULT_WRITE, SQLITE_FULL);
}

static void each_write_of_the_hub_may_fail(void **state)
{
    (void)state;
    fail_each_call(VFS_FAULT_WRITE, SQLITE_IOERR_WRITE);
}

static void each_sync_of_the_hub_may_fail(void **state)
{
    (void)state;
    fail_each_call(VFS_FAULT_SYNC, SQLITE_IOERR_FSYNC);
}

static void each_name_that_the_hub_makes_or_removes_may_fail(void **state)
{
    (void)state;
    fail_each_call(VFS_FAULT_NAME, SQLITE_IOERR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_hub_acknowledged_outlives_a_power_cut_at_any_call),
        cmocka_unit_test(each_write_of_the_hub_may_find_the_disk_full),
        cmocka_unit_test(each_write_of_the_hub_may_fail),
        cmocka_unit_test(each_sync_of_the_hub_may_fail),
        cmocka_unit_test(each_name_that_the_hub_makes_or_removes_may_fail),
        cmocka_unit_test(a_hub_on_a_disk_that_lies_about_syncs_is_caught_losing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
