/*
 * The nth allocation, open, rename, sync or truncation of ours fails, wherever it is, on a day with
 * appends, an acknowledgement, a cut, a restart and a damaged database; SQLite's own allocations
 * too. What was answered with yes is there afterwards, and the log works. A seeded sample of all n,
 * or every n with POWER_CUT_EVERY=1; POWER_CUT_SEED replays a run.
 *
 * The linker puts the functions here in the place of libc's (see toolchain/targets.mk).
 */
#include "hal/base/cleanup.h"
#include "sync/eventlog/eventlog.h"
#include "tests/support/log_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { APPENDS = 12, SAMPLE = 10 };

/* --- What fails ------------------------------------------------------------------------------ */

enum call { CALL_NONE, CALL_ALLOCATION, CALL_SQLITE, CALL_OPEN, CALL_RENAME, CALL_SYNC };

static struct {
    enum call call;
    int in; /* calls until it strikes */
    bool struck;
} fault;

static bool strikes(enum call call)
{
    if (__atomic_load_n(&fault.call, __ATOMIC_RELAXED) != call)
        return false;
    if (__atomic_sub_fetch(&fault.in, 1, __ATOMIC_RELAXED) != 0)
        return false;
    __atomic_store_n(&fault.struck, true, __ATOMIC_RELAXED);
    return true;
}

static void arm(enum call call, int nth)
{
    __atomic_store_n(&fault.call, CALL_NONE, __ATOMIC_RELAXED);
    __atomic_store_n(&fault.in, nth, __ATOMIC_RELAXED);
    __atomic_store_n(&fault.struck, false, __ATOMIC_RELAXED);
    __atomic_store_n(&fault.call, call, __ATOMIC_RELAXED);
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
int __real_open(const char *path, int flags, ...);
int __real_rename(const char *from, const char *to);
int __real_fsync(int fd);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
int __wrap_open(const char *path, int flags, ...);
int __wrap_rename(const char *from, const char *to);
int __wrap_fsync(int fd);

void *__wrap_malloc(size_t size)
{
    return strikes(CALL_ALLOCATION) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return strikes(CALL_ALLOCATION) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return strikes(CALL_ALLOCATION) ? NULL : __real_realloc(memory, size);
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    int mode = flags & O_CREAT ? va_arg(more, int) : 0;
    va_end(more);
    if (strikes(CALL_OPEN)) {
        errno = EMFILE;
        return -1;
    }
    return __real_open(path, flags, mode);
}

int __wrap_rename(const char *from, const char *to)
{
    if (strikes(CALL_RENAME)) {
        errno = EIO;
        return -1;
    }
    return __real_rename(from, to);
}

int __wrap_fsync(int fd)
{
    if (strikes(CALL_SYNC)) {
        errno = EIO;
        return -1;
    }
    return __real_fsync(fd);
}

static sqlite3_mem_methods memory;

static void *sqlite_malloc(int size)
{
    return strikes(CALL_SQLITE) ? NULL : memory.xMalloc(size);
}

static void *sqlite_realloc(void *old, int size)
{
    return strikes(CALL_SQLITE) ? NULL : memory.xRealloc(old, size);
}

/* Before SQLite is first used. */
static int take_sqlite_memory(void **state)
{
    (void)state;
    sqlite3_mem_methods ours;
    int rc = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory);
    ours = memory;
    ours.xMalloc = sqlite_malloc;
    ours.xRealloc = sqlite_realloc;
    return rc || sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
}

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
    err = eventlog_prune(d->f.log, &rules, &pruned, &d->f.fault);
    (void)err;
    log_fixture_close(&d->f);
    if (log_fixture_open(&d->f))
        return;
    for (int i = APPENDS / 2; i < APPENDS; i++)
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
    struct eventlog_finding finding;
    int findings = log_fixture_verify(&d->f, &finding);
    if (findings)
        print_message("%s: %s\n", finding.what, finding.text);
    return bad + (last.err != ERR_OK) + findings;
}

/* False when the day ended before the nth call. */
static bool run_day(enum call call, int nth, bool damaged)
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
    arm(call, nth);
    live(d, &ack);
    bool struck = fault.struck;
    log_fixture_close(&d->f);
    arm(CALL_NONE, 0);
    int bad = broken(d);
    log_fixture_remove(&d->f);
    free(d);
    if (bad)
        fail_msg("kind %d, call %d%s: %d promises broken", call, nth, damaged ? ", damaged" : "",
                 bad);
    return struck;
}

static void fail_each(enum call call)
{
    const char *text = getenv("POWER_CUT_SEED");
    unsigned seed = text ? (unsigned)strtoul(text, NULL, 10) : (unsigned)time(NULL);
    print_message("POWER_CUT_SEED=%u\n", seed);
    for (int damaged = 0; damaged < 2; damaged++) {
        int calls = 1;
        while (run_day(call, calls, damaged))
            calls *= 2; /* how long a day is, to within two */
        int stride = getenv("POWER_CUT_EVERY") ? 1 : 1 + calls / SAMPLE;
        int nth = 1 + (int)(seed % (unsigned)stride);
        while (run_day(call, nth, damaged))
            nth += stride;
    }
}

static void each_allocation_of_ours_may_fail(void **state)
{
    (void)state;
    fail_each(CALL_ALLOCATION);
}

static void each_allocation_of_sqlite_may_fail(void **state)
{
    (void)state;
    fail_each(CALL_SQLITE);
}

static void each_open_may_fail(void **state)
{
    (void)state;
    fail_each(CALL_OPEN);
}

static void each_rename_may_fail(void **state)
{
    (void)state;
    fail_each(CALL_RENAME);
}

static void each_sync_of_a_file_or_folder_may_fail(void **state)
{
    (void)state;
    fail_each(CALL_SYNC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_of_ours_may_fail),
        cmocka_unit_test(each_allocation_of_sqlite_may_fail),
        cmocka_unit_test(each_open_may_fail),
        cmocka_unit_test(each_rename_may_fail),
        cmocka_unit_test(each_sync_of_a_file_or_folder_may_fail),
    };
    return cmocka_run_group_tests(tests, take_sqlite_memory, NULL);
}
