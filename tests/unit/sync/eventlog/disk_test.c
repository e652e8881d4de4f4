/*
 * A disk that fails: full, or with errors, at each call of a script. Every third call at random, or
 * all of them with POWER_CUT_EVERY=1; TILLBACK_SEED replays a run.
 */
#include "sync/eventlog/head.h"
#include "tests/support/log_fixture.h"
#include "tests/support/seed.h"
#include "tests/support/vfs_fault.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct disk {
    struct log_fixture f;
    struct vfs_fault *vfs;
};

static int setup(void **state)
{
    struct disk *d = calloc(1, sizeof *d);
    d->vfs = vfs_fault_open("fault");
    log_fixture_make(&d->f);
    log_fixture_close(&d->f);
    d->f.config.vfs = "fault";
    *state = d;
    return log_fixture_open(&d->f) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct disk *d = *state;
    log_fixture_remove(&d->f);
    vfs_fault_close(d->vfs);
    free(d);
    return 0;
}

static enum err append(struct disk *d, struct fault *fault)
{
    struct log_command c;
    log_command_make(&c, &d->f, EVENT_RETURN_CREATED, 1);
    log_command_submit(&c);
    enum err err = log_command_await(&c);
    *fault = c.fault;
    return err;
}

/* The head file's sync follows the answer; a command that appends nothing is answered after it. */
static void settle(struct disk *d)
{
    struct log_command c;
    log_command_make(&c, &d->f, EVENT_RETURN_CREATED, 0);
    log_command_submit(&c);
    assert_int_equal(log_command_await(&c), ERR_OK);
}

static void append_when_disk_full_keeps_previous(void **state)
{
    struct disk *d = *state;
    struct fault fault;
    assert_int_equal(append(d, &fault), ERR_OK);
    vfs_fault_fail(d->vfs, VFS_FAULT_WRITE, 1, SQLITE_FULL, true);
    for (int i = 0; i < 3; i++)
        assert_int_equal(append(d, &fault), ERR_DISK_FULL);
    assert_int_equal(log_fixture_stream(&d->f, STREAM_RETURNS).head, 1);
    vfs_fault_heal(d->vfs);
    assert_int_equal(append(d, &fault), ERR_OK); /* without a restart */
    assert_int_equal(log_fixture_stream(&d->f, STREAM_RETURNS).head, 2);
    assert_int_equal(log_fixture_findings(&d->f), 0);
    log_fixture_reopen(&d->f);
    assert_int_equal(log_fixture_stream(&d->f, STREAM_RETURNS).head, 2);
}

/* Keeps the writer busy until it is opened, so that what comes behind it is one group. */
struct gate {
    struct eventlog_command command;
    sem_t opened;
    sem_t ended;
};

static enum err wait_at(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct gate *gate = context;
    (void)txn;
    (void)fault;
    (void)sem_wait(&gate->opened);
    return ERR_OK;
}

static void end(void *context, enum err err, const struct fault *fault)
{
    struct gate *gate = context;
    (void)err;
    (void)fault;
    (void)sem_post(&gate->ended);
}

/* SQLite takes the whole transaction back when a large command finds the disk full. */
static void what_was_decided_before_a_command_that_finds_the_disk_full_leaves_no_gap(void **state)
{
    struct disk *d = *state;
    struct fault fault;
    struct gate gate = {.command = {.decide = wait_at, .done = end, .context = &gate}};
    struct log_command small;
    struct log_command large;
    sem_init(&gate.opened, 0, 0);
    sem_init(&gate.ended, 0, 0);
    assert_int_equal(append(d, &fault), ERR_OK);
    settle(d);
    log_command_make(&small, &d->f, EVENT_RETURN_CREATED, 1);
    log_command_make(&large, &d->f, EVENT_RETURN_CREATED, 16); /* more than SQLite's cache holds */
    large.padding = 240 * 1024;
    eventlog_submit(d->f.log, &gate.command);
    log_command_submit(&small);
    log_command_submit(&large);
    vfs_fault_fail(d->vfs, VFS_FAULT_WRITE, 1, SQLITE_FULL, false);
    (void)sem_post(&gate.opened);
    assert_int_equal(log_command_await(&small), ERR_DISK_FULL);
    assert_int_equal(log_command_await(&large), ERR_DISK_FULL);
    (void)sem_wait(&gate.ended);
    assert_int_equal(append(d, &fault), ERR_OK);
    assert_int_equal(log_fixture_stream(&d->f, STREAM_RETURNS).head, 2);
    assert_int_equal(log_fixture_findings(&d->f), 0);
    log_fixture_reopen(&d->f);
    assert_int_equal(log_fixture_stream(&d->f, STREAM_RETURNS).head, 2);
}

static void a_failed_sync_is_an_unknown_outcome_and_the_log_goes_on(void **state)
{
    struct disk *d = *state;
    struct fault fault;
    assert_int_equal(append(d, &fault), ERR_OK);
    settle(d);
    vfs_fault_fail(d->vfs, VFS_FAULT_SYNC, 1, SQLITE_IOERR, false);
    assert_int_equal(append(d, &fault), ERR_UNKNOWN_OUTCOME);
    assert_non_null(strstr(fault.text, "saving"));
    assert_int_equal(append(d, &fault), ERR_OK);
    assert_int_equal(log_fixture_findings(&d->f), 0);
}

static void a_disk_that_stays_away_is_told_until_it_is_back(void **state)
{
    struct disk *d = *state;
    struct fault fault;
    assert_int_equal(append(d, &fault), ERR_OK);
    settle(d);
    vfs_fault_cut(d->vfs, 1);
    assert_int_equal(append(d, &fault), ERR_UNKNOWN_OUTCOME);
    for (int i = 0; i < 3; i++)
        assert_int_not_equal(append(d, &fault), ERR_OK);
    vfs_fault_heal(d->vfs);
    clock_fake_advance(d->f.clock, 60000);
    assert_int_equal(append(d, &fault), ERR_OK);
    assert_int_equal(log_fixture_findings(&d->f), 0);
}

static void a_head_file_that_cannot_be_written_does_not_undo_the_commit(void **state)
{
    struct disk *d = *state;
    struct fault fault;
    assert_int_equal(append(d, &fault), ERR_OK);
    settle(d);
    vfs_fault_fail(d->vfs, VFS_FAULT_SYNC, 2, SQLITE_IOERR, false); /* 1: the WAL, 2: the head */
    assert_int_equal(append(d, &fault), ERR_OK);
    settle(d);
    assert_true(vfs_fault_struck(d->vfs));
    log_fixture_reopen(&d->f);
    assert_int_equal(log_fixture_stream(&d->f, STREAM_RETURNS).head, 2);
}

/* Its name too, which is there once the folder is synced. */
static void the_head_file_outlives_a_power_cut(void **state)
{
    struct disk *d = *state;
    for (uint64_t seed = 0; seed < 16; seed++) {
        struct scratch scratch;
        struct head_file *file;
        struct head head;
        struct fault fault;
        bool found = false;
        log_fixture_close(&d->f);
        scratch_make(&scratch);
        d->f.config.folder = scratch.path;
        assert_int_equal(log_fixture_open(&d->f), ERR_OK);
        assert_int_equal(append(d, &fault), ERR_OK);
        settle(d);
        vfs_fault_cut(d->vfs, 1);
        log_fixture_close(&d->f);
        vfs_fault_power_on(d->vfs, seed);
        assert_int_equal(head_open(&file, scratch.path, "fault", true, NULL), ERR_OK);
        assert_int_equal(head_read(file, &head, &found, NULL), ERR_OK);
        assert_true(found && head.streams[STREAM_RETURNS].seq == 1);
        head_close(file);
        d->f.config.folder = d->f.scratch.path;
        scratch_remove(&scratch);
    }
}

/* --- Every call of a script fails once ------------------------------------------------------- */

enum { SCRIPT = 6 };

/* Appends of a growing size, each with a key; the outcomes. */
static void run_script(struct disk *d, enum err outcomes[SCRIPT])
{
    static const char hash[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for (int i = 0; i < SCRIPT; i++) {
        struct log_command c;
        char key[16];
        (void)snprintf(key, sizeof key, "key-%d", i);
        log_command_make(&c, &d->f, i % 2 ? EVENT_SALE_RECORDED : EVENT_RETURN_CREATED, 2);
        log_command_key(&c, key, hash);
        c.padding = (size_t)i * 3000;
        log_command_submit(&c);
        outcomes[i] = log_command_await(&c);
    }
}

/* Asked again with the same keys, each has happened exactly once. */
static void settle_and_check(struct disk *d, const enum err outcomes[SCRIPT])
{
    enum err again[SCRIPT];
    vfs_fault_heal(d->vfs);
    clock_fake_advance(d->f.clock, 60000);
    run_script(d, again);
    for (int i = 0; i < SCRIPT; i++)
        assert_int_equal(again[i], ERR_OK);
    assert_int_equal(log_fixture_stream(&d->f, STREAM_RETURNS).head, SCRIPT);
    assert_int_equal(log_fixture_stream(&d->f, STREAM_SALES).head, SCRIPT);
    assert_false(log_fixture_stream(&d->f, STREAM_RETURNS).forked);
    (void)outcomes;
    assert_int_equal(log_fixture_findings(&d->f), 0);
}

struct sweep {
    int first;
    int stride;
};

static struct sweep chosen_calls(void)
{
    if (getenv("POWER_CUT_EVERY"))
        return (struct sweep){.first = 1, .stride = 1};
    return (struct sweep){.first = 1 + (int)(seed_chosen() % 3), .stride = 3};
}

static void fail_each_call(int kinds, int code)
{
    struct sweep calls = chosen_calls();
    int struck = 1;
    for (int nth = calls.first; struck; nth += calls.stride) {
        void *state;
        assert_int_equal(setup(&state), 0);
        struct disk *d = state;
        enum err outcomes[SCRIPT];
        vfs_fault_fail(d->vfs, kinds, nth, code, false);
        run_script(d, outcomes);
        struck = vfs_fault_struck(d->vfs);
        settle_and_check(d, outcomes);
        teardown(&state);
        assert_true(nth < 1000);
    }
}

static void each_write_may_find_the_disk_full(void **state)
{
    (void)state;
    fail_each_call(VFS_FAULT_WRITE, SQLITE_FULL);
}

static void each_write_may_fail(void **state)
{
    (void)state;
    fail_each_call(VFS_FAULT_WRITE, SQLITE_IOERR_WRITE);
}

static void each_sync_may_fail(void **state)
{
    (void)state;
    fail_each_call(VFS_FAULT_SYNC, SQLITE_IOERR_FSYNC);
}

/* Opening, too, may fail at each call, and succeeds when asked again. */
static void each_call_of_the_first_open_may_fail(void **state)
{
    struct disk *d = *state;
    struct sweep calls = chosen_calls();
    bool struck = true;
    for (int nth = calls.first; struck; nth += calls.stride) {
        struct scratch scratch;
        scratch_make(&scratch);
        log_fixture_close(&d->f);
        d->f.config.folder = scratch.path;
        vfs_fault_fail(d->vfs, VFS_FAULT_ANY, nth, SQLITE_FULL, false);
        enum err err = log_fixture_open(&d->f);
        struck = vfs_fault_struck(d->vfs);
        vfs_fault_heal(d->vfs);
        if (err)
            assert_int_equal(log_fixture_open(&d->f), ERR_OK);
        assert_int_equal(log_fixture_append(&d->f, EVENT_RETURN_CREATED, 1), 1);
        log_fixture_close(&d->f);
        d->f.config.folder = d->f.scratch.path;
        scratch_remove(&scratch);
        assert_true(nth < 1000);
    }
}

/* --- A second cut ---------------------------------------------------------------------------- */

static void acknowledge(struct disk *d, int64_t through, int64_t ack_no)
{
    struct ack ack = log_fixture_ack(&d->f, STREAM_RETURNS, through, ack_no);
    assert_int_equal(log_fixture_acknowledge(&d->f, STREAM_RETURNS, &ack), ERR_OK);
    settle(d);
}

static enum err cut_off(struct disk *d)
{
    const struct eventlog_retention rules = {.max_events = 1};
    int64_t pruned;
    return eventlog_prune(d->f.log, &rules, &pruned, NULL);
}

/* The checkpoint of the first is needed until the second counts. */
static bool cut_again(int kind, int nth)
{
    void *state;
    assert_int_equal(setup(&state), 0);
    struct disk *d = state;
    log_fixture_append(&d->f, EVENT_RETURN_CREATED, 3);
    acknowledge(d, 2, 1);
    assert_int_equal(cut_off(d), ERR_OK);
    log_fixture_append(&d->f, EVENT_RETURN_CREATED, 3);
    acknowledge(d, 5, 2);
    vfs_fault_fail(d->vfs, kind, nth, SQLITE_IOERR, false);
    enum err may_fail = cut_off(d);
    (void)may_fail;
    bool struck = vfs_fault_struck(d->vfs);
    vfs_fault_heal(d->vfs);
    log_fixture_reopen(&d->f);
    assert_int_equal(log_fixture_findings(&d->f), 0);
    teardown(&state);
    return struck;
}

static void a_cut_that_fails_at_any_call_leaves_the_one_before_it_whole(void **state)
{
    (void)state;
    for (int nth = 1; cut_again(VFS_FAULT_WRITE, nth); nth++)
        assert_true(nth < 1000);
    for (int nth = 1; cut_again(VFS_FAULT_SYNC, nth); nth++)
        assert_true(nth < 1000);
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DISK_TEST(append_when_disk_full_keeps_previous),
        DISK_TEST(what_was_decided_before_a_command_that_finds_the_disk_full_leaves_no_gap),
        DISK_TEST(a_failed_sync_is_an_unknown_outcome_and_the_log_goes_on),
        DISK_TEST(a_disk_that_stays_away_is_told_until_it_is_back),
        DISK_TEST(a_head_file_that_cannot_be_written_does_not_undo_the_commit),
        DISK_TEST(the_head_file_outlives_a_power_cut),
        DISK_TEST(each_call_of_the_first_open_may_fail),
        cmocka_unit_test(each_write_may_find_the_disk_full),
        cmocka_unit_test(each_write_may_fail),
        cmocka_unit_test(each_sync_may_fail),
        cmocka_unit_test(a_cut_that_fails_at_any_call_leaves_the_one_before_it_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
