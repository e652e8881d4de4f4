/* The head file's sync and the groups around it: on a disk that holds that sync back. */
#include "tests/support/log_fixture.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* --- A disk that syncs the head file when it is told to -------------------------------------- */

/* Long enough for an answer that doesn't wait to come. */
enum { NAP_NS = 1000000, NAPS = 30 };

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    sqlite3_io_methods head;
    sqlite3_io_methods log;
    const sqlite3_io_methods *lower;
    atomic_bool held;
    atomic_bool syncing; /* the head file */
    atomic_bool committing_meanwhile;
    atomic_bool answered_meanwhile;
    atomic_bool head_written_meanwhile;
} disk;

static void nap(void)
{
    const struct timespec time = {.tv_nsec = NAP_NS};
    (void)nanosleep(&time, NULL);
}

static int sync_head(sqlite3_file *file, int flags)
{
    atomic_store(&disk.syncing, true);
    while (atomic_load(&disk.held))
        nap();
    atomic_store(&disk.syncing, false);
    return disk.lower->xSync(file, flags);
}

static void note(atomic_bool *happened)
{
    if (atomic_load(&disk.syncing))
        atomic_store(happened, true);
}

static int write_head(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
    note(&disk.head_written_meanwhile);
    return disk.lower->xWrite(file, data, len, offset);
}

static int write_log(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
    note(&disk.committing_meanwhile);
    return disk.lower->xWrite(file, data, len, offset);
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    int rc = disk.real->xOpen(disk.real, name, file, flags, out);
    bool is_head = flags & SQLITE_OPEN_SUPER_JOURNAL;
    if (rc != SQLITE_OK || !(is_head || flags & SQLITE_OPEN_WAL))
        return rc;
    if (!disk.lower) { /* every plain file of the real disk has the same */
        disk.lower = file->pMethods;
        disk.head = disk.log = *file->pMethods;
        disk.head.xSync = sync_head;
        disk.head.xWrite = write_head;
        disk.log.xWrite = write_log;
    }
    file->pMethods = is_head ? &disk.head : &disk.log;
    return rc;
}

static int setup(void **state)
{
    disk.real = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real;
    disk.vfs.pNext = NULL;
    disk.vfs.zName = "held";
    disk.vfs.xOpen = open_file;
    if (sqlite3_vfs_register(&disk.vfs, 0) != SQLITE_OK || log_fixture_setup(state))
        return -1;
    struct log_fixture *f = *state;
    f->config.vfs = disk.vfs.zName;
    log_fixture_reopen(f);
    return 0;
}

static int teardown(void **state)
{
    int failed = log_fixture_teardown(state);
    (void)sqlite3_vfs_unregister(&disk.vfs);
    return failed;
}

/* --- What waits for it, and what doesn't ----------------------------------------------------- */

static void (*tell)(void *context, enum err err, const struct fault *fault);

static void done(void *context, enum err err, const struct fault *fault)
{
    note(&disk.answered_meanwhile);
    tell(context, err, fault);
}

static void
the_next_group_is_committed_while_the_head_file_is_synced_and_answered_after(void **state)
{
    struct log_fixture *f = *state;
    struct log_command next;
    atomic_store(&disk.held, true);
    assert_int_equal(log_fixture_append(f, EVENT_RETURN_CREATED, 1), 1); /* answered before it */
    while (!atomic_load(&disk.syncing))
        nap();
    log_command_make(&next, f, EVENT_RETURN_CREATED, 1);
    tell = next.command.done;
    next.command.done = done;
    log_command_submit(&next);
    while (!atomic_load(&disk.committing_meanwhile))
        nap();
    for (int i = 0; i < NAPS; i++)
        nap();
    atomic_store(&disk.held, false);
    assert_int_equal(log_command_await(&next), ERR_OK);
    assert_false(atomic_load(&disk.answered_meanwhile));
    assert_false(atomic_load(&disk.head_written_meanwhile));
    log_fixture_reopen(f);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).head, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_next_group_is_committed_while_the_head_file_is_synced_and_answered_after, setup,
            teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
