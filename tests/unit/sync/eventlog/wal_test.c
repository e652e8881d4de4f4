/* The write-ahead log and who reads in it: the background verification gives way to live traffic.
 */
#include "sync/eventlog/internal.h"
#include "tests/support/await.h"
#include "tests/support/log_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

/* Enough to verify that it takes a while, and so many of the log's pages that readers crowd it. */
enum { GROUPS = 125, IN_GROUP = 32, BYTES_EACH = 16000, LIVE = 300, NAP_NS = 1000000 };

static void append_group(struct log_fixture *f)
{
    static struct log_command commands[IN_GROUP];
    for (int i = 0; i < IN_GROUP; i++) {
        log_command_make(&commands[i], f, EVENT_RETURN_CREATED, 1);
        commands[i].padding = BYTES_EACH;
        log_command_submit(&commands[i]);
    }
    for (int i = 0; i < IN_GROUP; i++)
        assert_int_equal(log_command_await(&commands[i]), ERR_OK);
}

/* From now on nothing that is written after it can leave the write-ahead log. */
static struct database *stand_in_the_way(struct log_fixture *f)
{
    struct database *reader;
    char path[SCRATCH_PATH_MAX];
    const struct database_config config = {.path = scratch_path(&f->scratch, "tillback.db", path),
                                           .read_only = true};
    assert_int_equal(database_open(&reader, &config, &f->fault), ERR_OK);
    assert_int_equal(database_script(reader, "BEGIN; SELECT count(*) FROM log", &f->fault), ERR_OK);
    return reader;
}

static bool is_verified(struct log_fixture *f)
{
    struct eventlog_status status;
    eventlog_status(f->log, &status);
    return status.verified;
}

static bool is_verified_soon(struct log_fixture *f)
{
    const struct timespec nap = {.tv_nsec = NAP_NS};
    for (int ms = 0; ms < AWAIT_MS && !is_verified(f); ms++)
        (void)nanosleep(&nap, NULL);
    return is_verified(f);
}

static void the_background_verification_gives_way_while_the_log_cannot_be_cut(void **state)
{
    struct log_fixture *f = *state;
    append_group(f);
    struct database *reader = stand_in_the_way(f);
    for (int i = 1; i < GROUPS; i++)
        append_group(f);
    log_fixture_close(f);
    assert_int_equal(log_fixture_open(f), ERR_OK); /* which begins to verify */
    for (int i = 0; i < LIVE; i++)
        log_fixture_append(f, EVENT_RETURN_CREATED, 1);
    assert_false(is_verified(f));
    database_close(reader);
    assert_true(is_verified_soon(f)); /* though nobody appends any more */
}

/* --- Standing aside -------------------------------------------------------------------------- */

struct aside {
    struct eventlog *log;
    bool returned;
};

static void *stand(void *context)
{
    struct aside *aside = context;
    wal_stand_aside(aside->log);
    __atomic_store_n(&aside->returned, true, __ATOMIC_RELEASE);
    return NULL;
}

static bool is_crowded(struct eventlog *log)
{
    pthread_mutex_lock(&log->lock);
    bool crowded = log->wal.crowded;
    pthread_mutex_unlock(&log->lock);
    return crowded;
}

static void who_stands_aside_goes_on_when_the_reader_has_gone(void **state)
{
    struct log_fixture *f = *state;
    struct aside aside = {.log = f->log};
    pthread_t thread;
    log_fixture_append(f, EVENT_RETURN_CREATED, 1);
    wal_stand_aside(f->log); /* nobody is in the way: at once */
    struct database *reader = stand_in_the_way(f);
    for (int i = 0; i < GROUPS && !is_crowded(f->log); i++)
        append_group(f);
    assert_true(is_crowded(f->log));
    assert_int_equal(pthread_create(&thread, NULL, stand, &aside), 0);
    for (int i = 0; i < LIVE; i++)
        log_fixture_append(f, EVENT_RETURN_CREATED, 1);
    assert_false(__atomic_load_n(&aside.returned, __ATOMIC_ACQUIRE));
    database_close(reader);
    pthread_join(thread, NULL);
    assert_false(is_crowded(f->log));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(the_background_verification_gives_way_while_the_log_cannot_be_cut),
        LOG_TEST(who_stands_aside_goes_on_when_the_reader_has_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
