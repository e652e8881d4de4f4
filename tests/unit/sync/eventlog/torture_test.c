/*
 * The nth allocation, open, rename, sync or truncation of ours fails, wherever it is, on a day with
 * appends, an acknowledgement, a cut, a restart and a damaged database; SQLite's own allocations
 * too. What was answered with yes is there afterwards, and the log works.
 *
 * The linker puts torture.c's functions in the place of libc's (see toolchain/targets.mk).
 */
#include "sync/eventlog/eventlog.h"
#include "tests/support/log_fixture.h"
#include "tests/support/names.h"
#include "tests/support/torture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { APPENDS = 12, SAMPLE = 10, POWER_SEEDS = 4 };

/* --- A day ----------------------------------------------------------------------------------- */

struct append {
    struct eventlog_command command;
    struct id correlation;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool ended;
    enum err err;
};

static enum err decide(void *context, struct eventlog_txn *txn, struct fault *why)
{
    struct append *a = context;
    int64_t seq;
    struct event draft = {
        .type = EVENT_RETURN_CREATED,
        .subject = SLICE_LITERAL("receipt/1"),
        .correlation = a->correlation,
        .sequence = 1,
        .data = SLICE_LITERAL("{\"a\":1}"),
    };
    return eventlog_append(txn, &draft, &seq, why);
}

static void done(void *context, enum err err, const struct fault *why)
{
    (void)why;
    struct append *a = context;
    pthread_mutex_lock(&a->lock);
    a->err = err;
    a->ended = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
}

static void await_end(struct append *a)
{
    pthread_mutex_lock(&a->lock);
    while (!a->ended)
        pthread_cond_wait(&a->wake, &a->lock);
    pthread_mutex_unlock(&a->lock);
}

struct day {
    struct log_fixture f;
    enum err answers[APPENDS];
};

static void append(struct day *d, int i)
{
    struct append a = {
        .command = {.decide = decide, .done = done, .context = &a},
        .correlation = log_fixture_id((uint8_t)(100 + i)),
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .wake = PTHREAD_COND_INITIALIZER,
    };
    eventlog_submit(d->f.log, &a.command);
    await_end(&a);
    d->answers[i] = a.err;
}

static void acknowledge(struct day *d, const struct ack *ack)
{
    struct append a = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
    eventlog_acknowledge(d->f.log, STREAM_RETURNS, ack, done, &a);
    await_end(&a);
}

/* In a folder whose log holds three events already. Ends early when the log doesn't come up. */
static void live(struct day *d, const struct ack *ack)
{
    const struct eventlog_retention rules = {.max_events = 1};
    int64_t pruned;
    if (log_fixture_open(&d->f))
        return;
    for (int i = 0; i < APPENDS / 2; i++)
        append(d, i);
    acknowledge(d, ack);
    enum err err = eventlog_suspect(&d->f.config, &d->f.fault);
    if (!names_struck())
        err = eventlog_prune(d->f.log, &rules, &pruned, &d->f.fault);
    (void)err;
    log_fixture_close(&d->f);
    if (names_struck() || log_fixture_open(&d->f))
        return;
    for (int i = APPENDS / 2; i < APPENDS && !names_struck(); i++)
        append(d, i);
    log_fixture_close(&d->f);
}

static void zero_first_page(struct log_fixture *f)
{
    static const char zeros[4096];
    char path[SCRATCH_PATH_MAX];
    int fd = open(scratch_path(&f->scratch, "tillback.db", path), O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, zeros, sizeof zeros, 0), sizeof zeros);
    assert_int_equal(close(fd), 0);
}

/* The newest event doesn't follow any more, and the write-ahead log that says so is still there:
 * beside another database it would spoil that one, too. */
static void damage_in_the_wal(struct log_fixture *f)
{
    sqlite3 *db;
    char path[SCRATCH_PATH_MAX];
    assert_int_equal(sqlite3_open(scratch_path(&f->scratch, "tillback.db", path), &db), SQLITE_OK);
    assert_int_equal(sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE event SET hash = zeroblob(32) "
                                  "WHERE pos = (SELECT max(pos) FROM event WHERE pos < 1 << 40)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int64_t events_of(struct day *d, int i)
{
    char sql[160];
    char hex[2 * ID_BYTES + 1];
    struct id id = log_fixture_id((uint8_t)(100 + i));
    for (int k = 0; k < ID_BYTES; k++)
        (void)snprintf(hex + 2 * k, 3, "%02x", id.bytes[k]);
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM event WHERE correlation = x'%s'", hex);
    return log_fixture_number(&d->f, sql);
}

/* How many promises were broken; the log is opened again without a fault. */
static int broken(struct day *d)
{
    if (log_fixture_open(&d->f)) {
        print_message("it doesn't open: %s: %s\n", d->f.fault.where, d->f.fault.text);
        return 1;
    }
    int bad = 0;
    for (int i = 0; i < APPENDS; i++) {
        int64_t events = events_of(d, i);
        if (d->answers[i] == ERR_OK)
            bad += events != 1;
        else
            bad += events > (d->answers[i] == ERR_UNKNOWN_OUTCOME);
    }
    struct eventlog_status status;
    eventlog_status(d->f.log, &status);
    bad += status.forked_at_start || status.lost[STREAM_RETURNS] != 0;
    struct append last = {
        .command = {.decide = decide, .done = done, .context = &last},
        .correlation = log_fixture_id(99),
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .wake = PTHREAD_COND_INITIALIZER,
    };
    eventlog_submit(d->f.log, &last.command);
    await_end(&last);
    return bad + (last.err != ERR_OK) + log_fixture_findings(&d->f);
}

/* False when the day ended before the nth call. */
static bool run_day(enum torture call, int nth, bool damaged)
{
    struct day *d = calloc(1, sizeof *d);
    log_fixture_make(&d->f);
    for (int i = 0; i < APPENDS; i++)
        d->answers[i] = ERR_CLOSED;
    log_fixture_append(&d->f, EVENT_RETURN_CREATED, 3);
    struct ack ack = log_fixture_ack(&d->f, STREAM_RETURNS, 2, 1);
    log_fixture_close(&d->f);
    if (damaged)
        zero_first_page(&d->f);
    torture_arm(call, nth);
    live(d, &ack);
    bool struck = torture_struck();
    log_fixture_close(&d->f);
    torture_arm(TORTURE_NONE, 0);
    int bad = broken(d);
    log_fixture_remove(&d->f);
    free(d);
    if (bad)
        fail_msg("kind %d, call %d%s: %d promises broken", call, nth, damaged ? ", damaged" : "",
                 bad);
    return struck;
}

static bool run_good_day(enum torture call, int nth)
{
    return run_day(call, nth, false);
}

static bool run_damaged_day(enum torture call, int nth)
{
    return run_day(call, nth, true);
}

/*
 * The power goes at the nth change of a name or sync of a folder, while a log is opened, cut,
 * suspected and salvaged: what was removed may come back, what was made or moved may not be where
 * it was put. Then once more while that is made good.
 */
static int lost;

static bool run_power_day(int nth, uint64_t seed, bool damaged, bool lying)
{
    struct day *d = calloc(1, sizeof *d);
    struct scratch attic;
    scratch_make(&attic);
    log_fixture_make(&d->f);
    for (int i = 0; i < APPENDS; i++)
        d->answers[i] = ERR_CLOSED;
    log_fixture_append(&d->f, EVENT_RETURN_CREATED, 3);
    struct ack ack = log_fixture_ack(&d->f, STREAM_RETURNS, 2, 1);
    log_fixture_close(&d->f);
    if (damaged && seed % 2)
        zero_first_page(&d->f);
    else if (damaged)
        damage_in_the_wal(&d->f);
    names_lie(lying);
    names_watch(d->f.scratch.path, attic.path, nth);
    live(d, &ack);
    bool struck = names_struck();
    log_fixture_close(&d->f);
    names_power_on(seed);
    scratch_remove(&attic);
    scratch_make(&attic);
    names_watch(d->f.scratch.path, attic.path, 1 + (int)(seed % 7));
    (void)log_fixture_open(&d->f);
    log_fixture_close(&d->f);
    names_power_on(seed + 1);
    int bad = broken(d);
    log_fixture_remove(&d->f);
    scratch_remove(&attic);
    free(d);
    lost += bad;
    if (bad && !lying)
        fail_msg("power cut at %d, seed %llu%s: %d promises broken", nth, (unsigned long long)seed,
                 damaged ? ", damaged" : "", bad);
    return struck;
}

static bool run_power_days(enum torture call, int nth)
{
    bool struck = false;
    (void)call;
    for (uint64_t i = 0; i < POWER_SEEDS; i++) {
        uint64_t seed = (uint64_t)nth * 131 + i;
        struck = run_power_day(nth, seed, false, false);
        struck = run_power_day(nth, seed, true, false) || struck;
    }
    return struck;
}

static void names_that_were_not_synced_may_come_back_or_vanish(void **state)
{
    (void)state;
    torture_each(TORTURE_POWER, SAMPLE, run_power_days);
}

static void a_disk_that_lies_about_syncs_of_folders_is_caught_losing(void **state)
{
    (void)state;
    lost = 0;
    for (int nth = 8; nth < 30; nth++)
        (void)run_power_day(nth, (uint64_t)nth, true, true);
    assert_true(lost > 0);
}

static void fail_each(enum torture call)
{
    torture_each(call, SAMPLE, run_good_day);
    torture_each(call, SAMPLE, run_damaged_day);
}

static void each_allocation_of_ours_may_fail(void **state)
{
    (void)state;
    fail_each(TORTURE_ALLOCATION);
}

static void each_allocation_of_sqlite_may_fail(void **state)
{
    (void)state;
    fail_each(TORTURE_SQLITE);
}

static void each_open_may_fail(void **state)
{
    (void)state;
    fail_each(TORTURE_OPEN);
}

static void each_rename_may_fail(void **state)
{
    (void)state;
    fail_each(TORTURE_RENAME);
}

static void each_sync_of_a_file_or_folder_may_fail(void **state)
{
    (void)state;
    fail_each(TORTURE_SYNC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_of_ours_may_fail),
        cmocka_unit_test(each_allocation_of_sqlite_may_fail),
        cmocka_unit_test(each_open_may_fail),
        cmocka_unit_test(each_rename_may_fail),
        cmocka_unit_test(each_sync_of_a_file_or_folder_may_fail),
        cmocka_unit_test(names_that_were_not_synced_may_come_back_or_vanish),
        cmocka_unit_test(a_disk_that_lies_about_syncs_of_folders_is_caught_losing),
    };
    return cmocka_run_group_tests(tests, torture_take_sqlite_memory, NULL);
}
