/* What SQLite keeps of the tables is text in the file, too, and rots like the rest. */
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "tests/support/log_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_MAX = 8 * 1024 * 1024, EVENTS = 6 };

/* In a log at rest: nothing newer of it is in a write-ahead log. */
static void rot(struct log_fixture *f, const char *name)
{
    char path[SCRATCH_PATH_MAX];
    struct buf file CLEANUP(buf_free);
    buf_init(&file, FILE_MAX);
    assert_int_equal(log_fixture_append(f, EVENT_RETURN_CREATED, EVENTS), EVENTS);
    log_fixture_close(f);
    assert_int_equal(storage_read(scratch_path(&f->scratch, "tillback.db", path), &file, &f->fault),
                     ERR_OK);
    char *at = memmem(file.data, file.len, name, strlen(name));
    assert_non_null(at);
    *at ^= 2;
    scratch_write(path, file.data, file.len);
}

static enum err try_command(struct log_fixture *f)
{
    struct log_command c;
    log_command_make(&c, f, EVENT_RETURN_CREATED, 1);
    log_command_submit(&c);
    return log_command_await(&c);
}

static void nothing_is_lost(struct log_fixture *f)
{
    struct eventlog_status status;
    eventlog_status(f->log, &status);
    assert_int_equal(status.lost[STREAM_RETURNS], 0);
    assert_true(log_fixture_number(f, "SELECT count(*) FROM event") >= EVENTS);
    assert_int_equal(try_command(f), ERR_OK);
}

static void a_column_of_the_log_that_has_rotted_shuts_no_counter(void **state)
{
    struct log_fixture *f = *state;
    rot(f, "parent_hash");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    nothing_is_lost(f);
}

/* A start needs nothing of it, the first command does: the next start, or the log itself, mends it.
 */
static void a_column_of_a_view_that_has_rotted_is_met_once(void **state)
{
    struct log_fixture *f = *state;
    rot(f, "events INTEGER");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(try_command(f), ERR_CORRUPT);
    log_fixture_reopen(f);
    nothing_is_lost(f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, log_fixture_setup, log_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_column_of_the_log_that_has_rotted_shuts_no_counter),
        TEST(a_column_of_a_view_that_has_rotted_is_met_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
