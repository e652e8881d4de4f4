/*
 * The power goes at the hub at the nth call of a day of batches, and once more while it is opened
 * again; or the disk fails once at that call. What it acknowledged must be there; sent again,
 * everything is there once. POWER_CUT_SEED replays a run, POWER_CUT_EVERY=1 takes every n.
 */
#include "sync/hub/ingest/ingest.h"
#include "tests/support/scratch.h"
#include "tests/support/vfs_fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { EVENTS = 48, SAMPLE = 5, SEEDS_EACH = 2 };

static const int64_t now_ms = INT64_C(1795000000000);

struct log_of_store {
    struct id log;
    struct slice bodies[EVENTS];
    struct sha256 hashes[EVENTS + 1];
};

struct day {
    struct scratch scratch;
    struct vfs_fault *vfs;
    struct hubdb *hub;
    struct log_of_store log;
    int64_t acknowledged;
    int64_t epoch; /* that of the acknowledgement */
};

static struct id made_id(int kind, int number)
{
    struct id id = {{0}};
    (void)snprintf((char *)id.bytes, ID_BYTES, "%02d-%08d", kind, number);
    return id;
}

static void make_log(struct log_of_store *log)
{
    log->log = made_id(1, 1);
    log->hashes[0] = chain_origin(&log->log, NULL);
    for (int i = 0; i < EVENTS; i++) {
        char data[4096];
        (void)snprintf(data, sizeof data,
                       "{\"receipt\":\"R%d\",\"number\":\"N%d\",\"text\":\"%*s\"}", i, i,
                       i % 7 == 6 ? 3000 : 20, "");
        struct event event = {
            .id = made_id(2, i),
            .type = EVENT_RETURN_CREATED,
            .source = SLICE_LITERAL("/store/0042/device/box-a"),
            .time_ms = now_ms,
            .correlation = made_id(3, i),
            .sequence = 1,
            .data = slice_of(data),
        };
        struct buf body;
        buf_init(&body, EVENT_BODY_MAX);
        event_write(&body, &event);
        log->bodies[i] = buf_slice(&body); /* freed with the day */
        log->hashes[i + 1] = chain_next(&log->hashes[i], log->bodies[i]);
    }
}

static void free_log(struct log_of_store *log)
{
    for (int i = 0; i < EVENTS; i++)
        free((void *)(uintptr_t)log->bodies[i].data);
}

static enum err open_hub(struct day *d)
{
    char path[SCRATCH_PATH_MAX];
    struct fault fault = {0};
    const struct hubdb_config config = {
        .path = scratch_path(&d->scratch, "hub.db", path),
        .folder = d->scratch.path,
        .vfs = "hub-fault",
        .now_ms = now_ms,
    };
    return hubdb_open(&d->hub, &config, &fault);
}

static void close_hub(struct day *d)
{
    hubdb_close(d->hub);
    d->hub = NULL;
}

/* The hub's word, given after COMMIT only. */
static enum err give(struct day *d, int64_t first, int64_t last, struct ingest_result *result)
{
    struct database *db = hubdb_database(d->hub);
    struct ingest_rules rules = {.hub_epoch = hubdb_epoch(d->hub)};
    struct ingest_batch batch = {
        .device = "box-a",
        .header = {.log = d->log.log,
                   .stream = STREAM_RETURNS,
                   .first = first,
                   .last = last,
                   .prev = d->log.hashes[first - 1],
                   .hash = d->log.hashes[last]},
        .bodies = &d->log.bodies[first - 1],
        .count = (size_t)(last - first + 1),
        .received_ms = now_ms,
    };
    struct fault fault;
    enum err err = database_begin(db, &fault);
    if (!err)
        err = ingest_batch(db, &rules, &batch, result, &fault);
    if (!err)
        err = database_commit(db, &fault);
    if (err)
        database_rollback(db);
    return err;
}

/* Batches of one to five, one of them ahead of its turn, a restart in between. */
static void live(struct day *d)
{
    int64_t first = 1;
    while (first <= EVENTS) {
        int64_t last = first + first % 5 < EVENTS ? first + first % 5 : EVENTS;
        struct ingest_result result;
        if (first > EVENTS / 2 && first < EVENTS / 2 + 6) {
            close_hub(d);
            if (open_hub(d))
                return;
        }
        if (first % 4 == 1 && last + 2 <= EVENTS)
            (void)give(d, last + 1, last + 2, &result);
        if (give(d, first, last, &result) == ERR_OK && result.has_ack) {
            d->acknowledged = result.ack.through;
            d->epoch = result.ack.hub_epoch;
        }
        first = last + 1;
    }
    close_hub(d);
}

static int64_t number_of(struct day *d, const char *sql)
{
    sqlite3_stmt *s;
    sqlite3 *db = database_handle(hubdb_database(d->hub));
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    int64_t number = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
    sqlite3_finalize(s);
    return number;
}

/* How many promises were broken. */
static int broken(struct day *d)
{
    int broken = 0;
    struct fault fault;
    struct ingest_result result = {0};
    struct ingest_rules rules = {.hub_epoch = hubdb_epoch(d->hub)};
    enum err err =
        ingest_acknowledgement(hubdb_database(d->hub), &rules, &d->log.log, &result, &fault);
    int64_t through = err ? 0 : result.ack.through;
    broken += through < d->acknowledged;
    for (int64_t first = 1; first <= EVENTS; first += 6)
        broken += give(d, first, first + 5, &result) != ERR_OK;
    broken += result.ack.through != EVENTS;
    broken += number_of(d, "SELECT count(*) FROM event") != EVENTS;
    broken += number_of(d, "SELECT count(*) FROM pragma_integrity_check "
                           "WHERE integrity_check <> 'ok'") != 0;
    return broken;
}

static void day_begin(struct day *d)
{
    *d = (struct day){.vfs = vfs_fault_open("hub-fault")};
    scratch_make(&d->scratch);
    make_log(&d->log);
    assert_int_equal(open_hub(d), ERR_OK);
}

static void day_end(struct day *d)
{
    close_hub(d);
    free_log(&d->log);
    scratch_remove(&d->scratch);
    vfs_fault_close(d->vfs);
}

static int run_day(int nth, uint64_t seed, bool lying, bool *reached)
{
    struct day d;
    day_begin(&d);
    vfs_fault_lie(d.vfs, lying);
    vfs_fault_cut(d.vfs, nth);
    live(&d);
    close_hub(&d);
    *reached = vfs_fault_struck(d.vfs);
    vfs_fault_power_on(d.vfs, seed);
    vfs_fault_cut(d.vfs, 1 + (int)(seed % 8));
    (void)open_hub(&d);
    close_hub(&d);
    vfs_fault_power_on(d.vfs, seed + 1);
    vfs_fault_lie(d.vfs, false);
    int bad = open_hub(&d) ? 1 : broken(&d);
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
    live(&d);
    int calls = vfs_fault_calls(d.vfs);
    day_end(&d);
    return calls;
}

static void what_the_hub_acknowledged_outlives_a_power_cut_at_any_call(void **state)
{
    (void)state;
    const char *text = getenv("POWER_CUT_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);
    print_message("POWER_CUT_SEED=%llu\n", (unsigned long long)seed);
    int calls = calls_of_a_day();
    int stride = getenv("POWER_CUT_EVERY") ? 1 : 1 + calls / SAMPLE;
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
    const char *text = getenv("POWER_CUT_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);
    int stride = getenv("POWER_CUT_EVERY") ? 1 : 1 + calls_of_a_day() / SAMPLE;
    print_message("POWER_CUT_SEED=%llu\n", (unsigned long long)seed);
    bool struck = true;
    for (int nth = 1 + (int)(seed % (uint64_t)stride); struck; nth += stride) {
        struct day d;
        day_begin(&d);
        vfs_fault_fail(d.vfs, kinds, nth, code, false);
        live(&d);
        close_hub(&d);
        struck = vfs_fault_struck(d.vfs);
        vfs_fault_heal(d.vfs);
        assert_int_equal(open_hub(&d), ERR_OK);
        int bad = broken(&d);
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
