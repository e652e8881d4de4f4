#include "agent/people/lockout.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct scratch scratch;
static const int64_t now_ms = INT64_C(1795000000000);
static const struct person ann = {.id = "0193f2c4-7b1e-7c3a-9d55-0123456789ab", .number = "1042"};
static const struct person mia = {.id = "0193f2c4-7b1e-7c3a-9d55-0123456789ac", .number = "2001"};

static int setup(void **state)
{
    (void)state;
    scratch_make(&scratch);
    char folder[SCRATCH_PATH_MAX];
    return storage_make_folder(scratch_path(&scratch, "people", folder), NULL) != ERR_OK;
}

static int teardown(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

static struct lockouts *open_lockouts(void)
{
    struct lockouts *lockouts;
    struct fault fault;
    assert_int_equal(lockouts_open(&lockouts, scratch.path, LOCKOUTS_OF_STAFF, &fault), ERR_OK);
    return lockouts;
}

static void try_wrong(struct lockouts *lockouts, const struct person *person, int times)
{
    for (int i = 0; i < times; i++)
        lockouts_count(lockouts, person, now_ms);
}

/* As a restart sees it. */
static struct lockouts *restart(struct lockouts *lockouts)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, 65536);
    lockouts_write_without(lockouts, NULL, &text);
    assert_int_equal(storage_replace(lockouts_path(lockouts), buf_slice(&text), 0600, NULL),
                     ERR_OK);
    lockouts_close(lockouts);
    return open_lockouts();
}

static void two_slips_cost_nothing_and_the_third_a_wait(void **state)
{
    (void)state;
    struct lockouts *lockouts = open_lockouts();
    try_wrong(lockouts, &ann, 2);
    assert_int_equal(lockouts_wait_ms(lockouts, &ann, now_ms), 0);
    try_wrong(lockouts, &ann, 1);
    assert_int_equal(lockouts_wait_ms(lockouts, &ann, now_ms), 5000);
    assert_int_equal(lockouts_wait_ms(lockouts, &ann, now_ms + 4999), 1);
    assert_int_equal(lockouts_wait_ms(lockouts, &ann, now_ms + 5000), 0);
    assert_int_equal(lockouts_wait_ms(lockouts, &mia, now_ms), 0);
    lockouts_close(lockouts);
}

static void waits_only_grow_and_end_in_a_lock(void **state)
{
    (void)state;
    struct lockouts *lockouts = open_lockouts();
    int64_t before_ms = 0;
    for (int i = 1; i < LOCKOUT_FOR_GOOD; i++) {
        try_wrong(lockouts, &ann, 1);
        int64_t wait_ms = lockouts_wait_ms(lockouts, &ann, now_ms);
        assert_true(wait_ms >= before_ms);
        before_ms = wait_ms;
    }
    try_wrong(lockouts, &ann, 1);
    assert_int_equal(lockouts_wait_ms(lockouts, &ann, now_ms), LOCKOUT_FOREVER_MS);
    try_wrong(lockouts, &ann, 1);
    assert_int_equal(lockouts_failures(lockouts, &ann), LOCKOUT_FOR_GOOD);
    lockouts_close(lockouts);
}

static void a_restart_gives_no_further_guesses(void **state)
{
    (void)state;
    struct lockouts *lockouts = open_lockouts();
    try_wrong(lockouts, &ann, 4);
    lockouts = restart(lockouts);
    assert_int_equal(lockouts_failures(lockouts, &ann), 4);
    assert_int_equal(lockouts_wait_ms(lockouts, &ann, now_ms), 30000);
    lockouts_close(lockouts);
}

static void a_right_pin_starts_anew(void **state)
{
    (void)state;
    struct lockouts *lockouts = open_lockouts();
    try_wrong(lockouts, &ann, 4);
    try_wrong(lockouts, &mia, 1);
    lockouts_clear(lockouts, &ann);
    lockouts = restart(lockouts);
    assert_int_equal(lockouts_failures(lockouts, &ann), 0);
    assert_int_equal(lockouts_failures(lockouts, &mia), 1);
    lockouts_close(lockouts);
}

static void a_new_pin_ends_the_lock(void **state)
{
    (void)state;
    struct lockouts *lockouts = open_lockouts();
    try_wrong(lockouts, &ann, LOCKOUT_FOR_GOOD);
    struct person renewed = ann;
    renewed.pin.salt[0] = 7;
    assert_int_equal(lockouts_wait_ms(lockouts, &renewed, now_ms), 0);
    try_wrong(lockouts, &renewed, 1);
    assert_int_equal(lockouts_failures(lockouts, &renewed), 1);
    lockouts_close(lockouts);
}

static void a_clock_that_was_set_back_lengthens_no_wait(void **state)
{
    (void)state;
    struct lockouts *lockouts = open_lockouts();
    try_wrong(lockouts, &ann, 3);
    assert_int_equal(lockouts_wait_ms(lockouts, &ann, now_ms - 86400000), 5000);
    lockouts_close(lockouts);
}

static void a_full_list_lets_the_fewest_tries_go(void **state)
{
    (void)state;
    struct lockouts *lockouts = open_lockouts();
    try_wrong(lockouts, &ann, 3);
    struct person other = mia;
    for (int i = 0; i < STAFF_MAX; i++) {
        other.id[0] = (char)('a' + i % 26);
        other.id[1] = (char)('a' + i / 26);
        try_wrong(lockouts, &other, 1);
    }
    struct person first = mia;
    first.id[0] = first.id[1] = 'a';
    assert_int_equal(lockouts_failures(lockouts, &ann), 3);
    assert_int_equal(lockouts_failures(lockouts, &first), 0);
    assert_int_equal(lockouts_failures(lockouts, &other), 1);
    lockouts_close(lockouts);
}

static void a_damaged_file_is_said(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_MAX];
    static const char broken[] = "{\"lockouts\":[{\"person\":\"x\"}]}";
    scratch_write(scratch_path(&scratch, "people/lockouts.json", path), broken, sizeof broken - 1);
    struct lockouts *lockouts;
    struct fault fault;
    assert_int_equal(lockouts_open(&lockouts, scratch.path, LOCKOUTS_OF_STAFF, &fault),
                     ERR_INVALID);
    assert_string_equal(fault.where, "lockouts[0].salt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_slips_cost_nothing_and_the_third_a_wait, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(waits_only_grow_and_end_in_a_lock, setup, teardown),
        cmocka_unit_test_setup_teardown(a_restart_gives_no_further_guesses, setup, teardown),
        cmocka_unit_test_setup_teardown(a_right_pin_starts_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_pin_ends_the_lock, setup, teardown),
        cmocka_unit_test_setup_teardown(a_clock_that_was_set_back_lengthens_no_wait, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_full_list_lets_the_fewest_tries_go, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_said, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
